/* Components as fixed-point numbers: what a decoder predicts from must be the same integers everywhere. Private to csrc/levels. */
#ifndef RDC_LEVELS_FIXED_POINT_H
#define RDC_LEVELS_FIXED_POINT_H

#include "rdc.h"

#define RDC_SPACING_BITS 24 /* fractional bits of a spacing */
#define RDC_INWARD_BITS 4   /* reconstruction points move inward by 16ths of half a step */
#define RDC_FEATURE_BITS 6  /* features and means of a network are 64ths of a component's unit */

/* x / 2^shift, rounded. */
static inline int64_t rdc_fixed_shift(int64_t x, unsigned shift) {
    return (x + (((int64_t)1 << shift) >> 1)) >> shift;
}

/* 2^(exponent / 8), for exponents within RDC_MOST_EXPONENT: 2^8 to 2^40 units. */
static inline int64_t rdc_fixed_spacing(int32_t exponent) {
    static const int64_t eighths[8] = {/* 2^(30 + k / 8) */ 1073741824, 1170923762, 1276901417, 1392470869,
                                       1518500250, 1655936265, 1805811301, 1969251188};
    const int32_t octave = (exponent + 8 * 64) / 8 - 64, shift = 30 - RDC_SPACING_BITS - octave;
    const int64_t eighth = eighths[exponent - 8 * octave];
    return shift >= 0 ? rdc_fixed_shift(eighth, (unsigned)shift) : eighth << -shift;
}

/* The largest point that a spacing leaves room for. Beyond it points are cut: no encoder writes such, but a decoder meets them. */
static inline int64_t rdc_fixed_most_point(int64_t spacing) {
    return ((int64_t)1 << (32 + RDC_SPACING_BITS)) / spacing;
}

/* A point, in units of half a step, as a component. `inward` is for the magnitudes 0, 1 and larger ones: a table, for no processor
 * could foretell branches. */
static inline int64_t rdc_fixed_point(int64_t point, int64_t most, const uint8_t inward[3], int64_t spacing) {
    const int64_t magnitude = point < 0 ? -point : point, kept = magnitude < most ? magnitude : most;
    const int64_t moved = (kept << RDC_INWARD_BITS) - inward[kept < 2 ? kept : 2];
    const int64_t value = rdc_fixed_shift(moved * spacing, RDC_SPACING_BITS + RDC_INWARD_BITS - RDC_COMPONENT_BITS);
    return point < 0 ? -value : value;
}

/* A component as a network sees it, and back. */
static inline int16_t rdc_fixed_feature(int64_t component, int unit) {
    const int64_t feature = rdc_fixed_shift(component, (unsigned)(RDC_COMPONENT_BITS - RDC_FEATURE_BITS + unit));
    return (int16_t)(feature < -INT16_MAX ? -INT16_MAX : feature > INT16_MAX ? INT16_MAX : feature);
}

static inline int64_t rdc_fixed_mean(int32_t mean, int unit) {
    return (int64_t)mean * ((int64_t)1 << (RDC_COMPONENT_BITS - RDC_FEATURE_BITS + unit));
}

#endif
