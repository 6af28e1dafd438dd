/* The encoder's side of the dependent quantiser. Tokens are independent, so threads share them out and the levels do not depend
 * on their number. */
#include "quant/trellis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "base/cpu.h"
#include "base/status.h"
#include "base/threads.h"
#include "quant/trellis_kernels.h"

#define BLOCK 32 /* components that are turned at once: few enough for the first-level cache */

/* Levels of up to kernel->lanes tokens. Returns 0 if a value is out of range. */
static int quantise_some(const rdc_trellis_kernel *kernel, const double *values, size_t tokens, size_t components, double *work,
                         int32_t *levels) {
    const size_t lanes = kernel->lanes;
    int within = 1;
    for (size_t block = 0; block < components; block += BLOCK) {
        const size_t end = components - block < BLOCK ? components : block + BLOCK;
        for (size_t t = 0; t < lanes; t++) {
            const double *from = values + (t < tokens ? t : 0) * components; /* lanes too many do what the first one does */
            for (size_t i = block; i < end; i++) {
                const double x = from[i];
                within &= fabs(x) < RDC_TRELLIS_LARGEST;
                work[i * lanes + t] = x;
            }
        }
    }
    if (!within) return 0;
    kernel->search(work, components);
    for (size_t block = 0; block < components; block += BLOCK) {
        const size_t end = components - block < BLOCK ? components : block + BLOCK;
        for (size_t t = 0; t < tokens; t++) {
            for (size_t i = block; i < end; i++) levels[t * components + i] = (int32_t)work[i * lanes + t];
        }
    }
    return 1;
}

static int quantise_one(const rdc_trellis_kernel *kernel, const double *values, size_t components, double *work, int32_t *levels) {
    int within = 1;
    memcpy(work, values, components * sizeof *work);
    RDC_FORGET_MEMORY(); /* what is checked is what is used, also where another thread changes the values */
    for (size_t i = 0; i < components; i++) within &= fabs(work[i]) < RDC_TRELLIS_LARGEST;
    if (!within) return 0;
    kernel->search_one(work, components);
    for (size_t i = 0; i < components; i++) levels[i] = (int32_t)work[i];
    return 1;
}

/* Few tokens in many lanes take longer than one after the other. */
static int quantise_group(const rdc_trellis_kernel *kernel, const double *values, size_t tokens, size_t components, double *work,
                          int32_t *levels) {
    if (tokens > 1 && 4 * tokens > kernel->lanes) return quantise_some(kernel, values, tokens, components, work, levels);
    int within = 1;
    for (size_t t = 0; t < tokens; t++) within &= quantise_one(kernel, values + t * components, components, work, levels + t * components);
    return within;
}

static size_t first_out_of_range(const double *values, size_t n) {
    size_t i = 0;
    while (i < n && fabs(values[i]) < RDC_TRELLIS_LARGEST) i++;
    return i;
}

rdc_status rdc_trellis_quantise(rdc_cpu_level cpu, const double *values, size_t tokens, size_t components, int32_t *levels) {
    if (tokens == 0 || components == 0) return rdc_ok();
    const rdc_trellis_kernel *kernel = rdc_trellis_kernel_of(cpu);
    const size_t lanes = kernel->lanes, groups = (tokens + lanes - 1) / lanes;
    const size_t room = rdc_trellis_work(components, RDC_TRELLIS_MOST_LANES);
    int threads = rdc_threads_for(tokens), within = 1;
    if (threads > 1 && (size_t)threads > groups) threads = (int)groups;
    double *memory = malloc((size_t)threads * room * sizeof *memory + RDC_ALIGNMENT);
    RDC_RETURN_IF(!memory, RDC_ERROR_MEMORY, 0, 0);
    double *const work = rdc_aligned(memory);
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(static) reduction(& : within)
#endif
    for (int64_t g = 0; g < (int64_t)groups; g++) {
        const size_t first = (size_t)g * lanes, count = tokens - first < lanes ? tokens - first : lanes;
        within &= quantise_group(kernel, values + first * components, count, components, work + rdc_thread_number() * room,
                                 levels + first * components);
    }
    free(memory);
    RDC_RETURN_IF(!within, RDC_ERROR_QUANTISE_RANGE, first_out_of_range(values, tokens * components), 0);
    return rdc_ok();
}

void rdc_trellis_odd_levels(const int32_t *levels, size_t tokens, size_t components, uint8_t *odd) {
    for (size_t t = 0; t < tokens; t++) {
        unsigned state = 0;
        for (size_t i = t * components; i < (t + 1) * components; i++) {
            odd[i] = (uint8_t)rdc_trellis_odd(state);
            state = rdc_trellis_next(state, levels[i]);
        }
    }
}
