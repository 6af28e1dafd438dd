/* The loops of the scalar quantiser, one set a class of CPUs. All give the same results. Private to csrc/quant. */
#ifndef RDC_QUANT_SCALAR_KERNELS_H
#define RDC_QUANT_SCALAR_KERNELS_H

#include "rdc.h"

/* Symbols of rows of n values: sign(x) * floor(|x| / step + offset). Returns 0 if a value is not finite or its symbol not
 * below 2^31 - 1; the symbols then say nothing. */
typedef int rdc_quantise_fn(const void *values, rdc_float_type type, size_t rows, size_t n, const double *steps, double offset,
                            int32_t *symbols);

/* Values of rows of n symbols: sign(s) * (|s| - inward) * step, clipped to the range of float32. */
typedef void rdc_dequantise_fn(const int32_t *symbols, size_t rows, size_t n, const double *steps, const double *inward,
                               float *values);

typedef struct rdc_scalar_kernels {
    rdc_quantise_fn *quantise;
    rdc_dequantise_fn *dequantise;
} rdc_scalar_kernels;

const rdc_scalar_kernels *rdc_scalar_kernels_of(rdc_cpu_level level);

#endif
