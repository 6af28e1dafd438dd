/* Makes codecs of their parts, each of which is held against the others. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "codec/codec.h"

#define FEATURE_BITS 6       /* features are 64ths of a component's unit */
#define MOST_PRIOR (1 << 30) /* with the square of a codeword's codes it stays within int32 */

size_t rdc_codec_channels(const rdc_codec *codec) {
    return codec->parts.channels;
}

size_t rdc_codec_components(const rdc_codec *codec) {
    return codec->parts.predictor->grid.components;
}

size_t rdc_codec_latents(const rdc_codec *codec) {
    return codec->parts.latents ? rdc_net_outputs(codec->parts.latents) : 0;
}

const int16_t *rdc_codec_codewords(const rdc_codec *codec, size_t *count) {
    *count = codec->parts.codebook.count;
    return codec->parts.codebook.codewords;
}

size_t rdc_codec_kinds(const rdc_codec *codec) {
    return RDC_SIDE_FIRST + rdc_codec_latents(codec) + 1 + 2 * rdc_codec_references(codec)->most;
}

/* ---- Checks ---- */

/* What an error says that a part is: its place in this list. */
enum {
    PART_CHANNELS = 1,
    PART_SYNTHESIS,
    PART_CODEBOOK,
    PART_COMPARED,
    PART_STEPS,
    PART_BANDS,
    PART_THRESHOLDS,
    PART_LATENTS,
    PART_PREDICTOR,
    PART_TABLES,
    PART_ANALYSIS
};

#define CHECK(condition, part, got) RDC_RETURN_IF(!(condition), RDC_ERROR_CODEC_PART, (part), (got))

static rdc_status check_codebook(const rdc_codebook *book, size_t components) {
    CHECK(book->count >= 1 && book->count <= INT32_MAX, PART_CODEBOOK, book->count);
    for (size_t k = 0; k < book->count; k++) {
        CHECK(book->prior[k] >= -MOST_PRIOR && book->prior[k] <= MOST_PRIOR, PART_CODEBOOK, book->prior[k]);
    }
    CHECK(book->compared_count >= 1 && book->compared_count <= RDC_MAX_CHANNELS, PART_COMPARED, book->compared_count);
    for (size_t i = 0; i < book->compared_count; i++) {
        CHECK(book->compared[i] >= 0 && (size_t)book->compared[i] < components, PART_COMPARED, book->compared[i]);
    }
    return rdc_ok();
}

static rdc_status check_bands(const rdc_step_rule *rule, size_t components) {
    CHECK(rule->bands < RDC_MAX_CHANNELS, PART_BANDS, rule->bands);
    for (size_t band = 0; band <= rule->bands; band++) {
        const int32_t edge = rule->band_edges[band];
        CHECK(edge >= (band ? rule->band_edges[band - 1] : 0) && (size_t)edge <= components, PART_BANDS, edge);
    }
    return rdc_ok();
}

static rdc_status check_steps(const rdc_step_rule *rule, size_t components) {
    CHECK(rule->count >= 1 && rule->count <= RDC_MAX_TABLES, PART_STEPS, rule->count);
    for (size_t k = 1; k + 1 < rule->count; k++) {
        CHECK(rule->thresholds[k - 1] <= rule->thresholds[k], PART_THRESHOLDS, rule->thresholds[k]);
    }
    if (!rule->net) return check_bands(rule, components);
    CHECK(rdc_net_inputs(rule->net) == components, PART_STEPS, rdc_net_inputs(rule->net));
    CHECK(rdc_net_outputs(rule->net) == 1, PART_STEPS, rdc_net_outputs(rule->net));
    return rdc_ok();
}

