/* The innermost loop of products of matrices, one a class of CPUs. Not public. */
#ifndef RDC_DENSE_DENSE_KERNELS_H
#define RDC_DENSE_DENSE_KERNELS_H

#include "base/aligned.h"
#include "rdc.h"

#define RDC_DENSE_DEPTH 256 /* columns that are multiplied at a time: panels of them fit the caches of a core */
#define RDC_DENSE_ROWS 8
#define RDC_DENSE_COLUMNS 24

/* tile [ROWS, COLUMNS] = the sums over depth of a [depth, ROWS] times b [depth, COLUMNS], in rising order. All are rdc_aligned. */
typedef void rdc_dense_kernel(const double *a, const double *b, size_t depth, double *tile);

rdc_dense_kernel *rdc_dense_kernel_of(rdc_cpu_level level);

#endif
