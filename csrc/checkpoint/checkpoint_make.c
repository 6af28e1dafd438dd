/* Codecs of what their checkpoints hold, with the checks of rdcodec/codecs: transform_coding.py, transform.py and learned.py. */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "checkpoint/checkpoint.h"

#define SIDE_TABLES 3 /* of gains, codewords and steps */

static size_t size_of(const rdc_making *making, rdc_axis axis) {
    return making->arrays->sizes[axis];
}

static const void *array_of(const rdc_making *making, rdc_known_tensor tensor) {
    return making->arrays->of[tensor];
}

/* ---- How tensors and fields depend on each other ---- */

static size_t first_level_table(const rdc_making *making) {
    const unsigned referred = (unsigned)rdc_making_field(making, RDC_FIELD_REFERRED);
    const size_t references = referred ? 2 * (size_t)rdc_bit_length(referred) + 2 : 0;
    return SIDE_TABLES + size_of(making, RDC_AXIS_STEPS) + (size_t)rdc_making_field(making, RDC_FIELD_LATENTS) + references;
}

static rdc_status check_references(const rdc_making *making) {
    const int32_t referred = rdc_making_field(making, RDC_FIELD_REFERRED), references = rdc_making_field(making, RDC_FIELD_REFERENCES);
    if (!referred == !references) return rdc_ok();
    return rdc_refuse(making->message, RDC_ERROR_CHECKPOINT, "referred and references: expected both or neither to be 0, got %d and %d",
                      (int)referred, (int)references);
}

static rdc_status check_bands(const rdc_making *making) {
    const size_t edges = size_of(making, RDC_AXIS_EDGES), bands = size_of(making, RDC_AXIS_BANDS);
    RDC_FORWARD_IF_ERROR(rdc_check_count("band_edges", bands + 1, edges, making->message));
    const int32_t channels = rdc_making_field(making, RDC_FIELD_CHANNELS);
    return rdc_check_range("band_edges", array_of(making, RDC_TENSOR_BAND_EDGES), edges, 0, channels, making->message);
}

static rdc_status check_parts(const rdc_making *making) {
    const size_t channels = size_of(making, RDC_AXIS_CHANNELS), selected = size_of(making, RDC_AXIS_SELECTED);
    const uint8_t *shape = array_of(making, RDC_TENSOR_COMPONENT_SHAPE);
    size_t shapes = 0;
    for (size_t i = 0; i < channels; i++) shapes = shape[i] + (size_t)1 > shapes ? shape[i] + (size_t)1 : shapes;
    RDC_FORWARD_IF_ERROR(check_references(making));
    RDC_FORWARD_IF_ERROR(rdc_check_range("word_components", array_of(making, RDC_TENSOR_WORD_COMPONENTS), selected, 0, (int32_t)channels - 1,
                                         making->message));
    RDC_FORWARD_IF_ERROR(rdc_check_count("step_thresholds", size_of(making, RDC_AXIS_STEPS) - 1, size_of(making, RDC_AXIS_THRESHOLDS),
                                         making->message));
    const size_t level_tables = 2 * (size_t)rdc_making_field(making, RDC_FIELD_SCALES) * shapes;
    RDC_FORWARD_IF_ERROR(rdc_check_count("counts", first_level_table(making) + level_tables, size_of(making, RDC_AXIS_TABLES), making->message));
    return making->config->family->is_learned ? rdc_ok() : check_bands(making);
}

/* ---- Transforms ---- */

static rdc_status make_matrix(const rdc_making *making, const char *name, rdc_known_tensor tensor, rdc_field matrix_bits, rdc_field value_bits,
                              rdc_exact_matrix **matrix) {
    const size_t channels = size_of(making, RDC_AXIS_CHANNELS);
    const void *from = array_of(making, tensor);
    double *integers = malloc(channels * channels * sizeof *integers);
    if (!integers) return rdc_refuse_memory(making->message);
    for (size_t i = 0; i < channels * channels; i++) {
        integers[i] = making->config->family->is_learned ? ((const int16_t *)from)[i] : ((const int32_t *)from)[i];
    }
    const rdc_exact_format format = {rdc_making_field(making, matrix_bits), rdc_making_field(making, value_bits), RDC_VALUE_RANGE_BITS};
    const rdc_status status = rdc_exact_matrix_make(matrix, integers, channels, channels, format);
    free(integers);
    return rdc_refuse_if_error(making->message, name, status);
}

