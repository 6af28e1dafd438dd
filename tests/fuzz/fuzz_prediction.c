/* Tokens under a predictor: any side information, and damaged levels. */

#include "prediction_inputs.h"
#include "targets.h"

/* Candidates rise all the same. */
static void spoil_costs(rng *r, const rdc_scale_costs *costs) {
    int32_t *candidates = (int32_t *)costs->candidates;
    if (rng_one_in(r, 8)) candidates[0] = INT32_MIN + (int32_t)rng_below(r, 9);
    if (rng_one_in(r, 8)) candidates[costs->candidate_count - 1] = INT32_MAX - (int32_t)rng_below(r, 9);
    if (rng_one_in(r, 4)) ((uint16_t *)costs->costs)[rng_below(r, (uint32_t)costs->rows)] = (uint16_t)rng_next(r);
}

/* Some numbers of the arrays, which lie in buffers that may be written. */
static void spoil(rng *r, const predicted *p) {
    const size_t tokens = p->info.tokens, components = p->predictor.grid.components;
    for (uint32_t changes = rng_below(r, 5); changes; changes--) {
        const size_t token = tokens ? rng_below(r, (uint32_t)tokens) : 0, component = rng_below(r, (uint32_t)components);
        if (rng_one_in(r, 2)) ((int32_t *)p->predictor.grid.component_scale)[component] = wild_int32(r, 0);
        if (rng_one_in(r, 8)) ((int8_t *)p->predictor.unit)[component] = (int8_t)rng_below(r, 256);
        if (rng_one_in(r, 8)) ((uint8_t *)p->predictor.grid.component_shape)[component] = (uint8_t)rng_below(r, 256);
        if (rng_one_in(r, 8)) ((int32_t *)p->predictor.references.scale)[component] = wild_int32(r, 0);
        spoil_costs(r, &p->predictor.costs);
        if (tokens == 0) continue;
        if (rng_one_in(r, 2)) ((int32_t *)p->info.exponent)[token] = (int32_t)rng_below(r, 261) - 130;
        if (rng_one_in(r, 2)) ((int32_t *)p->info.token_scale)[token] = wild_int32(r, 0);
        if (rng_one_in(r, 2)) ((int16_t *)p->info.base)[token * components + component] = (int16_t)rng_next(r);
        if (rng_one_in(r, 2)) ((double *)p->y)[token * components + component] = wild_double(r);
    }
}

static void compare_encoders(const predicted *p, const coded_levels *expected) {
    const check_levels levels = check_levels_here();
    const size_t tokens = p->info.tokens, n = tokens * p->predictor.grid.components;
    for (size_t k = 1; k < levels.count; k++) {
        const size_t mark = buffers_mark();
        check_level(levels.of[k]);
        const coded_levels got = encode_predicted(levels.of[k], p);
        check_same_status(expected->status, got.status, "tokens under a predictor");
        if (got.status.error == RDC_OK) {
            check_same(expected->levels, got.levels, n * sizeof *got.levels, "levels");
            check_same(expected->index, got.index, n * sizeof *got.index, "tables of levels");
            check_same(expected->choice, got.choice, tokens * sizeof *got.choice, "scales");
            const size_t references = tokens * p->predictor.references.most * sizeof(int32_t);
            check_same(expected->references.distance, got.references.distance, references, "distances");
            check_same(expected->references.weight, got.references.weight, references, "weights");
        }
        buffers_release(mark);
    }
}

typedef struct decoded {
    rdc_status status;   /* of the tokens */
    rdc_status finished; /* of the block's end */
} decoded;

/* Decodes a block with a prediction, which goes on from where it is. */
static decoded decode(rdc_cpu_level level, const predicted *p, const int32_t *scales, const coded_levels *coded, rdc_prediction *prediction,
                      double *values) {
    const size_t n = p->info.tokens * p->predictor.grid.components;
    rdc_side_info info = p->info;
    info.token_scale = scales;
    rdc_block_decoder decoder;
    decoded got = {.status = rdc_block_open(&decoder, rdc_rans_kernels_of(level), p->tables, coded->block, coded->size, n)};
    if (got.status.error == RDC_OK) got.status = rdc_prediction_decode(level, prediction, &info, coded->references, &decoder, values);
    if (got.status.error == RDC_OK) got.finished = rdc_block_finish(&decoder);
    return got;
}

/* Damaged levels, then whole ones: a prediction that failed goes on as if it had not been asked. */
static decoded decode_twice(rdc_cpu_level level, const predicted *p, const int32_t *scales, const coded_levels *damaged,
                            const coded_levels *whole, double *damaged_values, double *values) {
    rdc_prediction *prediction = make_prediction(p);
    const decoded got = decode(level, p, scales, damaged, prediction, damaged_values);
    if (got.status.error != RDC_OK) {
        const decoded again = decode(level, p, scales, whole, prediction, values);
        check_that(again.status.error == RDC_OK && again.finished.error == RDC_OK, "a prediction goes on after an error");
    }
    rdc_prediction_free(prediction);
    return got;
}