static rdc_status check_parts(const rdc_codec *codec) {
    const rdc_codec_parts *parts = &codec->parts;
    RDC_FORWARD_IF_ERROR(rdc_predictor_check(parts->predictor));
    const size_t components = rdc_codec_components(codec), latents = rdc_codec_latents(codec);
    CHECK(parts->channels >= 1 && parts->channels <= RDC_MAX_CHANNELS, PART_CHANNELS, parts->channels);
    CHECK(rdc_exact_matrix_inputs(parts->synthesis) == components, PART_SYNTHESIS, rdc_exact_matrix_inputs(parts->synthesis));
    CHECK(rdc_exact_matrix_outputs(parts->synthesis) == parts->channels, PART_SYNTHESIS, rdc_exact_matrix_outputs(parts->synthesis));
    RDC_FORWARD_IF_ERROR(check_codebook(&parts->codebook, components));
    RDC_FORWARD_IF_ERROR(check_steps(&parts->step, components));
    CHECK(!parts->latents || rdc_net_inputs(parts->latents) == components, PART_LATENTS, rdc_net_inputs(parts->latents));
    const size_t side = rdc_predictor_side(parts->predictor);
    CHECK(side == (parts->predictor->net ? parts->codebook.compared_count + 1 + latents : 0), PART_PREDICTOR, side);
    const size_t first_level = rdc_side_first_level_table(codec);
    CHECK(first_level == parts->predictor->grid.first_table, PART_PREDICTOR, parts->predictor->grid.first_table);
    CHECK(first_level <= rdc_tables_count(parts->tables), PART_TABLES, rdc_tables_count(parts->tables));
    return rdc_ok();
}

rdc_status rdc_codec_check_coding(const rdc_codec *codec, const rdc_exact_matrix *analysis, const rdc_prediction *prediction) {
    CHECK(rdc_prediction_predictor(prediction) == codec->parts.predictor, PART_PREDICTOR, 0);
    if (!analysis) return rdc_ok();
    CHECK(rdc_exact_matrix_inputs(analysis) == codec->parts.channels, PART_ANALYSIS, rdc_exact_matrix_inputs(analysis));
    CHECK(rdc_exact_matrix_outputs(analysis) == rdc_codec_components(codec), PART_ANALYSIS, rdc_exact_matrix_outputs(analysis));
    return rdc_ok();
}

/* ---- Copies ---- */

/* A copy of an array that is there; *all becomes 0 where there is no memory for it. */
static void *copy_of(const void *array, size_t bytes, int *all) {
    void *copy = array ? malloc(bytes + 1) : NULL;
    if (copy) memcpy(copy, array, bytes);
    else if (array) *all = 0;
    return copy;
}

/* Puts copies in the place of all arrays, also after a failure, so that all are to be freed. Whether there was memory for them. */
static int own_arrays(rdc_codec_parts *parts, size_t components) {
    rdc_codebook *book = &parts->codebook;
    rdc_step_rule *rule = &parts->step;
    int all = 1;
    parts->mean = copy_of(parts->mean, parts->channels * sizeof *parts->mean, &all);
    book->codewords = copy_of(book->codewords, book->count * components * sizeof *book->codewords, &all);
    book->prior = copy_of(book->prior, book->count * sizeof *book->prior, &all);
    book->compared = copy_of(book->compared, book->compared_count * sizeof *book->compared, &all);
    book->compared_scale = copy_of(book->compared_scale, book->compared_count * sizeof *book->compared_scale, &all);
    rule->feature_scale = copy_of(rule->feature_scale, components * sizeof *rule->feature_scale, &all);
    rule->feature_weights = copy_of(rule->feature_weights, components * sizeof *rule->feature_weights, &all);
    rule->band_edges = copy_of(rule->band_edges, (rule->bands + 1) * sizeof *rule->band_edges, &all);
    rule->band_weights = copy_of(rule->band_weights, rule->bands * sizeof *rule->band_weights, &all);
    rule->thresholds = copy_of(rule->thresholds, (rule->count - 1) * sizeof *rule->thresholds, &all);
    rule->offsets = copy_of(rule->offsets, rule->count * sizeof *rule->offsets, &all);
    return all;
}

