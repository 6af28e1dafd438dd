/* Coding under predictions: token after token, since each is predicted from the tokens before it as they are decoded. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "levels/adaptation.h"
#include "levels/fixed_point.h"
#include "levels/grid.h"
#include "quant/float_types.h"
#include "quant/trellis.h"
#include "references/choose.h"

#define COST_BITS 8 /* fractional bits of costs */

/* Squared half steps that a bit is worth to the quantiser. At twice as much the squared error is less still at equal rate, but the
 * model's loss is not: it minds that what is left out is always on the side of 0. */
#define BIT_WORTH 0.05

struct rdc_prediction {
    const rdc_predictor *predictor;
    rdc_net_state *net;  /* NULL without a network */
    rdc_ring ring;       /* what bases and networks left of earlier tokens */
    int16_t *inputs;     /* of the network: components of the token before, then side */
    int16_t *outputs;    /* means, then scales */
    int64_t *mean;       /* [components] what base and network predict ... */
    int64_t *predicted;  /* ... and with references */
    int32_t *referred;   /* [components] what these say, in eighths of features */
    int16_t *left;       /* [components] what is left to refer to, or was of the token, in features ... */
    int16_t *query;      /* ... and room to search for it */
    double *residual;    /* [components] in units of half a step ... */
    double *work;        /* ... and room to quantise them */
    uint16_t *rates;     /* what small levels cost, of the predictor's costs */
    int64_t *points;     /* [components] */
    int32_t *scale;      /* [components] the grid's, with what is predicted and drifts */
    uint32_t *positions; /* [components] of the costs of levels */
    int16_t *adapted;    /* how scales follow the tokens before: levels/adaptation.h */
    int32_t *levels;     /* [components] that a decoder reads ... */
    uint16_t *index;     /* ... and their tables */
    int16_t *before;     /* what was remembered where the last call began to code ... */
    int has_coded;       /* ... since rdc_prediction_begin */
};

static size_t inputs_of(const rdc_net *net) {
    return net ? rdc_net_inputs(net) : 0;
}

static rdc_status check_rules(const rdc_reference_rules *rules, size_t components) {
    const int fits = rules->tokens <= RDC_MOST_REFERRED && rules->most <= RDC_MOST_REFERENCES && !rules->tokens == !rules->most;
    RDC_RETURN_IF(!fits, RDC_ERROR_REFERENCE_RULES, rules->tokens, rules->most);
    for (size_t i = 0; i < components && rules->most; i++) {
        const int32_t scale = rules->scale[i];
        RDC_RETURN_IF(scale < 0 || scale > RDC_MOST_REFERENCE_SCALE, RDC_ERROR_REFERENCE_SCALE, i, scale);
    }
    return rdc_ok();
}

rdc_status rdc_predictor_check(const rdc_predictor *predictor) {
    const size_t components = predictor->grid.components, seen = predictor->uses_context ? components : 0;
    RDC_FORWARD_IF_ERROR(rdc_grid_check(&predictor->grid));
    const size_t inputs = inputs_of(predictor->net), outputs = predictor->net ? rdc_net_outputs(predictor->net) : 2 * components;
    RDC_RETURN_IF(outputs != 2 * components, RDC_ERROR_PREDICTOR_NET, 2 * components, outputs);
    RDC_RETURN_IF(inputs < seen, RDC_ERROR_PREDICTOR_NET, seen, inputs);
    RDC_FORWARD_IF_ERROR(check_rules(&predictor->references, components));
    for (size_t i = 0; i < components; i++) {
        const int unit = predictor->unit[i];
        RDC_RETURN_IF(unit < RDC_LEAST_UNIT || unit > RDC_MOST_UNIT, RDC_ERROR_PREDICTOR_UNIT, i, unit);
    }
    RDC_RETURN_IF(predictor->adaptation > RDC_MOST_ADAPTATION, RDC_ERROR_ADAPTATION, 0, predictor->adaptation);
    return rdc_scale_costs_check(&predictor->grid, &predictor->costs);
}

