/* Values of 16 bits as they are sent without a codec, and the search for what is not finite. */
#include "base/status.h"
#include "quant/float_types.h"

#define LARGEST_HALF 0x477fe000u       /* 65504 as float32 */
#define LEAST_NORMAL_HALF (113u << 23) /* 2^-14 as float32 */
#define INFINITE 0x7f800000u           /* the exponent of what is not finite */
#define LARGEST_BFLOAT16 0x7f7f0000u

/* Rounded to the nearest, ties to even; beyond the range, the largest there is. In integers throughout: comparisons of floats, which
 * may trap, keep compilers from taking several at once. */
static RDC_ALWAYS_INLINE uint16_t as_half(float value) {
    const uint32_t bits = rdc_float_as_bits(value), beyond = bits & 0x7fffffff, magnitude = beyond < LARGEST_HALF ? beyond : LARGEST_HALF;
    const uint32_t normal = (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
    /* the last place of 0.5 is 2^-24, that of what is not normal: the sum rounds */
    const uint32_t subnormal = rdc_float_as_bits(rdc_bits_as_float(magnitude) + 0.5f) - rdc_float_as_bits(0.5f);
    const uint32_t is_subnormal = 0u - (magnitude < LEAST_NORMAL_HALF);
    return (uint16_t)((bits >> 16 & 0x8000) | (subnormal & is_subnormal) | (normal & ~is_subnormal));
}

/* Likewise. */
static RDC_ALWAYS_INLINE uint16_t as_bfloat16(float value) {
    const uint32_t bits = rdc_float_as_bits(value), rounded = bits + 0x7fff + (bits >> 16 & 1);
    const uint32_t overflows = 0u - ((rounded & INFINITE) == INFINITE);
    return (uint16_t)(((((bits & 0x80000000u) | LARGEST_BFLOAT16) & overflows) | (rounded & ~overflows)) >> 16);
}

static RDC_ALWAYS_INLINE uint16_t as_half_of(float value, rdc_float_type type) {
    return type == RDC_FLOAT16 ? as_half(value) : as_bfloat16(value);
}

void rdc_floats_from(const void *values, rdc_float_type type, size_t n, float *floats) {
    for (size_t i = 0; i < n; i++) floats[i] = rdc_float_at(values, type, i);
}

void rdc_halves_from(const float *floats, size_t n, rdc_float_type type, uint16_t *halves) {
    for (size_t i = 0; i < n; i++) halves[i] = as_half_of(floats[i], type);
}

/* Once an element type, for compilers to make a loop over many values of; what is written overlaps nothing that is read. */
static RDC_ALWAYS_INLINE void pack(const float *restrict values, size_t n, rdc_float_type type, uint8_t *restrict high,
                                   uint8_t *restrict low) {
    for (size_t i = 0; i < n; i++) {
        const uint16_t half = as_half_of(values[i], type);
        high[i] = (uint8_t)(half >> 8);
        low[i] = (uint8_t)half;
    }
}

void rdc_halves_pack(const float *values, size_t n, rdc_float_type type, uint8_t *bytes) {
    if (type == RDC_FLOAT16) pack(values, n, RDC_FLOAT16, bytes, bytes + n);
    else pack(values, n, RDC_BFLOAT16, bytes, bytes + n);
}

size_t rdc_first_not_finite(const float *values, size_t n) {
    uint32_t found = 0;
    for (size_t i = 0; i < n; i++) found |= (rdc_float_as_bits(values[i]) & INFINITE) == INFINITE;
    if (!found) return n;
    size_t first = 0;
    while ((rdc_float_as_bits(values[first]) & INFINITE) != INFINITE) first++;
    return first;
}

/* Likewise, and the other way. */
static RDC_ALWAYS_INLINE void unpack(const uint8_t *restrict high, const uint8_t *restrict low, size_t n, rdc_float_type type,
                                     float *restrict values) {
    for (size_t i = 0; i < n; i++) {
        const uint16_t half = (uint16_t)(high[i] << 8 | low[i]);
        values[i] = type == RDC_FLOAT16 ? rdc_half_as_float(half) : rdc_bits_as_float((uint32_t)half << 16);
    }
}

rdc_status rdc_halves_unpack(const uint8_t *bytes, size_t n, rdc_float_type type, float *values) {
    if (type == RDC_FLOAT16) unpack(bytes, bytes + n, n, RDC_FLOAT16, values);
    else unpack(bytes, bytes + n, n, RDC_BFLOAT16, values);
    const size_t first = rdc_first_not_finite(values, n);
    RDC_RETURN_IF(first < n, RDC_ERROR_HALF, first, 0);
    return rdc_ok();
}
