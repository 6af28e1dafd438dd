#include "prediction_inputs.h"

#include "inputs.h"

#define MOST_COMPONENTS 40
#define MOST_SIDE 6
#define MOST_PREDICTED 40
#define MOST_REFERRED 10
#define SHAPES 2
#define MOST_COST_LEVELS 9
#define MOST_CANDIDATES 6

static int32_t between(rng *r, int32_t lowest, int32_t highest) {
    return lowest + (int32_t)rng_below(r, (uint32_t)(highest - lowest) + 1);
}

static rdc_level_grid make_grid(rng *r, size_t tables, size_t components) {
    int32_t *scale = buffer_take(components * sizeof *scale);
    uint8_t *shape = buffer_take(components);
    const uint32_t scales = (uint32_t)tables / (2 * SHAPES);
    for (size_t i = 0; i < components; i++) {
        scale[i] = between(r, -4, (int32_t)scales + 4);
        shape[i] = (uint8_t)rng_below(r, SHAPES);
    }
    return (rdc_level_grid){scale, shape, components, scales, 0};
}

/* Some rings are so short that tokens leave them. */
static rdc_reference_rules make_rules(rng *r, size_t components) {
    int32_t *scale = buffer_take(components * sizeof *scale);
    for (size_t i = 0; i < components; i++) scale[i] = between(r, 0, RDC_MOST_REFERENCE_SCALE);
    const size_t tokens = rng_below(r, MOST_REFERRED + 1);
    return (rdc_reference_rules){tokens, tokens ? 1 + rng_below(r, 4) : 0, scale};
}

static rdc_scale_costs make_costs(rng *r, const rdc_level_grid *grid) {
    const size_t rows = 2 * SHAPES * (size_t)grid->scales;
    const size_t levels = 1 + rng_below(r, MOST_COST_LEVELS), count = 1 + rng_below(r, MOST_CANDIDATES);
    uint16_t *costs = buffer_take(rows * levels * sizeof *costs);
    int32_t *candidates = buffer_take(count * sizeof *candidates);
    for (size_t i = 0; i < rows * levels; i++) costs[i] = (uint16_t)rng_below(r, 1 << 16);
    for (size_t k = 0; k < count; k++) candidates[k] = k ? candidates[k - 1] + between(r, 0, 5) : between(r, -8, 2);
    return (rdc_scale_costs){costs, rows, levels, candidates, count};
}

rdc_predictor make_predictor_of(rng *r, size_t tables, uint32_t components, uint32_t side, network *made) {
    rdc_predictor predictor = {.grid = make_grid(r, tables, components), .uses_context = rng_one_in(r, 2)};
    *made = make_network_between(r, side + (predictor.uses_context ? components : 0), 2 * components);
    if (predictor.uses_context || rng_one_in(r, 2)) predictor.net = made->net;
    predictor.references = make_rules(r, components);
    int8_t *unit = buffer_take(components);
    for (size_t i = 0; i < components; i++) unit[i] = (int8_t)between(r, -3, 3);
    predictor.unit = unit;
    predictor.costs = make_costs(r, &predictor.grid);
    if (rng_one_in(r, 4) == 0) predictor.adaptation = 1 + rng_below(r, rng_one_in(r, 2) ? 100 : RDC_MOST_ADAPTATION);
    for (int k = 0; k < 2; k++) predictor.inward[k] = (uint8_t)rng_below(r, 16);
    return predictor;
}

static rdc_side_info make_side_info(rng *r, const rdc_predictor *predictor, size_t tokens) {
    int32_t *exponent = buffer_take(tokens * sizeof *exponent), *scale = buffer_take(tokens * sizeof *scale);
    for (size_t t = 0; t < tokens; t++) {
        exponent[t] = between(r, -40, 60);
        scale[t] = between(r, -12, 12);
    }
    const int16_t *side = make_values(r, tokens * rdc_predictor_side(predictor), INT16_MAX + 1);
    const int16_t *base = make_values(r, tokens * predictor->grid.components, 900);
    return (rdc_side_info){side, base, exponent, scale, tokens};
}

/* Mostly within what means reach, seldom far beyond what can be quantised. Some tokens resemble others. */
static const double *make_components(rng *r, size_t tokens, size_t components) {
    const size_t n = tokens * components;
    double *y = buffer_take(n * sizeof *y);
    const int is_far = rng_one_in(r, 10), resemble = rng_one_in(r, 2);
    for (size_t i = 0; i < n; i++) {
        const size_t token = i / components;
        if (resemble && token && rng_one_in(r, 8) == 0) {
            y[i] = y[i - components * (1 + token / 2)] / 2;
            continue;
        }
        const int32_t value = between(r, -(1 << 20), 1 << 20);
        y[i] = value * (is_far && rng_one_in(r, (uint32_t)n) ? 1e9 : rng_one_in(r, 2) ? 1.0 / 4096 : 1.0 / 65536);
    }
    return y;
}