static size_t components_seen(const rdc_predictor *predictor) {
    return predictor->uses_context ? predictor->grid.components : 0;
}

size_t rdc_predictor_side(const rdc_predictor *predictor) {
    return inputs_of(predictor->net) - components_seen(predictor);
}

void rdc_prediction_free(rdc_prediction *prediction) {
    if (!prediction) return;
    rdc_net_state_free(prediction->net);
    rdc_ring_clear(&prediction->ring);
    free(prediction->inputs);
    free(prediction->outputs);
    free(prediction->mean);
    free(prediction->predicted);
    free(prediction->referred);
    free(prediction->left);
    free(prediction->query);
    free(prediction->scale);
    free(prediction->positions);
    free(prediction->adapted);
    free(prediction->residual);
    free(prediction->work);
    free(prediction->rates);
    free(prediction->points);
    free(prediction->levels);
    free(prediction->index);
    free(prediction->before);
    free(prediction);
}

static size_t net_size(const rdc_predictor *predictor) {
    return predictor->net ? rdc_net_state_size(predictor->net) : 0;
}

/* The components of the token before, the network's memory, and drifts. */
static size_t size_before(const rdc_predictor *predictor) {
    return components_seen(predictor) + net_size(predictor) + rdc_adaptation_size(predictor);
}

static int allocate(rdc_prediction *made) {
    const rdc_net *net = made->predictor->net;
    const size_t components = made->predictor->grid.components;
    rdc_ring_init(&made->ring, &made->predictor->references, components);
    made->inputs = calloc(inputs_of(net) + 1, sizeof *made->inputs);
    made->outputs = calloc(2 * components, sizeof *made->outputs); /* zeros without a network */
    made->mean = malloc(components * sizeof *made->mean);
    made->predicted = malloc(components * sizeof *made->predicted);
    made->referred = malloc(components * sizeof *made->referred);
    made->left = malloc(components * sizeof *made->left);
    made->query = malloc(made->ring.columns * sizeof *made->query);
    made->scale = malloc(components * sizeof *made->scale);
    made->positions = malloc(components * sizeof *made->positions);
    made->adapted = calloc(components + 1, sizeof *made->adapted);
    made->residual = malloc(components * sizeof *made->residual);
    made->work = malloc(rdc_trellis_rated_room(components) * sizeof *made->work);
    made->rates = malloc(made->predictor->costs.rows * RDC_RATED_MAGNITUDES * sizeof *made->rates);
    made->points = malloc(components * sizeof *made->points);
    made->levels = malloc(components * sizeof *made->levels);
    made->index = malloc(components * sizeof *made->index);
    if (net && rdc_net_state_make(&made->net, net).error != RDC_OK) return 0;
    made->before = calloc(size_before(made->predictor) + 1, sizeof *made->before);
    return made->inputs && made->outputs && made->mean && made->predicted && made->referred && made->left && made->query &&
           made->scale && made->positions && made->adapted && made->residual && made->work && made->rates && made->points && made->levels &&
           made->index && made->before;
}

/* Costs of the magnitudes that differ; where the costs have fewer, their last one is for all others. */
static void find_rates(const rdc_scale_costs *costs, uint16_t *rates) {
    for (size_t row = 0; row < costs->rows; row++) {
        for (size_t k = 0; k < RDC_RATED_MAGNITUDES; k++) {
            const size_t magnitude = k < costs->cost_levels ? k : costs->cost_levels - 1;
            *rates++ = costs->costs[row * costs->cost_levels + magnitude];
        }
    }
}

rdc_status rdc_prediction_make(rdc_prediction **prediction, const rdc_predictor *predictor) {
    *prediction = NULL;
    RDC_FORWARD_IF_ERROR(rdc_predictor_check(predictor));
    rdc_prediction *made = calloc(1, sizeof *made);
    RDC_RETURN_IF(!made, RDC_ERROR_MEMORY, 0, 0);
    made->predictor = predictor;
    if (allocate(made)) {
        find_rates(&predictor->costs, made->rates);
        *prediction = made;
        return rdc_ok();
    }
    rdc_prediction_free(made);
    return rdc_fail(RDC_ERROR_MEMORY, 0, 0);
}