static int find_units(rdc_codec *codec) {
    const size_t components = rdc_codec_components(codec);
    codec->to_feature = malloc(components * sizeof *codec->to_feature);
    codec->from_feature = malloc(components * sizeof *codec->from_feature);
    if (!codec->to_feature || !codec->from_feature) return 0;
    for (size_t i = 0; i < components; i++) {
        const int unit = codec->parts.predictor->unit[i];
        codec->to_feature[i] = ldexp(1, FEATURE_BITS - unit);
        codec->from_feature[i] = ldexp(1, unit - FEATURE_BITS);
    }
    return 1;
}

/* ---- The search for codewords ---- */

/* A layer whose sum, for twice the codes of a token, is the mixed term of the square, and whose bias is what does not depend on the
 * token. */
static void find_search(const rdc_codec *codec, int16_t *weights, int32_t *bias) {
    const rdc_codebook *book = &codec->parts.codebook;
    const size_t components = rdc_codec_components(codec);
    for (size_t k = 0; k < book->count; k++) {
        int64_t square = 0;
        for (size_t i = 0; i < book->compared_count; i++) {
            const size_t at = (size_t)book->compared[i];
            const double value = book->codewords[k * components + at] * codec->from_feature[at];
            const int16_t code = rdc_codebook_code(value, book->compared_scale[i]);
            weights[k * book->compared_count + i] = code;
            square += code * code;
        }
        bias[k] = (int32_t)(book->prior[k] - square);
    }
}

static rdc_status make_search(rdc_codec *codec) {
    const rdc_codebook *book = &codec->parts.codebook;
    int16_t *weights = malloc(book->count * book->compared_count * sizeof *weights);
    int32_t *bias = malloc(book->count * sizeof *bias);
    uint8_t *shift = calloc(book->count, 1);
    rdc_status status = rdc_fail(RDC_ERROR_MEMORY, 0, 0);
    if (weights && bias && shift) {
        find_search(codec, weights, bias);
        const rdc_net_layer layer = {.weights = weights, .bias = bias, .shift = shift, .inputs = (uint32_t)book->compared_count,
                                     .outputs = (uint32_t)book->count, .taps = 1, .dilation = 1, .lowest = -INT16_MAX, .highest = INT16_MAX};
        status = rdc_net_make(&codec->search, &layer, 1, 2 * RDC_CODE_LIMIT);
    }
    free(weights);
    free(bias);
    free(shift);
    return status;
}

/* ---- Whole codecs ---- */

static void free_owned(rdc_codec_parts *parts) {
    free((void *)parts->mean);
    free((void *)parts->codebook.codewords);
    free((void *)parts->codebook.prior);
    free((void *)parts->codebook.compared);
    free((void *)parts->codebook.compared_scale);
    free((void *)parts->step.feature_scale);
    free((void *)parts->step.feature_weights);
    free((void *)parts->step.band_edges);
    free((void *)parts->step.band_weights);
    free((void *)parts->step.thresholds);
    free((void *)parts->step.offsets);
}

void rdc_codec_free(rdc_codec *codec) {
    if (!codec) return;
    rdc_net_free(codec->search);
    free(codec->to_feature);
    free(codec->from_feature);
    free_owned(&codec->parts);
    free(codec);
}

rdc_status rdc_codec_make(rdc_codec **codec, const rdc_codec_parts *parts) {
    *codec = NULL;
    const rdc_codec given = {.parts = *parts};
    RDC_FORWARD_IF_ERROR(check_parts(&given));
    rdc_codec *made = calloc(1, sizeof *made);
    RDC_RETURN_IF(!made, RDC_ERROR_MEMORY, 0, 0);
    made->parts = *parts;
    const int is_owned = own_arrays(&made->parts, rdc_codec_components(made)) && find_units(made);
    const rdc_status status = is_owned ? make_search(made) : rdc_fail(RDC_ERROR_MEMORY, 0, 0);
    if (status.error == RDC_OK) *codec = made;
    else rdc_codec_free(made);
    return status;
}
