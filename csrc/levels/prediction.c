/* Coding under predictions: token after token, since each is predicted from the tokens before it as they are decoded. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/threads.h"
#include "levels/fixed_point.h"
#include "levels/grid.h"
#include "quant/trellis.h"

struct rdc_prediction {
    const rdc_predictor *predictor;
    rdc_net_state *net;
    int16_t *inputs;     /* of the network: components of the token before, then side */
    int16_t *outputs;    /* means, then scales */
    int64_t *mean;       /* [components] what is predicted, the base included */
    double *residual;    /* [components] in units of half a step ... */
    double *work;        /* ... and room to quantise them */
    int64_t *points;     /* [components] */
    int32_t *scale;      /* [components] that a decoder takes: the grid's, with what is predicted */
    int32_t *levels;     /* [components] that it reads ... */
    uint16_t *index;     /* ... and their tables */
    int16_t *before;     /* what was remembered where the last call began to code ... */
    int has_coded;       /* ... since rdc_prediction_begin */
};

rdc_status rdc_predictor_check(const rdc_predictor *predictor) {
    const size_t components = predictor->grid.components, seen = predictor->looks_back ? components : 0;
    RDC_FORWARD_IF_ERROR(rdc_grid_check(&predictor->grid));
    const size_t inputs = rdc_net_inputs(predictor->net), outputs = rdc_net_outputs(predictor->net);
    RDC_RETURN_IF(outputs != 2 * components, RDC_ERROR_PREDICTOR_NET, 2 * components, outputs);
    RDC_RETURN_IF(inputs < seen, RDC_ERROR_PREDICTOR_NET, seen, inputs);
    for (size_t i = 0; i < components; i++) {
        const int unit = predictor->unit[i];
        RDC_RETURN_IF(unit < RDC_LEAST_UNIT || unit > RDC_MOST_UNIT, RDC_ERROR_PREDICTOR_UNIT, i, unit);
    }
    return rdc_ok();
}

static size_t components_seen(const rdc_predictor *predictor) {
    return predictor->looks_back ? predictor->grid.components : 0;
}

size_t rdc_predictor_side(const rdc_predictor *predictor) {
    return rdc_net_inputs(predictor->net) - components_seen(predictor);
}

void rdc_prediction_free(rdc_prediction *prediction) {
    if (!prediction) return;
    rdc_net_state_free(prediction->net);
    free(prediction->inputs);
    free(prediction->outputs);
    free(prediction->mean);
    free(prediction->scale);
    free(prediction->residual);
    free(prediction->work);
    free(prediction->points);
    free(prediction->levels);
    free(prediction->index);
    free(prediction->before);
    free(prediction);
}

static int allocate(rdc_prediction *made) {
    const size_t components = made->predictor->grid.components, inputs = rdc_net_inputs(made->predictor->net);
    made->inputs = calloc(inputs, sizeof *made->inputs);
    made->outputs = malloc(2 * components * sizeof *made->outputs);
    made->mean = malloc(components * sizeof *made->mean);
    made->scale = malloc(components * sizeof *made->scale);
    made->residual = malloc(components * sizeof *made->residual);
    made->work = malloc(rdc_trellis_token_room(components) * sizeof *made->work);
    made->points = malloc(components * sizeof *made->points);
    made->levels = malloc(components * sizeof *made->levels);
    made->index = malloc(components * sizeof *made->index);
    if (rdc_net_state_make(&made->net, made->predictor->net).error != RDC_OK) return 0;
    made->before = calloc(rdc_prediction_size(made->predictor) + 1, sizeof *made->before);
    return made->inputs && made->outputs && made->mean && made->scale && made->residual && made->work && made->points && made->levels &&
           made->index && made->before;
}

rdc_status rdc_prediction_make(rdc_prediction **prediction, const rdc_predictor *predictor) {
    *prediction = NULL;
    RDC_FORWARD_IF_ERROR(rdc_predictor_check(predictor));
    rdc_prediction *made = calloc(1, sizeof *made);
    RDC_RETURN_IF(!made, RDC_ERROR_MEMORY, 0, 0);
    made->predictor = predictor;
    if (allocate(made)) {
        *prediction = made;
        return rdc_ok();
    }
    rdc_prediction_free(made);
    return rdc_fail(RDC_ERROR_MEMORY, 0, 0);
}

/* The components of the token before, and the network's memory. */
size_t rdc_prediction_size(const rdc_predictor *predictor) {
    return components_seen(predictor) + rdc_net_state_size(predictor->net);
}

void rdc_prediction_save(const rdc_prediction *prediction, int16_t *to) {
    const size_t seen = components_seen(prediction->predictor);
    memcpy(to, prediction->inputs, seen * sizeof *to);
    rdc_net_state_save(prediction->net, to + seen);
}

void rdc_prediction_begin(rdc_prediction *prediction) {
    prediction->has_coded = 0;
}