static void save_before(const rdc_prediction *prediction, int16_t *to) {
    const size_t seen = components_seen(prediction->predictor);
    memcpy(to, prediction->inputs, seen * sizeof *to);
    if (prediction->net) rdc_net_state_save(prediction->net, to + seen);
    memcpy(to + seen + net_size(prediction->predictor), prediction->adapted, rdc_adaptation_size(prediction->predictor) * sizeof *to);
}

static void restore_before(rdc_prediction *prediction, const int16_t *saved) {
    const size_t seen = components_seen(prediction->predictor);
    memcpy(prediction->inputs, saved, seen * sizeof *prediction->inputs);
    if (prediction->net) rdc_net_state_restore(prediction->net, saved + seen);
    memcpy(prediction->adapted, saved + seen + net_size(prediction->predictor),
           rdc_adaptation_size(prediction->predictor) * sizeof *saved);
}

const rdc_predictor *rdc_prediction_predictor(const rdc_prediction *prediction) {
    return prediction->predictor;
}

size_t rdc_prediction_referable(const rdc_prediction *prediction) {
    return rdc_ring_available(&prediction->ring);
}

/* What stands before the next token, then the tokens that it may refer to, oldest first. */
size_t rdc_prediction_size(const rdc_prediction *prediction) {
    return size_before(prediction->predictor) + rdc_prediction_referable(prediction) * prediction->predictor->grid.components;
}

void rdc_prediction_save(const rdc_prediction *prediction, int16_t *to) {
    const size_t components = prediction->predictor->grid.components;
    save_before(prediction, to);
    to += size_before(prediction->predictor);
    for (size_t distance = rdc_prediction_referable(prediction); distance > 0; distance--, to += components) {
        memcpy(to, rdc_ring_token(&prediction->ring, distance), components * sizeof *to);
    }
}

void rdc_prediction_begin(rdc_prediction *prediction) {
    prediction->has_coded = 0;
}

static void begin_to_code(rdc_prediction *prediction) {
    save_before(prediction, prediction->before);
    rdc_ring_begin(&prediction->ring);
    prediction->has_coded = 1;
}

static void restore(rdc_prediction *prediction) {
    restore_before(prediction, prediction->before);
    rdc_ring_rollback(&prediction->ring);
}

void rdc_prediction_rollback(rdc_prediction *prediction) {
    if (prediction->has_coded) restore(prediction);
}

static rdc_status check_saved(const rdc_predictor *predictor, const int16_t *saved, size_t size) {
    const size_t seen = components_seen(predictor), before = size_before(predictor), components = predictor->grid.components;
    const int fits = size >= before && (size - before) % components == 0 && (size - before) / components <= predictor->references.tokens;
    RDC_RETURN_IF(!fits, RDC_ERROR_PREDICTION_SIZE, before, size);
    for (size_t i = 0; i < size; i++) {
        const int is_feature = i < seen || i >= before;
        RDC_RETURN_IF(is_feature && saved[i] < -INT16_MAX, RDC_ERROR_NET_STATE, i, saved[i]);
    }
    const size_t adapted = seen + net_size(predictor);
    rdc_status status = predictor->net ? rdc_net_state_check(predictor->net, saved + seen) : rdc_ok();
    RDC_RETURN_IF(status.error != RDC_OK, status.error, status.at + seen, status.got);
    status = rdc_adaptation_check(predictor, saved + adapted);
    RDC_RETURN_IF(status.error != RDC_OK, status.error, status.at + adapted, status.got);
    return rdc_ok();
}

