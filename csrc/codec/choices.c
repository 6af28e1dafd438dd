/* What the encoder chooses for a token before its levels: codeword, step, hyper-latents. */
#include <math.h>
#include <stdlib.h>

#include "base/octave.h"
#include "base/status.h"
#include "codec/codec.h"

#define FEATURE_LIMIT 32768.0 /* of the features that a rule without a network sums up */

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

size_t rdc_codec_features(const rdc_codec *codec) {
    return larger(rdc_codec_components(codec), codec->parts.codebook.compared_count);
}

/* ---- Codewords ---- */

static rdc_status choose_codewords(rdc_cpu_level cpu, const rdc_codec *codec, const double *y, size_t tokens, int16_t *codes,
                                   int32_t *codewords) {
    const rdc_codebook *book = &codec->parts.codebook;
    const size_t components = rdc_codec_components(codec);
    for (size_t t = 0; t < tokens; t++) {
        for (size_t i = 0; i < book->compared_count; i++) {
            const int16_t code = rdc_codebook_code(y[t * components + (size_t)book->compared[i]], book->compared_scale[i]);
            codes[t * book->compared_count + i] = (int16_t)(2 * code); /* of the mixed term of the square */
        }
    }
    return rdc_net_best_row(cpu, codec->search, codes, tokens, codewords);
}

/* ---- Steps ---- */

/* floor(8 * log2(value)) of a value of at least 1, without a logarithm: no machine's decides. */
static int64_t grid_round(double value) {
    int exponent, part = 0;
    const double mantissa = 2 * frexp(value, &exponent);
    while (part + 1 < RDC_GRID_STEPS && rdc_octave_part(part + 1) <= mantissa) part++;
    return RDC_GRID_STEPS * ((int64_t)exponent - 1) + part;
}

/* No sum overflows: features have 16 bits, weights 32, and components are 2^16 at most. */
static int64_t sensitivity_of(const rdc_step_rule *rule, const double *y, size_t components, int32_t *features) {
    int64_t sensitivity = 0;
    for (size_t i = 0; i < components; i++) features[i] = (int32_t)rdc_rounded_within(y[i] * (double)rule->feature_scale[i], FEATURE_LIMIT);
    for (size_t i = 0; i < components; i++) sensitivity += (int64_t)features[i] * rule->feature_weights[i];
    for (size_t band = 0; band < rule->bands; band++) {
        int64_t energy = 0;
        for (int32_t i = rule->band_edges[band]; i < rule->band_edges[band + 1]; i++) energy += (int64_t)features[i] * features[i];
        sensitivity += rule->band_weights[band] * grid_round((double)energy + 1);
    }
    return sensitivity;
}

/* How many thresholds there are up to a value. */
static int32_t place_of(const rdc_step_rule *rule, int64_t value) {
    size_t below = 0, above = rule->count - 1;
    while (below < above) {
        const size_t middle = below + (above - below) / 2;
        if (rule->thresholds[middle] <= value) below = middle + 1;
        else above = middle;
    }
    return (int32_t)below;
}

static rdc_status choose_steps_by_sums(const rdc_codec *codec, const double *y, size_t tokens, int32_t *steps) {
    const size_t components = rdc_codec_components(codec);
    int32_t *features = malloc(components * sizeof *features);
    RDC_RETURN_IF(!features, RDC_ERROR_MEMORY, 0, 0);
    for (size_t t = 0; t < tokens; t++) {
        steps[t] = place_of(&codec->parts.step, -sensitivity_of(&codec->parts.step, y + t * components, components, features));
    }
    free(features);
    return rdc_ok();
}

/* What is left of y [tokens, components] without codewords, which may be NULL, as networks see it. */
static void find_features(const rdc_codec *codec, const double *y, const int32_t *codewords, size_t tokens, int16_t *features) {
    const size_t components = rdc_codec_components(codec);
    for (size_t t = 0; t < tokens; t++, y += components, features += components) {
        const int16_t *codeword = codewords ? codec->parts.codebook.codewords + (size_t)codewords[t] * components : NULL;
        for (size_t i = 0; i < components; i++) {
            const double left = codeword ? y[i] - codeword[i] * codec->from_feature[i] : y[i];
            features[i] = (int16_t)rdc_rounded_within(left * codec->to_feature[i], INT16_MAX);
        }
    }
}

static rdc_status choose_steps(rdc_cpu_level cpu, const rdc_codec *codec, const double *y, size_t tokens, int16_t *features,
                               int32_t *steps) {
    if (!codec->parts.step.net) return choose_steps_by_sums(codec, y, tokens, steps);
    find_features(codec, y, NULL, tokens, features);
    int16_t *sensitivity = malloc(tokens * sizeof *sensitivity + 1);
    RDC_RETURN_IF(!sensitivity, RDC_ERROR_MEMORY, 0, 0);
    const rdc_status status = rdc_net_apply(cpu, codec->parts.step.net, features, tokens, sensitivity);
    for (size_t t = 0; t < tokens && status.error == RDC_OK; t++) steps[t] = place_of(&codec->parts.step, -(int64_t)sensitivity[t]);
    free(sensitivity);
    return status;
}

/* ---- All of them ---- */

rdc_status rdc_codec_choose_with(rdc_cpu_level cpu, const rdc_codec *codec, const double *y, size_t tokens, int16_t *features,
                                 int32_t *codewords, int32_t *steps) {
    RDC_FORWARD_IF_ERROR(choose_codewords(cpu, codec, y, tokens, features, codewords));
    return choose_steps(cpu, codec, y, tokens, features, steps);
}

rdc_status rdc_codec_choose(rdc_cpu_level cpu, const rdc_codec *codec, const double *y, size_t tokens, int32_t *codewords, int32_t *steps) {
    int16_t *features = malloc(tokens * rdc_codec_features(codec) * sizeof *features + 1);
    RDC_RETURN_IF(!features, RDC_ERROR_MEMORY, 0, 0);
    const rdc_status status = rdc_codec_choose_with(cpu, codec, y, tokens, features, codewords, steps);
    free(features);
    return status;
}

rdc_status rdc_codec_choose_latents(rdc_cpu_level cpu, const rdc_codec *codec, const double *y, const int32_t *codewords, size_t tokens,
                                    int16_t *features, int16_t *latents) {
    if (!codec->parts.latents) return rdc_ok();
    find_features(codec, y, codewords, tokens, features);
    return rdc_net_apply(cpu, codec->parts.latents, features, tokens, latents);
}
