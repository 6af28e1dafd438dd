/* Matrices that are products of block-diagonal ones. Private to csrc/dense. */
#ifndef RDC_DENSE_EXACT_BLOCKS_H
#define RDC_DENSE_EXACT_BLOCKS_H

#include "dense/dense_kernels.h"

typedef struct rdc_exact_blocks rdc_exact_blocks;

/* As rdc_exact_blocks_make, whose checks have been made. Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_exact_blocks_pack(rdc_exact_blocks **blocks, const int16_t *integers, rdc_exact_shape shape,
                                 const rdc_exact_format *formats);
void rdc_exact_blocks_free(rdc_exact_blocks *blocks);

/* Bytes that the multiplication of so many tokens works in, from an aligned address on. */
size_t rdc_exact_blocks_room(const rdc_exact_blocks *blocks, size_t tokens);

/* products [tokens, channels] of values [tokens, channels]. */
void rdc_exact_blocks_multiply(rdc_cpu_level cpu, const rdc_exact_blocks *blocks, const double *values, size_t tokens, void *work,
                               double *products);

#endif