/* A transform of which every `stride`-th value comes next to each other between two stages. */
static rdc_status make_blocks(const rdc_making *making, const char *name, rdc_known_tensor blocks, rdc_known_tensor bits, size_t stride,
                              rdc_exact_matrix **matrix) {
    const rdc_exact_shape shape = {size_of(making, RDC_AXIS_STAGES), size_of(making, RDC_AXIS_CHANNELS), size_of(making, RDC_AXIS_WIDTH), stride};
    const int32_t *of = array_of(making, bits);
    rdc_exact_format formats[RDC_EXACT_MOST_STAGES];
    for (size_t s = 0; s < shape.stages; s++) formats[s] = (rdc_exact_format){of[2 * s], of[2 * s + 1], RDC_VALUE_RANGE_BITS};
    return rdc_refuse_if_error(making->message, name, rdc_exact_blocks_make(matrix, array_of(making, blocks), shape, formats));
}

static rdc_status make_block_transforms(const rdc_making *making, rdc_checkpoint *made) {
    const size_t width = size_of(making, RDC_AXIS_WIDTH), count = size_of(making, RDC_AXIS_CHANNELS) / width;
    RDC_FORWARD_IF_ERROR(make_blocks(making, "analysis_blocks", RDC_TENSOR_ANALYSIS_BLOCKS, RDC_TENSOR_ANALYSIS_FORMATS, width, &made->analysis));
    return make_blocks(making, "synthesis_blocks", RDC_TENSOR_SYNTHESIS_BLOCKS, RDC_TENSOR_SYNTHESIS_FORMATS, count, &made->synthesis);
}

static rdc_status make_transforms(const rdc_making *making, rdc_checkpoint *made) {
    const int is_learned = making->config->family->is_learned;
    if (making->config->family->in_blocks) return make_block_transforms(making, made);
    const rdc_known_tensor synthesis = is_learned ? RDC_TENSOR_LEARNED_SYNTHESIS : RDC_TENSOR_SYNTHESIS;
    RDC_FORWARD_IF_ERROR(make_matrix(making, "synthesis", synthesis, RDC_FIELD_SYNTHESIS_BITS, RDC_FIELD_COMPONENT_BITS, &made->synthesis));
    if (is_learned) return rdc_emphasis_make(making, &made->emphasis);
    return make_matrix(making, "analysis", RDC_TENSOR_ANALYSIS, RDC_FIELD_ANALYSIS_BITS, RDC_FIELD_STATE_BITS, &made->analysis);
}

/* ---- Predictors ---- */

/* A copy in the codec's own pool. */
static const void *kept(rdc_checkpoint *made, const void *array, size_t bytes) {
    void *copy = rdc_pool_take(&made->pool, bytes);
    if (copy) memcpy(copy, array, bytes);
    return copy;
}

static rdc_status keep_costs(const rdc_making *making, rdc_checkpoint *made) {
    const size_t first = first_level_table(making), tables = size_of(making, RDC_AXIS_TABLES);
    const size_t candidates = size_of(making, RDC_AXIS_CANDIDATES);
    uint16_t *costs = rdc_pool_take(&made->pool, (tables - first) * RDC_COST_LEVELS * sizeof *costs);
    const int32_t *offsets = kept(made, array_of(making, RDC_TENSOR_SCALE_OFFSETS), candidates * sizeof *offsets);
    if (!costs || !offsets) return rdc_refuse_memory(making->message);
    made->predictor.costs = (rdc_scale_costs){costs, tables - first, RDC_COST_LEVELS, offsets, candidates};
    return rdc_refuse_if_error(making->message, "counts", rdc_code_lengths(made->tables, first, RDC_COST_LEVELS, costs));
}

