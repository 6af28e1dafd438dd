/* Matrices of integers, values, and their products worked out in 64-bit integers. */
#ifndef EXACT_INPUTS_H
#define EXACT_INPUTS_H

#include "check.h"

typedef struct exact_product {
    rdc_exact_matrix *matrix; /* for the caller to free */
    const double *values;     /* [tokens, inputs], in a buffer */
    const int64_t *expected;  /* [tokens, outputs], in a buffer: what products are multiples of `unit` of */
    double unit;
    size_t tokens, outputs;
} exact_product;

/* Sums reach up to 2^53; values lie between two integers, on them and beyond the range. */
exact_product make_exact_product(rng *r);

/* The same of block-diagonal matrices, one after the other. */
exact_product make_block_product(rng *r);

#endif