static void begin_to_code(rdc_prediction *prediction) {
    rdc_prediction_save(prediction, prediction->before);
    prediction->has_coded = 1;
}

static void restore(rdc_prediction *prediction) {
    const size_t seen = components_seen(prediction->predictor);
    memcpy(prediction->inputs, prediction->before, seen * sizeof *prediction->inputs);
    rdc_net_state_restore(prediction->net, prediction->before + seen);
}

void rdc_prediction_rollback(rdc_prediction *prediction) {
    if (prediction->has_coded) restore(prediction);
}

rdc_status rdc_prediction_load(rdc_prediction *prediction, const int16_t *saved) {
    const size_t seen = components_seen(prediction->predictor);
    for (size_t i = 0; i < seen; i++) RDC_RETURN_IF(saved[i] < -INT16_MAX, RDC_ERROR_NET_STATE, i, saved[i]);
    const rdc_status status = rdc_net_state_check(prediction->predictor->net, saved + seen);
    RDC_RETURN_IF(status.error != RDC_OK, status.error, status.at + seen, status.got);
    memcpy(prediction->before, saved, rdc_prediction_size(prediction->predictor) * sizeof *saved);
    restore(prediction);
    return rdc_ok();
}

rdc_status rdc_prediction_copy(rdc_prediction **copy, const rdc_prediction *prediction) {
    RDC_FORWARD_IF_ERROR(rdc_prediction_make(copy, prediction->predictor));
    rdc_prediction_save(prediction, (*copy)->before);
    restore(*copy);
    return rdc_ok();
}

static rdc_status check_exponent(int32_t exponent, size_t t) {
    RDC_RETURN_IF(exponent < -RDC_MOST_EXPONENT || exponent > RDC_MOST_EXPONENT, RDC_ERROR_EXPONENT, t, exponent);
    return rdc_ok();
}

/* Before anything is coded; each is checked again where it is used, for another thread may have changed it. */
static rdc_status check_exponents(const rdc_said *said) {
    for (size_t t = 0; t < said->tokens; t++) RDC_FORWARD_IF_ERROR(check_exponent(said->exponent[t], t));
    return rdc_ok();
}