static rdc_status make_predictor(const rdc_making *making, rdc_checkpoint *made) {
    const size_t channels = size_of(making, RDC_AXIS_CHANNELS);
    rdc_predictor *p = &made->predictor;
    p->uses_context = making->config->family->uses_context;
    p->adaptation = (uint32_t)rdc_making_field(making, RDC_FIELD_ADAPTATION);
    for (size_t k = 0; k < 2; k++) p->inward[k] = (uint8_t)making->config->of[RDC_FIELD_INWARD][k];
    p->unit = kept(made, array_of(making, RDC_TENSOR_UNIT), channels * sizeof *p->unit);
    p->grid = (rdc_level_grid){.components = channels, .scales = (uint32_t)rdc_making_field(making, RDC_FIELD_SCALES)};
    p->grid.first_table = (uint32_t)first_level_table(making);
    p->grid.component_scale = kept(made, array_of(making, RDC_TENSOR_COMPONENT_SCALE), channels * sizeof *p->grid.component_scale);
    p->grid.component_shape = kept(made, array_of(making, RDC_TENSOR_COMPONENT_SHAPE), channels * sizeof *p->grid.component_shape);
    p->references.tokens = (size_t)rdc_making_field(making, RDC_FIELD_REFERRED);
    p->references.most = (size_t)rdc_making_field(making, RDC_FIELD_REFERENCES);
    p->references.scale = kept(made, array_of(making, RDC_TENSOR_REFERENCE_SCALE), channels * sizeof *p->references.scale);
    if (!p->unit || !p->grid.component_scale || !p->grid.component_shape || !p->references.scale) return rdc_refuse_memory(making->message);
    RDC_FORWARD_IF_ERROR(keep_costs(making, made));
    return rdc_refuse_if_error(making->message, "predictor", rdc_predictor_check(p));
}

/* ---- Networks ---- */

/* One whose tokens are taken on their own. */
static rdc_status make_plain_net(const rdc_making *making, const char *prefix, size_t outputs, rdc_net **net) {
    int uses_context;
    RDC_FORWARD_IF_ERROR(rdc_making_net(making, prefix, size_of(making, RDC_AXIS_CHANNELS), outputs, net, &uses_context));
    if (!uses_context) return rdc_ok();
    return rdc_refuse(making->message, RDC_ERROR_CHECKPOINT, "%s: expected layers of one tap, for tokens are taken on their own", prefix);
}

static rdc_status make_nets(const rdc_making *making, rdc_checkpoint *made) {
    const size_t channels = size_of(making, RDC_AXIS_CHANNELS), latents = (size_t)rdc_making_field(making, RDC_FIELD_LATENTS);
    const size_t seen = making->config->family->uses_context ? channels : 0;
    int uses_context;
    RDC_FORWARD_IF_ERROR(make_plain_net(making, "steps", 1, &made->steps));
    if (latents) RDC_FORWARD_IF_ERROR(make_plain_net(making, "latents", latents, &made->latents));
    const size_t inputs = seen + size_of(making, RDC_AXIS_SELECTED) + 1 + latents;
    RDC_FORWARD_IF_ERROR(rdc_making_net(making, "predictor", inputs, 2 * channels, &made->net, &uses_context));
    made->predictor.net = made->net;
    return rdc_ok();
}

/* ---- Codecs ---- */

/* In the pool; NULL where there is no memory. */
static const int64_t *thresholds_of(const rdc_making *making) {
    const size_t count = size_of(making, RDC_AXIS_THRESHOLDS);
    const int32_t *narrow = array_of(making, RDC_TENSOR_LEARNED_STEP_THRESHOLDS);
    if (!narrow) return array_of(making, RDC_TENSOR_STEP_THRESHOLDS);
    int64_t *wide = rdc_pool_take(making->pool, count * sizeof *wide);
    for (size_t i = 0; wide && i < count; i++) wide[i] = narrow[i];
    return wide;
}

