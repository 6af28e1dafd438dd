/* Networks of nearly right layers: refused, or run at every level. */
#include "net_inputs.h"
#include "targets.h"

#define MOST_LAYERS 3
#define MOST_CHANNELS 20
#define MOST_TAPS 4
#define MOST_TOKENS 6
#define MOST_PAST 4096 /* inputs, which a state holds */

/* Mostly what it is; seldom what a network cannot have. */
static uint32_t spoilt(rng *r, uint32_t right, uint32_t too_many) {
    const uint32_t wrong[] = {0, too_many, UINT32_MAX};
    return rng_one_in(r, 64) ? wrong[rng_below(r, 3)] : right;
}

static int16_t any_end(rng *r) {
    return (int16_t)(rng_one_in(r, 2) ? wild_int32(r, 0) : (int32_t)rng_below(r, 512) - 256);
}

/* Its arrays lie in buffers of the sizes that it says before one of these is spoilt, which no array is read for. */
static rdc_net_layer make_layer(rng *r, uint32_t inputs) {
    rdc_net_layer made = {.inputs = inputs, .outputs = 1 + rng_below(r, MOST_CHANNELS), .taps = 1 + rng_below(r, MOST_TAPS), .dilation = 1};
    if (rng_one_in(r, 2)) made.taps = 1;
    if (rng_one_in(r, 2)) made.dilation = 1 + rng_below(r, rng_one_in(r, 4) ? 4096 : 8);
    if ((made.taps - 1) * made.dilation * inputs > MOST_PAST) made.dilation = 1;
    made.weights = make_weights(r, made.outputs, (size_t)made.taps * inputs, rng_one_in(r, 2));
    int32_t *bias = buffer_take(made.outputs * sizeof *bias);
    uint8_t *shift = buffer_take(made.outputs);
    for (uint32_t o = 0; o < made.outputs; o++) {
        bias[o] = rng_one_in(r, 8) ? wild_int32(r, 1 << 20) : (int32_t)rng_below(r, 2001) - 1000;
        shift[o] = (uint8_t)rng_below(r, rng_one_in(r, 16) ? 34 : 12);
    }
    made.bias = bias;
    made.shift = shift;
    made.lowest = any_end(r);
    made.highest = any_end(r);
    if (made.lowest > made.highest && !rng_one_in(r, 16)) made.highest = made.lowest;
    if (made.lowest <= made.highest && rng_one_in(r, 3)) {
        made.table = make_values(r, (size_t)(made.highest - made.lowest) + 1, INT16_MAX + 1);
    }
    return made;
}

static void spoil(rng *r, rdc_net_layer *layer) {
    layer->inputs = spoilt(r, layer->inputs, 65537);
    layer->outputs = spoilt(r, layer->outputs, 65537);
    layer->taps = spoilt(r, layer->taps, 65);
    layer->dilation = spoilt(r, layer->dilation, 4097);
}

/* The outputs of tokens after a memory of these numbers, in a buffer. */
static const int16_t *run_from(rdc_cpu_level level, const rdc_net *net, const int16_t *saved, const int16_t *x, size_t tokens) {
    rdc_net_state *state = NULL;
    int16_t *out = buffer_take(tokens * rdc_net_outputs(net) * sizeof *out);
    check_that(rdc_net_state_make(&state, net).error == RDC_OK, "there is memory");
    rdc_net_state_restore(state, saved);
    rdc_net_run(level, state, x, tokens, out);
    rdc_net_state_free(state);
    return out;
}

/* Any numbers as what a network remembers: refused, or run from without overflow. */
static void check_memory(rng *r, const rdc_net *net) {
    const check_levels levels = check_levels_here();
    const size_t mark = buffers_mark(), size = rdc_net_state_size(net), tokens = rng_below(r, MOST_TOKENS);
    int16_t *saved = make_values(r, size, rng_one_in(r, 2) ? INT16_MAX + 1 : 1 + (int32_t)rng_below(r, INT16_MAX));
    const int16_t *x = make_values(r, tokens * rdc_net_inputs(net), INT16_MAX + 1);
    if (rdc_net_state_check(net, saved).error == RDC_OK) {
        const int16_t *expected = run_from(RDC_CPU_SCALAR, net, saved, x, tokens);
        for (size_t k = 1; k < levels.count; k++) {
            check_level(levels.of[k]);
            const int16_t *out = run_from(levels.of[k], net, saved, x, tokens);
            check_same(expected, out, tokens * rdc_net_outputs(net) * sizeof *out, "outputs after a memory");
        }
    }
    buffers_release(mark);
}

void fuzz_network(rng *r) {
    network n = {.count = 1 + rng_below(r, MOST_LAYERS)};
    rdc_net_layer layers[MOST_LAYERS];
    uint32_t inputs = 1 + rng_below(r, MOST_CHANNELS);
    for (size_t k = 0; k < n.count; k++) {
        layers[k] = make_layer(r, inputs);
        n.uses_context |= layers[k].taps > 1;
        inputs = layers[k].outputs;
    }
    for (size_t k = 0; k < n.count; k++) spoil(r, &layers[k]);
    const int32_t limit = rng_one_in(r, 8) ? wild_int32(r, INT16_MAX) : 1 + (int32_t)rng_below(r, INT16_MAX);
    if (rdc_net_make(&n.net, layers, n.count, limit).error == RDC_OK) {
        check_network(r, &n);
        check_memory(r, n.net);
    } else {
        check_that(!n.net, "no network is made of what is refused");
    }
    rdc_net_free(n.net);
}
