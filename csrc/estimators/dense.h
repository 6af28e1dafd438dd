/* Dense matrices of doubles, rows one after the other `stride` apart: what log-determinants need. Every sum is taken in an
 * order that neither threads nor the class of the CPU change. Private to csrc/estimators. */
#ifndef RDC_ESTIMATORS_DENSE_H
#define RDC_ESTIMATORS_DENSE_H

#include "rdc.h"

/* Operations from which on other threads are worth waking. */
#define RDC_PARALLEL_WORK 100000

typedef struct rdc_matrix_view {
    double *data;
    size_t rows, columns, stride, step; /* between rows, and between elements of a row */
} rdc_matrix_view;

/* c += sign * x x^T, of which only the lower triangle of c [x.rows, x.rows] is touched. Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_add_products(rdc_cpu_level cpu, rdc_matrix_view c, rdc_matrix_view x, double sign);

#endif
