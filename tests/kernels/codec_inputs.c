#include "codec_inputs.h"

#include "inputs.h"

#define MOST_CHANNELS 40
#define MOST_TOKENS 40
#define MOST_COMPARED 6
#define MOST_CODEWORDS 30
#define MOST_STEPS 4
#define MOST_LATENTS 3
#define MOST_SIDE_TABLES 24 /* before those of levels */

static int32_t between(rng *r, int32_t lowest, int32_t highest) {
    return lowest + (int32_t)rng_below(r, (uint32_t)(highest - lowest) + 1);
}

static int32_t *integers_between(rng *r, size_t n, int32_t lowest, int32_t highest) {
    int32_t *made = buffer_take(n * sizeof *made);
    for (size_t i = 0; i < n; i++) made[i] = between(r, lowest, highest);
    return made;
}

static const float *floats_below(rng *r, size_t n, float most) {
    float *made = buffer_take(n * sizeof *made);
    for (size_t i = 0; i < n; i++) made[i] = most * (float)rng_below(r, 1 << 20) / (1 << 20);
    return made;
}

static rdc_exact_matrix *make_matrix(rng *r, size_t inputs, size_t outputs) {
    double *integers = buffer_take(inputs * outputs * sizeof *integers);
    for (size_t i = 0; i < inputs * outputs; i++) integers[i] = between(r, -4096, 4096);
    rdc_exact_matrix *matrix = NULL;
    const rdc_exact_format format = {12, 8, 22};
    check_that(rdc_exact_matrix_make(&matrix, integers, inputs, outputs, format).error == RDC_OK, "a matrix can be made");
    return matrix;
}

/* A network of tokens on their own, which has copied all that it was made of. */
static network make_plain_network(rng *r, uint32_t inputs, uint32_t outputs) {
    const size_t mark = buffers_mark();
    network made = make_network_between(r, inputs, outputs);
    buffers_release(mark);
    if (!made.uses_context) return made;
    rdc_net_free(made.net);
    return make_plain_network(r, inputs, outputs);
}

static rdc_codebook make_codebook(rng *r, size_t components) {
    rdc_codebook book = {.count = 1 + rng_below(r, MOST_CODEWORDS), .compared_count = 1 + rng_below(r, MOST_COMPARED)};
    book.codewords = make_values(r, book.count * components, 2000);
    book.prior = integers_between(r, book.count, -3000, 0);
    book.compared = integers_between(r, book.compared_count, 0, (int32_t)components - 1);
    book.compared_scale = floats_below(r, book.compared_count, 8);
    return book;
}

static rdc_step_rule make_step_rule(rng *r, size_t components, network *made) {
    rdc_step_rule rule = {.count = 1 + rng_below(r, MOST_STEPS), .bands = rng_below(r, 3)};
    int64_t *thresholds = buffer_take((rule.count - 1) * sizeof *thresholds);
    int32_t *edges = buffer_take((rule.bands + 1) * sizeof *edges);
    for (size_t k = 0; k + 1 < rule.count; k++) thresholds[k] = (k ? thresholds[k - 1] : -200) + between(r, 0, 300);
    for (size_t k = 0; k <= rule.bands; k++) edges[k] = between(r, k ? edges[k - 1] : 0, (int32_t)components);
    rule.thresholds = thresholds;
    rule.band_edges = edges;
    rule.offsets = integers_between(r, rule.count, -20, 20);
    rule.feature_scale = floats_below(r, components, 4);
    rule.feature_weights = integers_between(r, components, -9, 9);
    rule.band_weights = integers_between(r, rule.bands, -9, 9);
    *made = (network){0};
    if (rng_one_in(r, 2)) *made = make_plain_network(r, (uint32_t)components, 1);
    rule.net = made->net;
    return rule;
}

