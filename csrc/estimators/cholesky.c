/* The Cholesky factor of a matrix, and what follows from it. */
#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "base/threads.h"
#include "estimators/dense.h"

#define BLOCK 64      /* columns that are eliminated at a time */
#define RIGHT_SIDES 64 /* that are solved at a time */

static double dot(const double *a, const double *b, size_t n) {
    double lanes[8] = {0};
    size_t k = 0;
    for (; k + 8 <= n; k += 8)
        for (size_t j = 0; j < 8; j++) lanes[j] += a[k + j] * b[k + j];
    double sum = 0;
    for (size_t j = 0; j < 8; j++) sum += lanes[j];
    for (; k < n; k++) sum += a[k] * b[k];
    return sum;
}

/* Factors rows and columns [from, from + n) of the lower triangle. */
static rdc_status factor_block(rdc_matrix_view a, size_t from, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double *row = a.data + (from + i) * a.stride + from;
        for (size_t j = 0; j < i; j++) {
            const double *other = a.data + (from + j) * a.stride + from;
            row[j] = (row[j] - dot(row, other, j)) / other[j];
        }
        const double pivot = row[i] - dot(row, row, i);
        RDC_RETURN_IF(!(pivot > 0 && pivot < HUGE_VAL), RDC_ERROR_NOT_POSITIVE, from + i, 0);
        row[i] = sqrt(pivot);
    }
    return rdc_ok();
}

/* The part of the factor's columns [from, from + n) that lies below their block. */
static void solve_below(rdc_matrix_view a, size_t from, size_t n) {
#ifdef _OPENMP
#pragma omp parallel for schedule(static) num_threads(rdc_threads_if((a.rows - from) * n * n >= RDC_PARALLEL_WORK))
#endif
    for (int64_t at = (int64_t)(from + n); at < (int64_t)a.rows; at++) {
        const size_t i = (size_t)at;
        double *row = a.data + i * a.stride + from;
        for (size_t j = 0; j < n; j++) {
            const double *other = a.data + (from + j) * a.stride + from;
            row[j] = (row[j] - dot(row, other, j)) / other[j];
        }
    }
}

rdc_status rdc_cholesky(rdc_cpu_level cpu, double *matrix, size_t n) {
    const rdc_matrix_view a = {matrix, n, n, n, 1};
    for (size_t from = 0; from < n; from += BLOCK) {
        const size_t width = n - from < BLOCK ? n - from : BLOCK, next = from + width;
        RDC_FORWARD_IF_ERROR(factor_block(a, from, width));
        solve_below(a, from, width);
        const rdc_matrix_view below = {a.data + next * n + from, n - next, width, n, 1};
        const rdc_matrix_view rest = {a.data + next * n + next, n - next, n - next, n, 1};
        if (next < n) RDC_FORWARD_IF_ERROR(rdc_add_products(cpu, rest, below, -1));
    }
    return rdc_ok();
}

/* Columns [from, from + width) of right [n, columns] are replaced by those of the factor's inverse times right. */
static void solve_columns(const double *factor, size_t n, double *right, size_t columns, size_t from, size_t width) {
    for (size_t i = 0; i < n; i++) {
        double *row = right + i * columns + from;
        double sums[RIGHT_SIDES] = {0};
        for (size_t j = 0; j < i; j++) {
            const double *solved = right + j * columns + from, weight = factor[i * n + j];
            for (size_t k = 0; k < width; k++) sums[k] += weight * solved[k];
        }
        for (size_t k = 0; k < width; k++) row[k] = (row[k] - sums[k]) / factor[i * n + i];
    }
}

void rdc_solve_lower(const double *factor, size_t n, double *right, size_t columns) {
#ifdef _OPENMP
#pragma omp parallel for schedule(static) num_threads(rdc_threads_if(n * n * columns >= RDC_PARALLEL_WORK))
#endif
    for (int64_t at = 0; at < (int64_t)columns; at += RIGHT_SIDES) {
        const size_t from = (size_t)at;
        solve_columns(factor, n, right, columns, from, columns - from < RIGHT_SIDES ? columns - from : RIGHT_SIDES);
    }
}
