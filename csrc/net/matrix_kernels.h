/* The one hot loop of integer networks: rows of weights times inputs, one kernel a class of CPUs. Private to csrc/net.
 *
 * Sums are exact in 32 bits in any order, for rdc_net_make refuses weights that could leave them; this also excludes the one pair
 * of products, -32768 * -32768 twice, that multiply-add instructions wrap. */
#ifndef RDC_NET_MATRIX_KERNELS_H
#define RDC_NET_MATRIX_KERNELS_H

#include "rdc.h"

#define RDC_MATRIX_ROWS 16   /* rows are padded to a multiple of these ... */
#define RDC_MATRIX_COLUMNS 4 /* ... and columns of these, with zeros */

/* Weights of a layer as the kernels read them: int8 where all fit, else int16. Rows are in blocks of RDC_MATRIX_ROWS; in a block, pairs
 * of columns follow each other, and of a pair all rows, so that a vector has sums of as many rows, which nothing has to add up. */
typedef struct rdc_matrix {
    const void *weights; /* [rows / RDC_MATRIX_ROWS, columns / 2, RDC_MATRIX_ROWS, 2], on a 64-byte boundary */
    size_t rows, columns;
    int wide; /* int16 */
} rdc_matrix;

/* Where a weight stands. */
static inline size_t rdc_matrix_place(size_t columns, size_t row, size_t column) {
    return row / RDC_MATRIX_ROWS * RDC_MATRIX_ROWS * columns + (column / 2 * RDC_MATRIX_ROWS + row % RDC_MATRIX_ROWS) * 2 + column % 2;
}

/* sums[t, r] = the product of row r and x[t, columns]; sums are [tokens, rows]. */
typedef void rdc_matrix_kernel(const rdc_matrix *matrix, const int16_t *x, size_t tokens, int32_t *sums);

rdc_matrix_kernel *rdc_matrix_kernel_of(rdc_cpu_level level);

#endif