predicted make_predicted(rng *r) {
    predicted made = {.tables = gaussian_tables()};
    const uint32_t components = 1 + rng_below(r, MOST_COMPONENTS), side = 1 + rng_below(r, MOST_SIDE);
    made.predictor = make_predictor_of(r, rdc_tables_count(made.tables), components, side, &made.network);
    const size_t tokens = rng_count(r, MOST_PREDICTED, 4);
    made.info = make_side_info(r, &made.predictor, tokens);
    made.y = make_components(r, tokens, made.predictor.grid.components);
    return made;
}

void free_predicted(predicted *p) {
    rdc_net_free(p->network.net);
}

rdc_prediction *make_prediction(const predicted *p) {
    rdc_prediction *prediction = NULL;
    check_that(rdc_prediction_make(&prediction, &p->predictor).error == RDC_OK, "a prediction can begin");
    return prediction;
}

rdc_side_info part_of(const predicted *p, size_t first, size_t tokens) {
    const rdc_side_info *all = &p->info;
    const size_t side = rdc_predictor_side(&p->predictor), components = p->predictor.grid.components;
    return (rdc_side_info){all->side + first * side, all->base + first * components, all->exponent + first, all->token_scale + first, tokens};
}

rdc_references references_from(const predicted *p, const coded_levels *coded, size_t first) {
    const size_t at = first * p->predictor.references.most;
    return (rdc_references){coded->references.distance + at, coded->references.weight + at};
}

coded_levels take_coded_levels(const predicted *p) {
    const size_t tokens = p->info.tokens, n = tokens * p->predictor.grid.components;
    coded_levels taken = {.block = NULL};
    taken.levels = buffer_take(n * sizeof *taken.levels);
    taken.index = buffer_take(n * sizeof *taken.index);
    taken.choice = buffer_take(tokens * sizeof *taken.choice);
    const size_t references = tokens * p->predictor.references.most * sizeof(int32_t);
    taken.references = (rdc_references){buffer_take(references), buffer_take(references)};
    return taken;
}

void code_block(const predicted *p, coded_levels *coded) {
    const size_t n = p->info.tokens * p->predictor.grid.components;
    const rdc_index index = {coded->index, sizeof *coded->index};
    coded->block = encode_block(rdc_rans_kernels_of(RDC_CPU_SCALAR), p->tables, coded->levels, index, n, 0, &coded->size);
}

coded_levels encode_predicted(rdc_cpu_level level, const predicted *p) {
    coded_levels coded = take_coded_levels(p);
    rdc_prediction *prediction = make_prediction(p);
    coded.status = rdc_prediction_encode(level, prediction, &p->info, p->y, coded.levels, coded.index, coded.references, coded.choice);
    rdc_prediction_free(prediction);
    if (coded.status.error == RDC_OK) code_block(p, &coded);
    return coded;
}

const int32_t *final_scales(const predicted *p, const coded_levels *coded) {
    int32_t *scales = buffer_take(p->info.tokens * sizeof *scales);
    for (size_t t = 0; t < p->info.tokens; t++) { /* modulo 2^32, as the encoder adds */
        scales[t] = (int32_t)((uint32_t)p->info.token_scale[t] + (uint32_t)p->predictor.costs.candidates[coded->choice[t]]);
    }
    return scales;
}

const double *decode_predicted(rdc_cpu_level level, const predicted *p, const coded_levels *coded) {
    const size_t n = p->info.tokens * p->predictor.grid.components;
    double *values = buffer_take(n * sizeof *values);
    rdc_side_info info = p->info;
    info.token_scale = final_scales(p, coded);
    rdc_block_decoder decoder;
    rdc_status status = rdc_block_open(&decoder, rdc_rans_kernels_of(level), p->tables, coded->block, coded->size, n);
    rdc_prediction *prediction = make_prediction(p);
    if (status.error == RDC_OK) status = rdc_prediction_decode(level, prediction, &info, coded->references, &decoder, values);
    rdc_prediction_free(prediction);
    if (status.error == RDC_OK) status = rdc_block_finish(&decoder);
    check_that(status.error == RDC_OK, "levels can be decoded");
    return values;
}
