#include "net_inputs.h"

#include <stdlib.h>

#define MOST_LAYERS 3
#define MOST_CHANNELS 60
#define WIDEST (INT16_MAX + 1) /* the largest magnitude that any layer puts out */

/* Often an end or 0, which must lie between the ends. */
static int32_t any_value(rng *r, int32_t lowest, int32_t highest) {
    switch (rng_below(r, 4)) {
    case 0: return lowest;
    case 1: return highest;
    case 2: return 0;
    default: return (int32_t)(lowest + (int64_t)rng_below(r, (uint32_t)highest - (uint32_t)lowest + 1));
    }
}

int16_t *make_values(rng *r, size_t n, int32_t most) {
    int16_t *values = buffer_take(n * sizeof *values);
    for (size_t i = 0; i < n; i++) values[i] = (int16_t)any_value(r, -most, most > INT16_MAX ? INT16_MAX : most);
    return values;
}

int16_t *make_weights(rng *r, size_t rows, size_t columns, int wide) {
    const uint32_t rarity = rng_one_in(r, 2) ? 1 : 1 + rng_below(r, (uint32_t)columns);
    int16_t *weights = buffer_take(rows * columns * sizeof *weights);
    for (size_t i = 0; i < rows * columns; i++) {
        const int32_t weight = wide ? any_value(r, INT16_MIN, INT16_MAX) : any_value(r, INT8_MIN, INT8_MAX);
        weights[i] = (int16_t)(rng_one_in(r, rarity) ? weight : 0);
    }
    return weights;
}

static int64_t sum_of_magnitudes(const int16_t *row, size_t columns) {
    int64_t sum = 0;
    for (size_t c = 0; c < columns; c++) sum += abs(row[c]);
    return sum;
}

int64_t largest_row(const int16_t *weights, size_t rows, size_t columns) {
    int64_t most = 0;
    for (size_t o = 0; o < rows; o++) {
        const int64_t sum = sum_of_magnitudes(weights + o * columns, columns);
        if (sum > most) most = sum;
    }
    return most;
}

/* Halves the weights of a row until its sum fits; the bias takes what is left, or less. */
static void fit_row(rng *r, int16_t *row, size_t columns, int32_t limit, uint8_t shift, int32_t *bias) {
    const int64_t half = (1 << shift) / 2;
    int64_t rest;
    while ((rest = INT32_MAX - half - sum_of_magnitudes(row, columns) * limit) < 0) {
        for (size_t c = 0; c < columns; c++) row[c] /= 2;
    }
    *bias = any_value(r, (int32_t)-rest, (int32_t)rest);
}

static const int16_t *make_table(rng *r, int32_t lowest, int32_t highest) {
    return rng_one_in(r, 3) ? make_values(r, (size_t)(highest - lowest) + 1, INT16_MAX + 1) : NULL;
}

/* `limit`: the largest magnitude of its inputs. */
static rdc_net_layer make_layer(rng *r, uint32_t inputs, uint32_t outputs, int32_t limit, int uses_context) {
    const uint32_t taps = uses_context ? 1 + rng_below(r, 5) : 1;
    const size_t columns = (size_t)taps * inputs;
    int16_t *weights = make_weights(r, outputs, columns, rng_one_in(r, 2));
    int32_t *bias = buffer_take(outputs * sizeof *bias);
    uint8_t *shift = buffer_take(outputs);
    for (size_t o = 0; o < outputs; o++) {
        shift[o] = (uint8_t)rng_below(r, 31);
        fit_row(r, weights + o * columns, columns, limit, shift[o], &bias[o]);
    }
    rdc_net_layer made = {.weights = weights, .bias = bias, .shift = shift, .inputs = inputs, .outputs = outputs, .taps = taps};
    made.dilation = 1 + rng_below(r, rng_one_in(r, 4) ? 100 : 4);
    made.lowest = (int16_t)any_value(r, INT16_MIN, 0);
    made.highest = (int16_t)any_value(r, 0, INT16_MAX);
    made.table = make_table(r, made.lowest, made.highest);
    return made;
}

static uint32_t any_width(rng *r) {
    return 1 + rng_below(r, rng_one_in(r, 6) ? 5 * MOST_CHANNELS : MOST_CHANNELS);
}

network make_network(rng *r) {
    const uint32_t inputs = 1 + rng_below(r, MOST_CHANNELS);
    return make_network_between(r, inputs, any_width(r));
}

network make_network_between(rng *r, uint32_t inputs, uint32_t outputs) {
    network made = {.count = 1 + rng_below(r, MOST_LAYERS), .uses_context = rng_one_in(r, 2)};
    rdc_net_layer layers[MOST_LAYERS];
    const int32_t input_limit = rng_one_in(r, 2) ? INT16_MAX : 1 + (int32_t)rng_below(r, INT16_MAX);
    for (size_t k = 0; k < made.count; k++) {
        const uint32_t width = k + 1 < made.count ? any_width(r) : outputs;
        layers[k] = make_layer(r, inputs, width, k ? WIDEST : input_limit, made.uses_context);
        inputs = width;
    }
    check_that(rdc_net_make(&made.net, layers, made.count, input_limit).error == RDC_OK, "a network can be made");
    return made;
}
