/* Products x x^T: slices of columns are packed into panels, then tiles of the result are computed on all threads. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/threads.h"
#include "dense/dense_kernels.h"
#include "estimators/dense.h"

/* Panels of a slice: left ones hold RDC_DENSE_ROWS rows each, right ones RDC_DENSE_COLUMNS, both [depth, width]. */
typedef struct panels {
    double *memory;
    double *left, *right;
    size_t left_count, right_count;
} panels;

static size_t blocks_of(size_t n, size_t size) {
    return n / size + (n % size != 0);
}

static int panels_make(panels *p, size_t rows) {
    p->left_count = blocks_of(rows, RDC_DENSE_ROWS);
    p->right_count = blocks_of(rows, RDC_DENSE_COLUMNS);
    const size_t width = p->left_count * RDC_DENSE_ROWS + p->right_count * RDC_DENSE_COLUMNS;
    p->memory = malloc(width * RDC_DENSE_DEPTH * sizeof(double) + RDC_ALIGNMENT);
    if (!p->memory) return 0;
    p->left = rdc_aligned(p->memory);
    p->right = p->left + p->left_count * RDC_DENSE_ROWS * RDC_DENSE_DEPTH;
    return 1;
}

/* Rows from `row` on and columns [from, from + depth) of x; rows that x does not have are zero. */
static void pack(rdc_matrix_view x, size_t row, size_t width, size_t from, size_t depth, double *panel) {
    for (size_t i = 0; i < width; i++) {
        const double *values = row + i < x.rows ? x.data + (row + i) * x.stride + from * x.step : NULL;
        for (size_t k = 0; k < depth; k++) panel[k * width + i] = values ? values[k * x.step] : 0;
    }
}

static void pack_slice(const panels *p, rdc_matrix_view x, size_t from, size_t depth) {
    const size_t all = p->left_count + p->right_count;
#ifdef _OPENMP
#pragma omp parallel for schedule(static) num_threads(rdc_threads_if(all * depth * RDC_DENSE_COLUMNS >= RDC_PARALLEL_WORK))
#endif
    for (int64_t at = 0; at < (int64_t)all; at++) {
        const size_t i = (size_t)at;
        const int is_left = i < p->left_count;
        const size_t width = is_left ? RDC_DENSE_ROWS : RDC_DENSE_COLUMNS, row = (is_left ? i : i - p->left_count) * width;
        pack(x, row, width, from, depth, (is_left ? p->left : p->right) + row * RDC_DENSE_DEPTH);
    }
}

/* Adds what of a tile lies in the lower triangle. */
static void add_tile(rdc_matrix_view c, size_t row, size_t column, const double *tile, double sign) {
    for (size_t i = 0; i < RDC_DENSE_ROWS && row + i < c.rows; i++) {
        double *to = c.data + (row + i) * c.stride;
        for (size_t j = 0; j < RDC_DENSE_COLUMNS && column + j <= row + i; j++) {
            to[column + j] += sign * tile[i * RDC_DENSE_COLUMNS + j];
        }
    }
}

/* A right panel stays in the cache while the left ones pass. */
static void multiply_slice(rdc_dense_kernel *kernel, rdc_matrix_view c, const panels *p, size_t depth, double sign) {
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic, 1) num_threads(rdc_threads_if(c.rows * c.rows * depth >= RDC_PARALLEL_WORK))
#endif
    for (int64_t at = 0; at < (int64_t)p->right_count; at++) {
        const size_t j = (size_t)at;
        _Alignas(RDC_ALIGNMENT) double tile[RDC_DENSE_ROWS * RDC_DENSE_COLUMNS];
        const size_t column = j * RDC_DENSE_COLUMNS;
        for (size_t i = column / RDC_DENSE_ROWS; i < p->left_count; i++) {
            kernel(p->left + i * RDC_DENSE_ROWS * RDC_DENSE_DEPTH, p->right + column * RDC_DENSE_DEPTH, depth, tile);
            add_tile(c, i * RDC_DENSE_ROWS, column, tile, sign);
        }
    }
}

rdc_status rdc_add_products(rdc_cpu_level cpu, rdc_matrix_view c, rdc_matrix_view x, double sign) {
    panels p;
    RDC_RETURN_IF(!panels_make(&p, x.rows), RDC_ERROR_MEMORY, 0, 0);
    for (size_t from = 0; from < x.columns; from += RDC_DENSE_DEPTH) {
        const size_t depth = x.columns - from < RDC_DENSE_DEPTH ? x.columns - from : RDC_DENSE_DEPTH;
        pack_slice(&p, x, from, depth);
        multiply_slice(rdc_dense_kernel_of(cpu), c, &p, depth, sign);
    }
    free(p.memory);
    return rdc_ok();
}

rdc_status rdc_gram_add(rdc_cpu_level cpu, const double *x, size_t rows, size_t columns, int of_columns, double *gram) {
    double *data = (double *)x; /* which is only read */
    const size_t vectors = of_columns ? columns : rows;
    const rdc_matrix_view by_columns = {data, columns, rows, 1, columns}, by_rows = {data, rows, columns, columns, 1};
    return rdc_add_products(cpu, (rdc_matrix_view){gram, vectors, vectors, vectors, 1}, of_columns ? by_columns : by_rows, 1);
}
