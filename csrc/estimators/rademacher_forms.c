/* Quadratic forms of random signs. Products of many draws' signs with the lower triangle are one product of matrices, a column
 * block of the triangle at a time. */
#include <stdlib.h>

#include "base/status.h"
#include "base/threads.h"
#include "dense/dense_kernels.h"

#define DRAWS 256 /* at a time: a column block is packed once for all of them */
#define GROUPS (DRAWS / RDC_DENSE_ROWS)

typedef struct workspace {
    double *signs;  /* [GROUPS, n, RDC_DENSE_ROWS], aligned */
    double *column; /* [n, RDC_DENSE_COLUMNS] */
    double *row;    /* [n], signs of a draw */
} workspace;

/* Bytes of a thread's. */
static size_t workspace_size(size_t n) {
    return n * (DRAWS + RDC_DENSE_COLUMNS + 1) * sizeof(double) + RDC_ALIGNMENT;
}

static workspace workspace_in(void *memory, size_t n) {
    double *const signs = rdc_aligned(memory), *const column = signs + n * DRAWS;
    return (workspace){signs, column, column + n * RDC_DENSE_COLUMNS};
}

/* Draws behind the last one get its signs too. */
static void pack_signs(const workspace *w, size_t n, uint64_t seed, size_t first, size_t draws) {
    for (size_t draw = 0; draw < DRAWS; draw++) {
        double *panel = w->signs + draw / RDC_DENSE_ROWS * n * RDC_DENSE_ROWS + draw % RDC_DENSE_ROWS;
        if (draw < draws) rdc_random_signs(seed, first + draw, n, w->row);
        for (size_t k = 0; k < n; k++) panel[k * RDC_DENSE_ROWS] = w->row[k];
    }
}

/* Rows `from` to n - 1 of the columns from `from` on: the diagonal and twice what is below it. */
static void pack_column(const workspace *w, const double *gram, size_t n, size_t from) {
    for (size_t k = from; k < n; k++) {
        double *to = w->column + (k - from) * RDC_DENSE_COLUMNS;
        for (size_t j = 0; j < RDC_DENSE_COLUMNS; j++) {
            const size_t column = from + j;
            to[j] = column < k ? 2 * gram[k * n + column] : column == k ? gram[k * n + k] : 0;
        }
    }
}

static void add_group(rdc_dense_kernel *kernel, const workspace *w, size_t n, size_t from, size_t group, double *forms) {
    _Alignas(RDC_ALIGNMENT) double tile[RDC_DENSE_ROWS * RDC_DENSE_COLUMNS];
    const double *signs = w->signs + (group * n + from) * RDC_DENSE_ROWS;
    kernel(signs, w->column, n - from, tile);
    for (size_t j = 0; j < RDC_DENSE_COLUMNS && from + j < n; j++) {
        for (size_t i = 0; i < RDC_DENSE_ROWS; i++) forms[i] += signs[j * RDC_DENSE_ROWS + i] * tile[i * RDC_DENSE_COLUMNS + j];
    }
}

static void take_draws(rdc_dense_kernel *kernel, const workspace *w, const double *gram, size_t n, uint64_t seed, size_t first,
                       size_t draws, double *forms) {
    double found[DRAWS] = {0};
    pack_signs(w, n, seed, first, draws);
    for (size_t from = 0; from < n; from += RDC_DENSE_COLUMNS) {
        pack_column(w, gram, n, from);
        for (size_t group = 0; group * RDC_DENSE_ROWS < draws; group++) {
            add_group(kernel, w, n, from, group, found + group * RDC_DENSE_ROWS);
        }
    }
    for (size_t draw = 0; draw < draws; draw++) forms[draw] = found[draw];
}

/* All memory is taken before anything is written. */
rdc_status rdc_rademacher_forms(rdc_cpu_level cpu, const double *gram, size_t n, uint64_t seed, size_t draws, double *forms) {
    const int threads = rdc_threads_if(draws > DRAWS);
    uint8_t *memory = malloc((size_t)threads * workspace_size(n));
    RDC_RETURN_IF(!memory, RDC_ERROR_MEMORY, 0, 0);
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
#endif
    for (int64_t at = 0; at < (int64_t)draws; at += DRAWS) {
        const size_t first = (size_t)at;
        const size_t count = draws - first < DRAWS ? draws - first : DRAWS;
        const workspace w = workspace_in(memory + rdc_thread_number() * workspace_size(n), n);
        take_draws(rdc_dense_kernel_of(cpu), &w, gram, n, seed, first, count, forms + first);
    }
    free(memory);
    return rdc_ok();
}