rdc_status rdc_prediction_load(rdc_prediction *prediction, const int16_t *saved, size_t size) {
    const rdc_predictor *predictor = prediction->predictor;
    RDC_FORWARD_IF_ERROR(check_saved(predictor, saved, size));
    for (size_t at = size_before(predictor); at < size; at += predictor->grid.components) {
        const rdc_status status = rdc_ring_push(&prediction->ring, saved + at);
        if (status.error == RDC_OK) continue;
        rdc_ring_clear(&prediction->ring);
        return status;
    }
    restore_before(prediction, saved);
    return rdc_ok();
}

rdc_status rdc_prediction_copy(rdc_prediction **copy, const rdc_prediction *prediction) {
    RDC_FORWARD_IF_ERROR(rdc_prediction_make(copy, prediction->predictor));
    const rdc_status status = rdc_ring_copy(&(*copy)->ring, &prediction->ring);
    if (status.error != RDC_OK) {
        rdc_prediction_free(*copy);
        *copy = NULL;
        return status;
    }
    save_before(prediction, (*copy)->before);
    restore_before(*copy, (*copy)->before);
    return rdc_ok();
}

static rdc_status check_exponent(int32_t exponent, size_t t) {
    RDC_RETURN_IF(exponent < -RDC_MOST_EXPONENT || exponent > RDC_MOST_EXPONENT, RDC_ERROR_EXPONENT, t, exponent);
    return rdc_ok();
}