static rdc_step_rule step_rule_of(const rdc_making *making, const rdc_checkpoint *made) {
    rdc_step_rule rule = {.net = made->steps, .thresholds = thresholds_of(making), .count = size_of(making, RDC_AXIS_STEPS)};
    rule.offsets = array_of(making, RDC_TENSOR_STEP_OFFSETS);
    if (rule.net) return rule;
    rule.feature_scale = array_of(making, RDC_TENSOR_FEATURE_SCALE);
    rule.feature_weights = array_of(making, RDC_TENSOR_FEATURE_WEIGHTS);
    rule.band_edges = array_of(making, RDC_TENSOR_BAND_EDGES);
    rule.band_weights = array_of(making, RDC_TENSOR_BAND_WEIGHTS);
    rule.bands = size_of(making, RDC_AXIS_BANDS);
    return rule;
}

static rdc_status make_codec(const rdc_making *making, rdc_checkpoint *made) {
    const int16_t *codewords = array_of(making, RDC_TENSOR_WORDS);
    if (!codewords) RDC_FORWARD_IF_ERROR(rdc_making_codewords(making, &codewords));
    rdc_codec_parts parts = {.channels = size_of(making, RDC_AXIS_CHANNELS), .synthesis = made->synthesis, .latents = made->latents};
    parts.gain_limit = rdc_making_field(making, RDC_FIELD_GAIN_LIMIT_BITS);
    parts.zero_scale = rdc_making_field(making, RDC_FIELD_ZERO_SCALE);
    parts.mean = array_of(making, RDC_TENSOR_MEAN);
    parts.predictor = &made->predictor;
    parts.tables = made->tables;
    parts.codebook = (rdc_codebook){codewords, array_of(making, RDC_TENSOR_WORD_PRIOR), size_of(making, RDC_AXIS_CODEWORDS),
                                    array_of(making, RDC_TENSOR_WORD_COMPONENTS), array_of(making, RDC_TENSOR_WORD_CODE_SCALE),
                                    size_of(making, RDC_AXIS_SELECTED)};
    parts.step = step_rule_of(making, made);
    if (!parts.step.thresholds) return rdc_refuse_memory(making->message);
    return rdc_refuse_if_error(making->message, "the codec", rdc_codec_make(&made->codec, &parts));
}

/* Every tensor is of some use to a learned codec; those that are not there were missed before. */
static rdc_status check_names(const rdc_making *making) {
    const rdc_family *family = making->config->family;
    for (size_t k = 0; family->is_learned && k < making->tensors->count; k++) {
        const rdc_tensor *tensor = &making->tensors->of[k];
        if (tensor->is_used) continue;
        return rdc_refuse(making->message, RDC_ERROR_CHECKPOINT, "%.60s: expected no such tensor in a checkpoint of family %s", tensor->name,
                          family->name);
    }
    return rdc_ok();
}

static void set_facts(const rdc_making *making, rdc_checkpoint_facts *facts) {
    facts->family = making->config->family->name;
    memcpy(facts->codec_id, making->config->codec_id, sizeof facts->codec_id);
    facts->channels = size_of(making, RDC_AXIS_CHANNELS);
    facts->layer = rdc_making_field(making, RDC_FIELD_LAYER);
    facts->min_quality = -RDC_MOST_QUALITY;
    facts->max_quality = RDC_MOST_QUALITY;
    facts->default_quality = making->config->default_quality;
    memcpy(facts->model_type, making->config->model_type, sizeof facts->model_type);
    memcpy(facts->fingerprint, making->config->fingerprint, sizeof facts->fingerprint);
}

rdc_status rdc_checkpoint_make(const rdc_making *making, rdc_checkpoint *made) {
    RDC_FORWARD_IF_ERROR(check_parts(making));
    RDC_FORWARD_IF_ERROR(rdc_check_memory(making->config, making->arrays, making->tensors, making->message));
    RDC_FORWARD_IF_ERROR(rdc_making_tables(making, "", RDC_TENSOR_FREQUENCIES, RDC_AXIS_FREQUENCIES, &made->tables));
    RDC_FORWARD_IF_ERROR(make_transforms(making, made));
    if (making->config->family->is_learned) RDC_FORWARD_IF_ERROR(make_nets(making, made));
    RDC_FORWARD_IF_ERROR(make_predictor(making, made));
    set_facts(making, &made->facts);
    RDC_FORWARD_IF_ERROR(make_codec(making, made));
    return check_names(making);
}