/* Some are far larger than the others, as massive activations are. */
static const float *make_states(rng *r, size_t n) {
    float *h = buffer_take(n * sizeof *h);
    for (size_t i = 0; i < n; i++) h[i] = (float)between(r, -(1 << 20), 1 << 20) / (1 << 17) * (rng_one_in(r, 500) ? 1e20f : 1);
    return h;
}

static size_t first_level_table(const rdc_codec_parts *parts) {
    const rdc_reference_rules *rules = &parts->predictor->references;
    size_t classes = 0;
    for (size_t left = rules->tokens; left; left >>= 1) classes++;
    return 3 + parts->step.count + (parts->latents ? rdc_net_outputs(parts->latents) : 0) + (rules->most ? 2 * classes + 2 : 0);
}

codec_case make_codec_case(rng *r) {
    codec_case made = {.quality = between(r, -40, 40), .tokens = rng_count(r, MOST_TOKENS, 4)};
    const uint32_t components = 1 + rng_below(r, MOST_CHANNELS);
    rdc_codec_parts *parts = &made.parts;
    rdc_predictor *predictor = buffer_take(sizeof *predictor);
    parts->channels = 1 + rng_below(r, MOST_CHANNELS);
    parts->gain_limit = between(r, 1, 20);
    parts->mean = floats_below(r, parts->channels, 3);
    parts->codebook = make_codebook(r, components);
    parts->step = make_step_rule(r, components, &made.steps);
    if (rng_one_in(r, 2)) made.latents = make_plain_network(r, components, 1 + rng_below(r, MOST_LATENTS));
    parts->latents = made.latents.net;
    const size_t latents = made.latents.net ? rdc_net_outputs(made.latents.net) : 0;
    const uint32_t side = (uint32_t)(parts->codebook.compared_count + 1 + latents);
    parts->tables = gaussian_tables();
    *predictor = make_predictor_of(r, rdc_tables_count(parts->tables) - MOST_SIDE_TABLES, components, side, &made.predictor);
    parts->predictor = predictor;
    predictor->grid.first_table = (uint32_t)first_level_table(parts);
    parts->zero_scale = between(r, -10, 10);
    made.analysis = make_matrix(r, parts->channels, components);
    made.synthesis = make_matrix(r, components, parts->channels);
    parts->synthesis = made.synthesis;
    made.h = make_states(r, made.tokens * parts->channels);
    check_that(rdc_codec_make(&made.codec, parts).error == RDC_OK, "a codec can be made");
    return made;
}

void free_codec_case(codec_case *c) {
    rdc_codec_free(c->codec);
    rdc_exact_matrix_free(c->analysis);
    rdc_exact_matrix_free(c->synthesis);
    rdc_net_free(c->predictor.net);
    rdc_net_free(c->steps.net);
    rdc_net_free(c->latents.net);
}

static rdc_prediction *begin(const codec_case *c) {
    rdc_prediction *prediction = NULL;
    check_that(rdc_prediction_make(&prediction, c->parts.predictor).error == RDC_OK, "a prediction can begin");
    return prediction;
}

const uint8_t *encode_codec_case(rdc_cpu_level level, const codec_case *c, size_t *size) {
    rdc_prediction *prediction = begin(c);
    rdc_coded_block *block = NULL;
    const rdc_status status = rdc_codec_encode(level, c->codec, c->analysis, &prediction, c->h, 1, c->tokens, c->quality, &block);
    check_that(status.error == RDC_OK, "tokens can be encoded");
    *size = rdc_coded_block_size(block);
    uint8_t *payload = buffer_take(*size);
    rdc_coded_block_write(block, payload);
    rdc_coded_block_free(block);
    rdc_prediction_free(prediction);
    return payload;
}

rdc_status decode_codec_case(rdc_cpu_level level, const codec_case *c, const uint8_t *payload, size_t size, float *h) {
    rdc_prediction *prediction = begin(c);
    const rdc_payload read = {payload, size};
    const rdc_status status = rdc_codec_decode(level, c->codec, &prediction, &read, 1, c->tokens, c->quality, h);
    rdc_prediction_free(prediction);
    return status;
}
