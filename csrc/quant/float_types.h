/* Reading hidden states of every type. */
#ifndef RDC_QUANT_FLOAT_TYPES_H
#define RDC_QUANT_FLOAT_TYPES_H

#include <string.h>

#include "base/cpu.h"

static RDC_ALWAYS_INLINE float rdc_bits_as_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static RDC_ALWAYS_INLINE uint32_t rdc_float_as_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static RDC_ALWAYS_INLINE double rdc_bits_as_double(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static RDC_ALWAYS_INLINE uint64_t rdc_double_as_bits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* IEEE 754 binary16 to binary32, exact. It chooses by masks, as a branch would keep loops from becoming vector instructions. */
static RDC_ALWAYS_INLINE float rdc_half_as_float(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7fff;
    const uint32_t exponent = magnitude < 31 << 10 ? 112u << 23 : 224u << 23; /* one of all ones stays so */
    const uint32_t normal = (magnitude << 13) + exponent;
    const uint32_t subnormal = rdc_float_as_bits((float)(int32_t)magnitude * (1.0f / 16777216.0f)); /* 2^-24 */
    const uint32_t is_subnormal = 0u - (magnitude < 1 << 10);
    return rdc_bits_as_float(sign | (subnormal & is_subnormal) | (normal & ~is_subnormal));
}

static RDC_ALWAYS_INLINE float rdc_float_at(const void *values, rdc_float_type type, size_t i) {
    switch (type) {
    case RDC_FLOAT16: return rdc_half_as_float(((const uint16_t *)values)[i]);
    case RDC_BFLOAT16: return rdc_bits_as_float((uint32_t)((const uint16_t *)values)[i] << 16);
    default: return ((const float *)values)[i];
    }
}

#endif
