/* Scalar and dependent quantisers. */
#ifndef RDC_PUBLIC_QUANTISERS_H
#define RDC_PUBLIC_QUANTISERS_H

#include "rdc/cpu_levels.h"

RDC_BEGIN

/* ---- Scalar quantiser ---- */

/* Symbols of values [tokens, channels]: sign(x) * floor(|x| / step + (1 - dead_zone) / 2), a step a channel. dead_zone 0
 * rounds to the nearest symbol, 1 to the next towards 0. Errors: RDC_ERROR_NOT_FINITE and RDC_ERROR_QUANTISE_RANGE, for symbols not
 * below 2^31 - 1 (at: position of the first), RDC_ERROR_STEP (at: channel), RDC_ERROR_DEAD_ZONE. */
rdc_status rdc_quantise(rdc_cpu_level cpu, const void *values, rdc_float_type type, size_t tokens, size_t channels,
                        const double *steps, double dead_zone, int32_t *symbols);

/* Values of symbols: sign(s) * (|s| - inward) * step, where inward[0] is for |s| = 1 and inward[1] for larger ones, in steps;
 * clipped to the range of float32. Errors: RDC_ERROR_STEP (at: channel), RDC_ERROR_RECONSTRUCTION (at: which one). */
rdc_status rdc_dequantise(rdc_cpu_level cpu, const int32_t *symbols, size_t tokens, size_t channels, const double *steps,
                          const double *inward, float *values);

/* ---- Values of 16 bits ---- */

/* Values as float16 or bfloat16, rounded to the nearest, ties to even, the largest where they are beyond the range: 2 n bytes, the
 * high ones before the low ones, and back. Errors: RDC_ERROR_HALF (at: position of what is not finite). */
void rdc_halves_pack(const float *values, size_t n, rdc_float_type type, uint8_t *bytes);
rdc_status rdc_halves_unpack(const uint8_t *bytes, size_t n, rdc_float_type type, float *values);

/* The same in the machine's own order of bytes, and values of any type as float32. */
void rdc_halves_from(const float *floats, size_t n, rdc_float_type type, uint16_t *halves);
void rdc_floats_from(const void *values, rdc_float_type type, size_t n, float *floats);

/* The position of the first value that is NaN or infinite, n where there is none. */
size_t rdc_first_not_finite(const float *values, size_t n);

/* ---- Dependent (trellis coded) quantiser ---- */

/* Levels of values [tokens, components], which are in units of half a step: the path of least squared error through the
 * trellis of csrc/quant/trellis.h, for each token on its own. The same levels whatever the number of threads.
 * Errors: RDC_ERROR_QUANTISE_RANGE (at: position of the first value that is not finite or not below 2^29), RDC_ERROR_MEMORY. */
rdc_status rdc_trellis_quantise(rdc_cpu_level cpu, const double *values, size_t tokens, size_t components, int32_t *levels);

/* Of which quantiser each level [tokens, components] is: 1 for the odd one. */
void rdc_trellis_odd_levels(const int32_t *levels, size_t tokens, size_t components, uint8_t *odd);

RDC_END

#endif
