/* The scalar quantiser: dead zone and reconstruction points. */
#include <math.h>
#include <string.h>

#include "base/status.h"

#define LARGEST_SYMBOL 2147483647.0

static float bits_as_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE 754 binary16 to binary32, exact. */
static float half_as_float(uint16_t half) {
    const uint32_t sign = (uint32_t)(half >> 15) << 31, exponent = (half >> 10) & 31, fraction = half & 1023;
    if (exponent == 31) return bits_as_float(sign | 0x7f800000u | fraction << 13);
    if (exponent == 0) {
        const float magnitude = (float)fraction * (1.0f / 16777216.0f); /* 2^-24 */
        return sign ? -magnitude : magnitude;
    }
    return bits_as_float(sign | (exponent + 112) << 23 | fraction << 13);
}

static inline float value_at(const void *values, rdc_float_type type, size_t i) {
    switch (type) {
    case RDC_FLOAT16: return half_as_float(((const uint16_t *)values)[i]);
    case RDC_BFLOAT16: return bits_as_float((uint32_t)((const uint16_t *)values)[i] << 16);
    default: return ((const float *)values)[i];
    }
}

static rdc_status check_steps(const double *steps, size_t n) {
    for (size_t i = 0; i < n; i++) RDC_RETURN_IF(!(steps[i] > 0 && steps[i] < HUGE_VAL), RDC_ERROR_STEP, i, 0);
    return rdc_ok();
}

rdc_status rdc_quantise(const void *values, rdc_float_type type, size_t tokens, size_t channels, const double *steps,
                        double dead_zone, int32_t *symbols) {
    RDC_RETURN_IF(!(dead_zone >= 0 && dead_zone <= 1), RDC_ERROR_DEAD_ZONE, 0, 0);
    RDC_FORWARD_IF_ERROR(check_steps(steps, channels));
    const double offset = 0.5 - 0.5 * dead_zone;
    for (size_t t = 0; t < tokens; t++) {
        for (size_t c = 0; c < channels; c++) {
            const size_t i = t * channels + c;
            const double x = value_at(values, type, i);
            RDC_RETURN_IF(!isfinite(x), RDC_ERROR_NOT_FINITE, i, 0);
            double magnitude = floor(fabs(x) / steps[c] + offset);
            if (magnitude > LARGEST_SYMBOL) magnitude = LARGEST_SYMBOL;
            symbols[i] = x < 0 ? -(int32_t)magnitude : (int32_t)magnitude;
        }
    }
    return rdc_ok();
}

rdc_status rdc_dequantise(const int32_t *symbols, size_t tokens, size_t channels, const double *steps, const double *inward,
                          float *values) {
    RDC_FORWARD_IF_ERROR(check_steps(steps, channels));
    for (int k = 0; k < 2; k++) RDC_RETURN_IF(!(inward[k] >= -0.5 && inward[k] <= 0.5), RDC_ERROR_RECONSTRUCTION, k, 0);
    const double largest = 3.4028234663852886e38;
    for (size_t t = 0; t < tokens; t++) {
        for (size_t c = 0; c < channels; c++) {
            const size_t i = t * channels + c;
            double magnitude = fabs((double)symbols[i]);
            if (magnitude > 0) magnitude -= inward[magnitude > 1];
            magnitude *= steps[c];
            if (magnitude > largest) magnitude = largest;
            values[i] = (float)(symbols[i] < 0 ? -magnitude : magnitude);
        }
    }
    return rdc_ok();
}
