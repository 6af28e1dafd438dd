/* Products of a matrix and its transpose with several vectors at once, so that the matrix passes through memory once. */
#include <string.h>

#include "base/threads.h"
#include "estimators/dense.h"

#define CHUNK 1024 /* columns of the matrix at a time: they stay in the cache while the vectors pass */
#define LANES 8

/* Adds to lanes; the caller's sum over chunks has the same order whatever the threads do. */
static void add_dot(const double *a, const double *b, size_t n, double lanes[LANES]) {
    size_t k = 0;
    for (; k + LANES <= n; k += LANES)
        for (size_t j = 0; j < LANES; j++) lanes[j] += a[k + j] * b[k + j];
    for (size_t j = 0; k < n; k++, j++) lanes[j] += a[k] * b[k];
}

static double dot(const double *a, const double *b, size_t n) {
    double lanes[LANES] = {0}, sum = 0;
    add_dot(a, b, n, lanes);
    for (size_t j = 0; j < LANES; j++) sum += lanes[j];
    return sum;
}

void rdc_matrix_times_vectors(const double *matrix, size_t rows, size_t columns, const double *vectors, size_t count,
                              double *out) {
    memset(out, 0, count * rows * sizeof *out);
#ifdef _OPENMP
#pragma omp parallel for schedule(static) num_threads(rdc_threads_if(rows * columns * count >= RDC_PARALLEL_WORK))
#endif
    for (int64_t at = 0; at < (int64_t)rows; at++) {
        const size_t i = (size_t)at;
        for (size_t from = 0; from < columns; from += CHUNK) {
            const size_t width = columns - from < CHUNK ? columns - from : CHUNK;
            const double *part = matrix + i * columns + from;
            for (size_t v = 0; v < count; v++) out[v * rows + i] += dot(part, vectors + v * columns + from, width);
        }
    }
}

void rdc_transpose_times_vectors(const double *matrix, size_t rows, size_t columns, const double *vectors, size_t count,
                                 double *out) {
    memset(out, 0, count * columns * sizeof *out);
#ifdef _OPENMP
#pragma omp parallel for schedule(static) num_threads(rdc_threads_if(rows * columns * count >= RDC_PARALLEL_WORK))
#endif
    for (int64_t at = 0; at < (int64_t)columns; at += CHUNK) {
        const size_t from = (size_t)at;
        const size_t width = columns - from < CHUNK ? columns - from : CHUNK;
        for (size_t i = 0; i < rows; i++) {
            const double *row = matrix + i * columns + from;
            for (size_t v = 0; v < count; v++) {
                const double weight = vectors[v * rows + i];
                double *to = out + v * columns + from;
                for (size_t k = 0; k < width; k++) to[k] += weight * row[k];
            }
        }
    }
}
