/* Products that no sum rounds. */
#ifndef RDC_PUBLIC_EXACT_H
#define RDC_PUBLIC_EXACT_H

#include "rdc/cpu_levels.h"

RDC_BEGIN

/* A matrix of integers in doubles, times a power of two. Products with it are never rounded, so they are the same on every machine.
 * Immutable once made. */
typedef struct rdc_exact_matrix rdc_exact_matrix;

/* The matrix is integers * 2^-matrix_bits. Values are rounded to multiples of 2^-value_bits, ties to even, and clipped to magnitudes
 * of 2^value_range_bits of these. */
typedef struct rdc_exact_format {
    int matrix_bits, value_bits; /* -256 to 256 */
    int value_range_bits;        /* 0 to 50 */
} rdc_exact_format;

/* integers [inputs, outputs]. Errors: RDC_ERROR_EXACT (a sum could need more than 53 bits; got: how many), RDC_ERROR_EXACT_*_BITS (a
 * field of the format), RDC_ERROR_EXACT_INTEGER (at: position of what is none), RDC_ERROR_MEMORY. */
rdc_status rdc_exact_matrix_make(rdc_exact_matrix **matrix, const double *integers, size_t inputs, size_t outputs,
                                 rdc_exact_format format);

#define RDC_EXACT_MOST_STAGES 8
#define RDC_EXACT_MOST_CHANNELS 65536

/* A product of block-diagonal matrices, for states so wide that reading a whole matrix takes most of a token's time. */
typedef struct rdc_exact_shape {
    size_t stages;   /* 1 to 8 */
    size_t channels; /* 1 to 65536, of all stages alike */
    size_t width;    /* inputs and outputs of a block; divides channels */
    size_t stride;   /* the next stage takes outputs 0, stride, 2 * stride, ..., then 1, 1 + stride, ...; divides channels */
} rdc_exact_shape;

/* integers [stages, channels, width]: what each channel adds to the outputs of its block. formats [stages], with value_range_bits of at
 * most 22: each stage rounds what it is given. Errors: RDC_ERROR_EXACT_STAGES, _CHANNELS, _WIDTH, _STRIDE, _SHORT_BITS, _MATRIX_BITS,
 * _VALUE_BITS, _RANGE_BITS, RDC_ERROR_MEMORY. */
rdc_status rdc_exact_blocks_make(rdc_exact_matrix **matrix, const int16_t *integers, rdc_exact_shape shape, const rdc_exact_format *formats);
void rdc_exact_matrix_free(rdc_exact_matrix *matrix);
size_t rdc_exact_matrix_inputs(const rdc_exact_matrix *matrix);
size_t rdc_exact_matrix_outputs(const rdc_exact_matrix *matrix);

/* products [tokens, outputs] of values [tokens, inputs]. Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_exact_multiply(rdc_cpu_level cpu, const rdc_exact_matrix *matrix, const double *values, size_t tokens,
                              double *products);

RDC_END

#endif
