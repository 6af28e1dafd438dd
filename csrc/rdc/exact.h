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
void rdc_exact_matrix_free(rdc_exact_matrix *matrix);
size_t rdc_exact_matrix_inputs(const rdc_exact_matrix *matrix);
size_t rdc_exact_matrix_outputs(const rdc_exact_matrix *matrix);

/* products [tokens, outputs] of values [tokens, inputs]. Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_exact_multiply(rdc_cpu_level cpu, const rdc_exact_matrix *matrix, const double *values, size_t tokens,
                              double *products);

RDC_END

#endif