/* Scales are clamped to the grid, so that those which would overflow may become any. */
static int32_t sum_of(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

static rdc_level_grid grid_with(const rdc_predictor *predictor, const int32_t *scale) {
    rdc_level_grid grid = predictor->grid;
    grid.component_scale = scale;
    return grid;
}

/* Means and scales of a token. */
static void predict(rdc_cpu_level cpu, rdc_prediction *prediction, const rdc_said *said, size_t t, int32_t *scale) {
    const rdc_predictor *predictor = prediction->predictor;
    const size_t components = predictor->grid.components, side = rdc_predictor_side(predictor);
    memcpy(prediction->inputs + components_seen(predictor), said->side + t * side, side * sizeof *said->side);
    rdc_net_run(cpu, prediction->net, prediction->inputs, 1, prediction->outputs);
    for (size_t i = 0; i < components; i++) {
        prediction->mean[i] = rdc_fixed_mean(said->base[t * components + i] + prediction->outputs[i], predictor->unit[i]);
        scale[i] = sum_of(predictor->grid.component_scale[i], prediction->outputs[components + i]);
    }
}

/* What the decoder makes of a token's points; the network sees it with the next token. `values` may be NULL. */
static void reconstruct(rdc_prediction *prediction, int32_t exponent, double *values) {
    const rdc_predictor *predictor = prediction->predictor;
    const int64_t spacing = rdc_fixed_spacing(exponent), most = rdc_fixed_most_point(spacing);
    const uint8_t inward[3] = {0, predictor->inward[0], predictor->inward[1]};
    for (size_t i = 0; i < predictor->grid.components; i++) {
        const int64_t component = prediction->mean[i] + rdc_fixed_point(prediction->points[i], most, inward, spacing);
        if (predictor->looks_back) prediction->inputs[i] = rdc_fixed_feature(component, predictor->unit[i]);
        if (values) values[i] = (double)component / (1 << RDC_COMPONENT_BITS);
    }
}

/* What is left of components, which may be larger than the quantiser takes: it is lossy, and that is no error. The product with a power
 * of two is exact, so a fused multiplication and subtraction gives the same. */
static void find_residual(rdc_prediction *prediction, const double *y, int32_t exponent) {
    const double most = RDC_TRELLIS_LARGEST - 1;
    const double unit = (double)(1 << (RDC_SPACING_BITS - RDC_COMPONENT_BITS)) / (double)rdc_fixed_spacing(exponent);
    for (size_t i = 0; i < prediction->predictor->grid.components; i++) {
        const double residual = (y[i] * (1 << RDC_COMPONENT_BITS) - (double)prediction->mean[i]) * unit;
        const double below = residual > most ? most : residual;
        prediction->residual[i] = below < -most ? -most : below;
    }
}

static rdc_status quantise_token(rdc_cpu_level cpu, rdc_prediction *prediction, const rdc_said *said, size_t t, const double *y,
                                 int32_t *scale, int32_t *levels) {
    const size_t components = prediction->predictor->grid.components;
    const int32_t exponent = said->exponent[t];
    RDC_FORWARD_IF_ERROR(check_exponent(exponent, t));
    predict(cpu, prediction, said, t, scale);
    find_residual(prediction, y, exponent);
    RDC_FORWARD_IF_ERROR(rdc_trellis_quantise_token(cpu, prediction->residual, components, prediction->work, levels));
    rdc_levels_find_points(levels, components, prediction->points);
    reconstruct(prediction, exponent, NULL);
    return rdc_ok();
}

/* Levels and the scales of their components, [tokens, components] each. */
static rdc_status quantise(rdc_cpu_level cpu, rdc_prediction *prediction, const rdc_said *said, const double *y, int32_t *scales,
                           int32_t *levels) {
    const size_t components = prediction->predictor->grid.components;
    begin_to_code(prediction);
    for (size_t t = 0; t < said->tokens; t++) {
        const size_t at = t * components;
        const rdc_status status = quantise_token(cpu, prediction, said, t, y + at, scales + at, levels + at);
        if (status.error == RDC_OK) continue;
        restore(prediction);
        return status;
    }
    return rdc_ok();
}

/* Of token t. `positions` is room for [components]. */
static void choose_tables(const rdc_predictor *predictor, const rdc_said *said, const rdc_scale_costs *costs, size_t t,
                          const int32_t *scale, const int32_t *levels, uint32_t *positions, uint16_t *index, int32_t *choice) {
    const rdc_level_grid grid = grid_with(predictor, scale);
    choice[t] = rdc_levels_fit_token(&grid, costs, levels, said->token_scale[t], positions);
    rdc_levels_find_tables(&grid, levels, sum_of(said->token_scale[t], costs->candidates[choice[t]]), 1, index);
}

/* Tokens are quantised one after the other; but none waits for the tables of one before, so threads share these. */
rdc_status rdc_prediction_encode(rdc_cpu_level cpu, rdc_prediction *prediction, const rdc_said *said, const double *y,
                                 const rdc_scale_costs *costs, int32_t *levels, uint16_t *index, int32_t *choice) {
    const rdc_predictor *predictor = prediction->predictor;
    const size_t components = predictor->grid.components, tokens = said->tokens;
    const int threads = rdc_threads_for(tokens);
    RDC_FORWARD_IF_ERROR(check_exponents(said));
    RDC_FORWARD_IF_ERROR(rdc_scale_costs_check(&predictor->grid, costs));
    int32_t *scales = malloc((tokens * components + 1) * sizeof *scales);
    uint32_t *positions = malloc(((size_t)threads * components + 1) * sizeof *positions);
    const rdc_status status = scales && positions ? quantise(cpu, prediction, said, y, scales, levels) : rdc_fail(RDC_ERROR_MEMORY, 0, 0);
    const size_t quantised = status.error == RDC_OK ? tokens : 0;
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(static)
#endif
    for (int64_t t = 0; t < (int64_t)quantised; t++) {
        const size_t at = (size_t)t * components;
        choose_tables(predictor, said, costs, (size_t)t, scales + at, levels + at, positions + rdc_thread_number() * components,
                      index + at, choice);
    }
    free(positions);
    free(scales);
    return status;
}

static rdc_status decode_token(rdc_cpu_level cpu, rdc_prediction *prediction, const rdc_said *said, size_t t,
                               rdc_block_decoder *decoder, double *values) {
    const int32_t exponent = said->exponent[t];
    RDC_FORWARD_IF_ERROR(check_exponent(exponent, t));
    predict(cpu, prediction, said, t, prediction->scale);
    const rdc_level_grid grid = grid_with(prediction->predictor, prediction->scale);
    RDC_FORWARD_IF_ERROR(rdc_levels_decode_token(&grid, decoder, said->token_scale[t], prediction->index, prediction->levels));
    rdc_levels_find_points(prediction->levels, grid.components, prediction->points);
    reconstruct(prediction, exponent, values);
    return rdc_ok();
}

rdc_status rdc_prediction_decode(rdc_cpu_level cpu, rdc_prediction *prediction, const rdc_said *said, rdc_block_decoder *decoder,
                                 double *values) {
    const size_t components = prediction->predictor->grid.components;
    RDC_FORWARD_IF_ERROR(check_exponents(said));
    begin_to_code(prediction);
    for (size_t t = 0; t < said->tokens; t++) {
        const rdc_status status = decode_token(cpu, prediction, said, t, decoder, values + t * components);
        if (status.error == RDC_OK) continue;
        restore(prediction);
        return status;
    }
    return rdc_ok();
}
