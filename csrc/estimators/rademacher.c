/* Largest sums of columns under random signs. Threads share out draws, so that each holds sums of its own and no two write to one
 * maximum. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/threads.h"
#include "estimators/rademacher_kernels.h"
#include "estimators/random_signs.h"

#define DRAWS 512 /* at a time: their sums and signs stay in a core's cache, and a table is filled once for all of them */

/* Signs of rows 32 * word onwards, for each word and draw: [words, draws]. */
static void make_signs(uint64_t seed, size_t first, size_t draws, size_t words, uint32_t *signs) {
    for (size_t draw = 0; draw < draws; draw++) {
        uint32_t bits[4] = {0};
        for (size_t word = 0; word < words; word++) {
            if (word % 4 == 0) rdc_random_bits(seed, first + draw, word / 4, bits);
            signs[word * draws + draw] = bits[word % 4];
        }
    }
}

/* Rows and columns that x does not have are zero. */
static void copy_strip(const float *x, size_t n, size_t columns, size_t row, size_t column, float *strip) {
    memset(strip, 0, RDC_SIGN_ROWS * RDC_SIGN_COLUMNS * sizeof *strip);
    const size_t width = columns - column < RDC_SIGN_COLUMNS ? columns - column : RDC_SIGN_COLUMNS;
    for (size_t i = 0; i < RDC_SIGN_ROWS && row + i < n; i++) {
        memcpy(strip + i * RDC_SIGN_COLUMNS, x + (row + i) * columns + column, width * sizeof *strip);
    }
}

typedef struct workspace {
    uint32_t *signs; /* [words, DRAWS] */
    float *sums;     /* [DRAWS, RDC_SIGN_COLUMNS] */
} workspace;

static void take_draws(const rdc_rademacher_kernels *kernels, const float *x, size_t n, size_t columns, uint64_t seed,
                       size_t first, size_t draws, const workspace *w, float *maxima) {
    float strip[RDC_SIGN_ROWS * RDC_SIGN_COLUMNS], table[RDC_SIGN_GROUPS * 16 * RDC_SIGN_COLUMNS];
    const size_t words = (n + RDC_SIGN_ROWS - 1) / RDC_SIGN_ROWS;
    make_signs(seed, first, draws, words, w->signs);
    for (size_t column = 0; column < columns; column += RDC_SIGN_COLUMNS) {
        memset(w->sums, 0, draws * RDC_SIGN_COLUMNS * sizeof *w->sums);
        for (size_t word = 0; word < words; word++) {
            copy_strip(x, n, columns, word * RDC_SIGN_ROWS, column, strip);
            kernels->fill(strip, table);
            kernels->add(table, w->signs + word * draws, draws, w->sums);
        }
        kernels->reduce(w->sums, draws, maxima + first);
    }
}

/* All memory is taken before anything is written. */
rdc_status rdc_rademacher_maxima(rdc_cpu_level cpu, const float *x, size_t n, size_t columns, uint64_t seed, size_t draws,
                                 float *maxima) {
    const rdc_rademacher_kernels *kernels = rdc_rademacher_kernels_of(cpu);
    const int threads = rdc_threads_if(draws > DRAWS);
    const size_t words = (n + RDC_SIGN_ROWS - 1) / RDC_SIGN_ROWS;
    uint32_t *signs = malloc((size_t)threads * (words + 1) * DRAWS * sizeof *signs);
    float *sums = malloc((size_t)threads * DRAWS * RDC_SIGN_COLUMNS * sizeof *sums);
    const size_t taken = signs && sums ? draws : 0;
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
#endif
    for (int64_t at = 0; at < (int64_t)taken; at += DRAWS) {
        const size_t first = (size_t)at;
        const size_t thread = rdc_thread_number(), count = taken - first < DRAWS ? taken - first : DRAWS;
        const workspace w = {signs + thread * words * DRAWS, sums + thread * DRAWS * RDC_SIGN_COLUMNS};
        take_draws(kernels, x, n, columns, seed, first, count, &w, maxima);
    }
    const int enough_memory = signs && sums;
    free(signs);
    free(sums);
    RDC_RETURN_IF(!enough_memory, RDC_ERROR_MEMORY, 0, 0);
    return rdc_ok();
}
