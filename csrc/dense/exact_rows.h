/* One token times a panel of an exact matrix, a kernel a class of CPUs. Private to csrc/dense. */
#ifndef RDC_DENSE_EXACT_ROWS_H
#define RDC_DENSE_EXACT_ROWS_H

#include "dense/dense_kernels.h"

/* sums [RDC_DENSE_COLUMNS] = a [depth] times b [depth, RDC_DENSE_COLUMNS], integers that do not leave 64 bits. All are rdc_aligned. */
typedef void rdc_exact_row_kernel(const int32_t *a, const int32_t *b, size_t depth, int64_t *sums);

rdc_exact_row_kernel *rdc_exact_row_kernel_of(rdc_cpu_level level);

#endif
