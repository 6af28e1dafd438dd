/* What the kernels take, in nanoseconds a symbol. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "entropy/rans.h"
#include "groups.h"
#include "inputs.h"

#define REPEATS 500 /* the best one counts */
#define RUNS 20     /* that are timed together, for clocks are coarse */

/* Symbols with the built-in tables, and room for what they become. */
typedef struct workload {
    rdc_tables *tables;
    uint8_t index[RDC_RANS_RUN];
    int32_t symbols[RDC_RANS_RUN], decoded[RDC_RANS_RUN];
    uint8_t words[RDC_RANS_SLACK + 2 * RDC_RANS_RUN];
    size_t size; /* of the words */
    uint32_t states[RDC_MAX_LANES];
    unsigned lanes;
} workload;

static double now(void) {
    struct timespec time;
    timespec_get(&time, TIME_UTC);
    return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

static void encode(const rdc_rans_kernels *kernels, workload *work) {
    uint8_t *const end = work->words + sizeof work->words, *word = end;
    for (unsigned lane = 0; lane < work->lanes; lane++) work->states[lane] = RDC_RANS_LOW;
    kernels->encode(work->tables, work->symbols, (rdc_index){work->index, 1}, RDC_RANS_RUN, work->lanes, work->states, &word);
    work->size = (size_t)(end - word);
}

static void decode(const rdc_rans_kernels *kernels, workload *work) {
    uint32_t states[RDC_MAX_LANES];
    memcpy(states, work->states, sizeof states);
    const uint8_t *const end = work->words + sizeof work->words, *word = end - work->size;
    kernels->decode(work->tables, (rdc_index){work->index, 1}, RDC_RANS_RUN, work->lanes, 0, states, &word, end, work->decoded);
}

static double best_time(void code(const rdc_rans_kernels *, workload *), const rdc_rans_kernels *kernels, workload *work) {
    double best = 1e18;
    for (int k = 0; k < REPEATS; k++) {
        const double start = now();
        for (int run = 0; run < RUNS; run++) code(kernels, work);
        const double time = now() - start;
        if (time < best) best = time;
    }
    return best / (RUNS * RDC_RANS_RUN);
}

static void print_times_of(rdc_cpu_level level, workload *work) {
    const rdc_rans_kernels *kernels = rdc_rans_kernels_of(level);
    encode(kernels, work); /* what is decoded */
    const double encoding = best_time(encode, kernels, work), decoding = best_time(decode, kernels, work);
    printf("%-8s %2u lanes: encode %6.2f ns, decode %6.2f ns a symbol\n", rdc_cpu_name(level), work->lanes, encoding, decoding);
}

void print_times(void) {
    const check_levels levels = check_levels_here();
    rng r = rng_of(0, 0);
    workload *work = calloc(1, sizeof *work);
    check_begin("times", 0, 0);
    check_that(work && rdc_tables_create_gaussian(&work->tables).error == RDC_OK, "there is memory");
    for (size_t i = 0; i < RDC_RANS_RUN; i++) {
        work->index[i] = (uint8_t)rng_below(&r, (uint32_t)work->tables->count);
        const int32_t width = (int32_t)(work->tables->tables[work->index[i]].escape / 8 + 1);
        work->symbols[i] = (int32_t)(rng_below(&r, (uint32_t)width + 1) + rng_below(&r, (uint32_t)width + 1)) - width;
    }
    for (size_t k = 0; k < levels.count; k++) {
        for (work->lanes = 1; work->lanes <= RDC_MAX_LANES; work->lanes *= 32) print_times_of(levels.of[k], work);
    }
    rdc_tables_free(work->tables);
    free(work);
}
