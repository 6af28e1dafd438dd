/* The one hot loop of integer networks: rows of weights times inputs, one kernel a class of CPUs. Private to csrc/net.
 *
 * Sums are exact in 32 bits in any order, for rdc_net_make refuses weights that could leave them; this also excludes the one pair
 * of products, -32768 * -32768 twice, that multiply-add instructions wrap. */
#ifndef RDC_NET_MATRIX_KERNELS_H
#define RDC_NET_MATRIX_KERNELS_H

#include "rdc.h"

#define RDC_MATRIX_ROWS 4     /* rows are padded to a multiple of these ... */
#define RDC_MATRIX_COLUMNS 32 /* ... and columns of these, with zeros */

/* Weights of a layer as the kernels read them: int8 where all fit, else int16; row after row. */
typedef struct rdc_matrix {
    const void *weights; /* on a 64-byte boundary */
    size_t rows, columns;
    int wide; /* int16 */
} rdc_matrix;

/* sums[t, r] = the product of row r and x[t, columns]. */
typedef void rdc_matrix_kernel(const rdc_matrix *matrix, const int16_t *x, size_t tokens, int32_t *sums);

rdc_matrix_kernel *rdc_matrix_kernel_of(rdc_cpu_level level);

#endif