/* Distances and weights of which some are any number. */
static rdc_references take_damaged_references(rng *r, const predicted *p, const coded_levels *coded) {
    const size_t count = p->info.tokens * p->predictor.references.most;
    int32_t *distance = buffer_take(count * sizeof *distance), *weight = buffer_take(count * sizeof *weight);
    for (size_t i = 0; i < count; i++) {
        distance[i] = rng_one_in(r, 8) ? wild_int32(r, 0) : rng_one_in(r, 4) ? (int32_t)rng_below(r, 12) : coded->references.distance[i];
        weight[i] = rng_one_in(r, 8) ? wild_int32(r, 0) : rng_one_in(r, 4) ? (int32_t)rng_below(r, 19) - 9 : coded->references.weight[i];
    }
    return (rdc_references){distance, weight};
}

static void check_damaged(rng *r, const predicted *p, const coded_levels *coded, const double *expected) {
    const check_levels levels = check_levels_here();
    const size_t size = p->info.tokens * p->predictor.grid.components * sizeof(double);
    const int32_t *scales = final_scales(p, coded);
    coded_levels damaged = *coded;
    damaged.block = take_damaged(r, coded->block, &damaged.size);
    if (rng_one_in(r, 2)) damaged.references = take_damaged_references(r, p, coded);
    double *first_values = buffer_take(size), *values = buffer_take(size), *whole_values = buffer_take(size);
    decoded first = {{RDC_OK, 0, 0}, {RDC_OK, 0, 0}};
    for (size_t k = 0; k < levels.count; k++) {
        check_level(levels.of[k]);
        const decoded got = decode_twice(levels.of[k], p, scales, &damaged, coded, k ? values : first_values, whole_values);
        if (k == 0) first = got;
        check_same_status(first.status, got.status, "damaged levels");
        check_same_status(first.finished, got.finished, "the end of damaged levels");
        if (got.status.error != RDC_OK) check_same(expected, whole_values, size, "components after an error");
        else if (k) check_same(first_values, values, size, "components of damaged levels");
    }
}

/* Any numbers as what a prediction remembers: refused, which leaves it as it was, or decoded with alike at every level, to components or to
 * an error, for the tables are others. */
static void check_memory(rng *r, const predicted *p, const coded_levels *coded, const double *whole) {
    const check_levels levels = check_levels_here();
    const size_t size = p->info.tokens * p->predictor.grid.components * sizeof(double);
    rdc_prediction *fresh = make_prediction(p);
    const size_t remembered = rdc_prediction_size(fresh) + rng_below(r, 12) * p->predictor.grid.components + (rng_one_in(r, 8) ? 1 : 0);
    rdc_prediction_free(fresh);
    const int16_t *saved = make_values(r, remembered, INT16_MAX + (int32_t)rng_below(r, 2));
    const int32_t *scales = final_scales(p, coded);
    double *first_values = buffer_take(size), *values = buffer_take(size);
    decoded first = {{RDC_OK, 0, 0}, {RDC_OK, 0, 0}};
    for (size_t k = 0; k < levels.count; k++) {
        rdc_prediction *prediction = make_prediction(p);
        check_level(levels.of[k]);
        const int loaded = rdc_prediction_load(prediction, saved, remembered).error == RDC_OK;
        const decoded got = decode(levels.of[k], p, scales, coded, prediction, k ? values : first_values);
        if (k == 0) first = got;
        check_same_status(first.status, got.status, "levels with any memory");
        check_same_status(first.finished, got.finished, "the end of levels with any memory");
        if (!loaded) check_same(whole, k ? values : first_values, size, "components after a memory that is refused");
        else if (k && got.status.error == RDC_OK) check_same(first_values, values, size, "components with any memory");
        rdc_prediction_free(prediction);
    }
}

void fuzz_prediction(rng *r) {
    predicted p = make_predicted(r);
    rdc_prediction *refused = NULL;
    if (rng_one_in(r, 2)) spoil(r, &p);
    if (rdc_predictor_check(&p.predictor).error == RDC_OK) {
        const coded_levels coded = encode_predicted(RDC_CPU_SCALAR, &p);
        compare_encoders(&p, &coded);
        if (coded.status.error == RDC_OK) {
            const double *values = decode_predicted(RDC_CPU_SCALAR, &p, &coded);
            check_damaged(r, &p, &coded, values);
            check_memory(r, &p, &coded, values);
        }
    } else {
        check_that(rdc_prediction_make(&refused, &p.predictor).error != RDC_OK && !refused, "such a predictor is refused");
    }
    free_predicted(&p);
}
