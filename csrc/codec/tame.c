/* Gains and mean of tokens. A gain is a power of two: massive activations alone have one, so that others keep their precision. */
#include <float.h>
#include <math.h>

#include "codec/codec.h"

/* The binary exponent of the largest magnitude: that is below 2^exponent; 0 where all are 0. */
static int largest_exponent(const float *h, size_t channels) {
    float largest = 0;
    for (size_t i = 0; i < channels; i++) largest = fabsf(h[i]) > largest ? fabsf(h[i]) : largest;
    int exponent;
    (void)frexpf(largest, &exponent);
    return exponent;
}

void rdc_codec_tame(const rdc_codec *codec, const float *h, size_t tokens, int32_t *gains, double *x) {
    const rdc_codec_parts *parts = &codec->parts;
    for (size_t t = 0; t < tokens; t++, h += parts->channels, x += parts->channels) {
        const int above = largest_exponent(h, parts->channels) - parts->gain_limit;
        gains[t] = above > 0 ? above : 0;
        const double scale = ldexp(1, -gains[t]); /* products with it are exact: no float32 comes near the least double */
        for (size_t i = 0; i < parts->channels; i++) x[i] = h[i] * scale - (double)parts->mean[i];
    }
}

void rdc_codec_untame(const rdc_codec *codec, const double *x, const int32_t *gains, size_t tokens, float *h) {
    const rdc_codec_parts *parts = &codec->parts;
    for (size_t t = 0; t < tokens; t++, h += parts->channels, x += parts->channels) {
        const double scale = ldexp(1, gains[t]);
        for (size_t i = 0; i < parts->channels; i++) {
            const double value = (x[i] + (double)parts->mean[i]) * scale;
            const double below = value > FLT_MAX ? FLT_MAX : value;
            h[i] = (float)(below < -FLT_MAX ? -FLT_MAX : below);
        }
    }
}