/* Before anything is coded; each is checked again where it is used, for another thread may have changed it. */
static rdc_status check_exponents(const rdc_side_info *info) {
    for (size_t t = 0; t < info->tokens; t++) RDC_FORWARD_IF_ERROR(check_exponent(info->exponent[t], t));
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
static void predict(rdc_cpu_level cpu, rdc_prediction *prediction, const rdc_side_info *info, size_t t) {
    const rdc_predictor *predictor = prediction->predictor;
    const size_t components = predictor->grid.components, side = rdc_predictor_side(predictor);
    if (prediction->net) {
        memcpy(prediction->inputs + components_seen(predictor), info->side + t * side, side * sizeof *info->side);
        rdc_net_run(cpu, prediction->net, prediction->inputs, 1, prediction->outputs);
    }
    for (size_t i = 0; i < components; i++) {
        prediction->mean[i] = rdc_fixed_mean(info->base[t * components + i] + prediction->outputs[i], predictor->unit[i]);
        const int32_t added = prediction->outputs[components + i] + rdc_adaptation_steps(prediction->adapted[i]);
        prediction->scale[i] = sum_of(predictor->grid.component_scale[i], added);
    }
}

/* 2^exponent, of a double's range. */
static double power_of_two(int exponent) {
    return rdc_bits_as_double((uint64_t)(exponent + 1023) << 52);
}

/* Features of what base and network leave of a token, for the search alone. The product with a power of two is exact. Signs are those of
 * noise, so that no branch may depend on them. */
static void find_left(rdc_prediction *prediction, const double *y) {
    const rdc_predictor *predictor = prediction->predictor;
    for (size_t i = 0; i < predictor->grid.components; i++) {
        const double unit = power_of_two(RDC_FEATURE_BITS - RDC_COMPONENT_BITS - predictor->unit[i]);
        const double left = (y[i] * (1 << RDC_COMPONENT_BITS) - (double)prediction->mean[i]) * unit;
        const double below = left > INT16_MAX ? INT16_MAX : left, within = below >= -INT16_MAX ? below : -INT16_MAX; /* also of no number */
        prediction->left[i] = (int16_t)(within + copysign(0.5, within));
    }
}

/* Means with what the references [most] of a token say. */
static rdc_status refer(rdc_prediction *prediction, const int32_t *distance, const int32_t *weight) {
    const rdc_predictor *predictor = prediction->predictor;
    const size_t components = predictor->grid.components;
    memcpy(prediction->predicted, prediction->mean, components * sizeof *prediction->predicted);
    int refers = 0;
    for (size_t k = 0; k < predictor->references.most; k++) refers |= distance[k] != 0;
    if (!refers) return rdc_ok();
    RDC_FORWARD_IF_ERROR(rdc_references_predict(&prediction->ring, distance, weight, prediction->referred));
    for (size_t i = 0; i < components; i++) {
        prediction->predicted[i] += rdc_fixed_shift(rdc_fixed_mean(prediction->referred[i], predictor->unit[i]), RDC_WEIGHT_BITS);
    }
    return rdc_ok();
}

/* What the decoder makes of a token's points; the network sees it with the next token, and later ones may refer to it. `values` may
 * be NULL. Errors: RDC_ERROR_MEMORY. */
static rdc_status reconstruct(rdc_prediction *prediction, int32_t exponent, double *values) {
    const rdc_predictor *predictor = prediction->predictor;
    const int64_t spacing = rdc_fixed_spacing(exponent), most = rdc_fixed_most_point(spacing);
    const uint8_t inward[3] = {0, predictor->inward[0], predictor->inward[1]};
    for (size_t i = 0; i < predictor->grid.components; i++) {
        const int64_t component = prediction->predicted[i] + rdc_fixed_point(prediction->points[i], most, inward, spacing);
        if (predictor->uses_context) prediction->inputs[i] = rdc_fixed_feature(component, predictor->unit[i]);
        if (values) values[i] = (double)component / (1 << RDC_COMPONENT_BITS);
        prediction->left[i] = rdc_fixed_feature(component - prediction->mean[i], predictor->unit[i]);
    }
    return predictor->references.most ? rdc_ring_push(&prediction->ring, prediction->left) : rdc_ok();
}

/* What is left of components, which may be larger than the quantiser takes: it is lossy, and that is no error. The product with a power
 * of two is exact, so a fused multiplication and subtraction gives the same. */
static void find_residual(rdc_prediction *prediction, const double *y, int32_t exponent) {
    const double most = RDC_TRELLIS_LARGEST - 1;
    const double unit = (double)(1 << (RDC_SPACING_BITS - RDC_COMPONENT_BITS)) / (double)rdc_fixed_spacing(exponent);
    for (size_t i = 0; i < prediction->predictor->grid.components; i++) {
        const double residual = (y[i] * (1 << RDC_COMPONENT_BITS) - (double)prediction->predicted[i]) * unit;
        const double below = residual > most ? most : residual;
        prediction->residual[i] = below < -most ? -most : below;
    }
}

static rdc_references references_of(const rdc_predictor *predictor, rdc_references all, size_t t) {
    const size_t most = predictor->references.most;
    return most ? (rdc_references){all.distance + t * most, all.weight + t * most} : (rdc_references){NULL, NULL};
}

/* Levels of what is left, by what they cost in the tables that the token has if nothing is added to its scale. */
static rdc_status quantise_residual(rdc_cpu_level cpu, rdc_prediction *prediction, int32_t token_scale, int32_t *levels) {
    const rdc_level_grid grid = grid_with(prediction->predictor, prediction->scale);
    for (size_t i = 0; i < grid.components; i++) {
        prediction->positions[i] = (rdc_grid_even_table(&grid, i, token_scale) - grid.first_table) / 2;
    }
    const rdc_level_rates rates = {prediction->rates, prediction->positions, BIT_WORTH / (1 << COST_BITS)};
    return rdc_trellis_quantise_rated(cpu, prediction->residual, grid.components, &rates, prediction->work, levels);
}

/* The points of a token's levels are found; its references are chosen. */
static rdc_status quantise_token(rdc_cpu_level cpu, rdc_prediction *prediction, const rdc_side_info *info, size_t t, const double *y,
                                 int32_t *levels, rdc_references chosen) {
    const size_t components = prediction->predictor->grid.components;
    const int32_t exponent = info->exponent[t];
    RDC_FORWARD_IF_ERROR(check_exponent(exponent, t));
    predict(cpu, prediction, info, t);
    if (prediction->predictor->references.most) {
        find_left(prediction, y);
        rdc_references_choose(cpu, &prediction->ring, prediction->left, prediction->query, chosen.distance, chosen.weight);
    }
    RDC_FORWARD_IF_ERROR(refer(prediction, chosen.distance, chosen.weight));
    find_residual(prediction, y, exponent);
    RDC_FORWARD_IF_ERROR(quantise_residual(cpu, prediction, info->token_scale[t], levels));
    rdc_levels_find_points(levels, components, prediction->points);
    return reconstruct(prediction, exponent, NULL);
}

/* The candidate for a token's scale, and the tables of its levels. */
static int32_t choose_tables(rdc_prediction *prediction, int32_t token_scale, const int32_t *levels, uint16_t *index) {
    const rdc_predictor *predictor = prediction->predictor;
    const rdc_level_grid grid = grid_with(predictor, prediction->scale);
    rdc_levels_find_costs(&grid, &predictor->costs, levels, prediction->positions);
    const int32_t choice = rdc_levels_fit_token(&grid, &predictor->costs, prediction->positions, token_scale);
    const int32_t final_scale = sum_of(token_scale, predictor->costs.candidates[choice]);
    rdc_levels_find_tables(&grid, levels, final_scale, index);
    rdc_adaptation_follow(predictor, &grid, final_scale, prediction->positions, prediction->adapted);
    return choice;
}

rdc_status rdc_prediction_encode(rdc_cpu_level cpu, rdc_prediction *prediction, const rdc_side_info *info, const double *y,
                                 int32_t *levels, uint16_t *index, rdc_references references, int32_t *choice) {
    const size_t components = prediction->predictor->grid.components;
    RDC_FORWARD_IF_ERROR(check_exponents(info));
    begin_to_code(prediction);
    for (size_t t = 0; t < info->tokens; t++) {
        const size_t at = t * components;
        const rdc_references chosen = references_of(prediction->predictor, references, t);
        const rdc_status status = quantise_token(cpu, prediction, info, t, y + at, levels + at, chosen);
        if (status.error != RDC_OK) {
            restore(prediction);
            return status;
        }
        choice[t] = choose_tables(prediction, info->token_scale[t], levels + at, index + at);
    }
    return rdc_ok();
}

static rdc_status decode_token(rdc_cpu_level cpu, rdc_prediction *prediction, const rdc_side_info *info, size_t t, rdc_references references,
                               rdc_block_decoder *decoder, double *values) {
    const int32_t exponent = info->exponent[t];
    RDC_FORWARD_IF_ERROR(check_exponent(exponent, t));
    predict(cpu, prediction, info, t);
    RDC_FORWARD_IF_ERROR(refer(prediction, references.distance, references.weight));
    const rdc_predictor *predictor = prediction->predictor;
    const rdc_level_grid grid = grid_with(predictor, prediction->scale);
    RDC_FORWARD_IF_ERROR(rdc_levels_decode_token(&grid, decoder, info->token_scale[t], prediction->index, prediction->levels));
    rdc_levels_find_points(prediction->levels, grid.components, prediction->points);
    if (predictor->adaptation) {
        rdc_levels_find_costs(&grid, &predictor->costs, prediction->levels, prediction->positions);
        rdc_adaptation_follow(predictor, &grid, info->token_scale[t], prediction->positions, prediction->adapted);
    }
    return reconstruct(prediction, exponent, values);
}

rdc_status rdc_prediction_decode(rdc_cpu_level cpu, rdc_prediction *prediction, const rdc_side_info *info, rdc_references references,
                                 rdc_block_decoder *decoder, double *values) {
    const size_t components = prediction->predictor->grid.components;
    RDC_FORWARD_IF_ERROR(check_exponents(info));
    begin_to_code(prediction);
    for (size_t t = 0; t < info->tokens; t++) {
        const rdc_status status = decode_token(cpu, prediction, info, t, references_of(prediction->predictor, references, t), decoder,
                                               values + t * components);
        if (status.error == RDC_OK) continue;
        restore(prediction);
        return status;
    }
    return rdc_ok();
}
