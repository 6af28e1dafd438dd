/* Values of 16 bits as they are sent without a codec, and the search for what is not finite. */
#include "base/status.h"
#include "quant/float_types.h"

#define LARGEST_HALF 65504.0f
#define LEAST_NORMAL_HALF (113u << 23) /* 2^-14 as float32 */
#define INFINITE 0x7f800000u           /* the exponent of what is not finite */
#define LARGEST_BFLOAT16 0x7f7f0000u

/* Rounded to the nearest, ties to even; beyond the range, the largest there is. */
static RDC_ALWAYS_INLINE uint16_t as_half(float value) {
    const float below = value < LARGEST_HALF ? value : LARGEST_HALF, x = below > -LARGEST_HALF ? below : -LARGEST_HALF;
    const uint32_t bits = rdc_float_as_bits(x), magnitude = bits & 0x7fffffff;
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

void rdc_halves_pack(const float *values, size_t n, rdc_float_type type, uint8_t *bytes) {
    for (size_t i = 0; i < n; i++) {
        const uint16_t half = as_half_of(values[i], type);
        bytes[i] = (uint8_t)(half >> 8);
        bytes[n + i] = (uint8_t)half;
    }
}

size_t rdc_first_not_finite(const float *values, size_t n) {
    uint32_t found = 0;
    for (size_t i = 0; i < n; i++) found |= (rdc_float_as_bits(values[i]) & INFINITE) == INFINITE;
    if (!found) return n;
    size_t first = 0;
    while ((rdc_float_as_bits(values[first]) & INFINITE) != INFINITE) first++;
    return first;
}

rdc_status rdc_halves_unpack(const uint8_t *bytes, size_t n, rdc_float_type type, float *values) {
    for (size_t i = 0; i < n; i++) {
        const uint16_t half = (uint16_t)(bytes[i] << 8 | bytes[n + i]);
        values[i] = type == RDC_FLOAT16 ? rdc_half_as_float(half) : rdc_bits_as_float((uint32_t)half << 16);
    }
    const size_t first = rdc_first_not_finite(values, n);
    RDC_RETURN_IF(first < n, RDC_ERROR_HALF, first, 0);
    return rdc_ok();
}
