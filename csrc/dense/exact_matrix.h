/* What an exact matrix holds. Private to csrc/dense. */
#ifndef RDC_DENSE_EXACT_MATRIX_H
#define RDC_DENSE_EXACT_MATRIX_H

#include "dense/dense_kernels.h"
#include "dense/exact_blocks.h"

typedef struct rdc_exact_tiles rdc_exact_tiles;

struct rdc_exact_matrix {
    size_t inputs, outputs, panels;
    double value_scale, limit, product_scale;
    int is_short;             /* whether integers and values are such as pairs of 16 bits multiply */
    const int32_t
        *columns;   /* [panels, inputs, RDC_DENSE_COLUMNS], zeros behind the last output; aligned. Of a short matrix, NULL and ... */
    const int16_t *pairs;     /* ... [panels, pairs of inputs, RDC_DENSE_COLUMNS, 2], with a zero behind an odd last input */
    rdc_exact_tiles *tiles;   /* how many tokens are multiplied in integers; NULL where these are too large */
    rdc_exact_blocks *blocks; /* or, where it is not NULL, all of the matrix but its inputs and outputs */
    void *memory;
};

static inline size_t rdc_exact_pairs_of(const rdc_exact_matrix *m) {
    return m->inputs / 2 + m->inputs % 2;
}

static inline size_t rdc_exact_columns_of(const rdc_exact_matrix *m, size_t panel) {
    const size_t left = m->outputs - panel * RDC_DENSE_COLUMNS;
    return left < RDC_DENSE_COLUMNS ? left : RDC_DENSE_COLUMNS;
}

#endif
