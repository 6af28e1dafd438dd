/* Checks a network and lays it out. After this no input can overflow a sum. */
#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "base/status.h"
#include "net/net.h"

#define MOST_LAYERS 32
#define MOST_CHANNELS 65536
#define MOST_TAPS 64
#define MOST_DILATION 4096
#define MOST_SHIFT 30
#define MOST_COLUMNS ((size_t)1 << 20)
#define MOST_PAST ((uint64_t)1 << 24)    /* of a layer, and of all together: so many inputs move on with every token */
#define MOST_WEIGHTS ((uint64_t)1 << 28) /* with padding: multiplications a token */
#define MOST_STATE ((uint64_t)1 << 28)   /* bytes */

static size_t round_up(size_t n, size_t unit) {
    return (n + unit - 1) / unit * unit;
}

static size_t columns_of(const rdc_net_layer *layer) {
    return (size_t)layer->taps * layer->inputs;
}

/* Of its table. */
static size_t entries_of(const rdc_net_layer *layer) {
    return layer->table ? (size_t)(layer->highest - layer->lowest + 1) : 0;
}

static size_t past_of(const rdc_net_layer *layer) {
    return (size_t)(layer->taps - 1) * layer->dilation;
}

static rdc_status check_sizes(const rdc_net_layer *layers, size_t count) {
    RDC_RETURN_IF(count < 1 || count > MOST_LAYERS, RDC_ERROR_NET_LAYERS, 0, count);
    for (size_t k = 0; k < count; k++) {
        const rdc_net_layer *l = &layers[k];
        RDC_RETURN_IF(l->inputs < 1 || l->inputs > MOST_CHANNELS, RDC_ERROR_NET_CHANNELS, k, l->inputs);
        RDC_RETURN_IF(l->outputs < 1 || l->outputs > MOST_CHANNELS, RDC_ERROR_NET_CHANNELS, k, l->outputs);
        RDC_RETURN_IF(k && l->inputs != layers[k - 1].outputs, RDC_ERROR_NET_CHAIN, k, l->inputs);
        RDC_RETURN_IF(l->taps < 1 || l->taps > MOST_TAPS, RDC_ERROR_NET_TAPS, k, l->taps);
        RDC_RETURN_IF(l->dilation < 1 || l->dilation > MOST_DILATION, RDC_ERROR_NET_DILATION, k, l->dilation);
        RDC_RETURN_IF((uint64_t)past_of(l) * l->inputs > MOST_PAST, RDC_ERROR_NET_DILATION, k, past_of(l));
        RDC_RETURN_IF(columns_of(l) > MOST_COLUMNS, RDC_ERROR_NET_CHANNELS, k, columns_of(l));
        RDC_RETURN_IF(l->lowest > l->highest, RDC_ERROR_NET_CLIP, k, l->lowest);
    }
    return rdc_ok();
}

/* What all layers together take, whose own sizes are checked: few small ones may ask for much. */
static rdc_status check_totals(const rdc_net_layer *layers, size_t count) {
    uint64_t weights = 0, past = 0, windows = 0, widest = 0, most = 0;
    for (size_t k = 0; k < count; k++) {
        const rdc_net_layer *l = &layers[k];
        const uint64_t rows = round_up(l->outputs, RDC_MATRIX_ROWS), columns = round_up(columns_of(l), RDC_MATRIX_COLUMNS);
        weights += rows * columns;
        past += (uint64_t)past_of(l) * l->inputs;
        windows += (uint64_t)(past_of(l) + RDC_NET_CHUNK) * l->inputs;
        widest = columns > widest ? columns : widest;
        most = rows > most ? rows : most;
    }
    const uint64_t state = windows * sizeof(int16_t) + RDC_NET_CHUNK * (widest * sizeof(int16_t) + most * sizeof(int32_t));
    RDC_RETURN_IF(weights > MOST_WEIGHTS, RDC_ERROR_NET_WEIGHT_LIMIT, 0, weights);
    RDC_RETURN_IF(past > MOST_PAST, RDC_ERROR_NET_PAST_LIMIT, 0, past);
    RDC_RETURN_IF(state > MOST_STATE, RDC_ERROR_NET_STATE_LIMIT, 0, state);
    return rdc_ok();
}

static int32_t larger(int32_t a, int32_t b) {
    return a > b ? a : b;
}

/* The largest magnitude that a layer puts out. */
static int32_t reach(const rdc_net_layer *layer) {
    if (!layer->table) return larger(abs(layer->lowest), abs(layer->highest));
    int32_t most = 0;
    for (size_t i = 0; i < entries_of(layer); i++) most = larger(most, abs(layer->table[i]));
    return most;
}

/* No sum of a layer may leave 32 bits while its inputs stay within `limit`. */
static rdc_status check_range(const rdc_net_layer *layer, size_t k, int32_t limit) {
    for (size_t o = 0; o < layer->outputs; o++) {
        int64_t weights = 0;
        const int16_t *row = layer->weights + o * columns_of(layer);
        for (size_t c = 0; c < columns_of(layer); c++) weights += abs(row[c]);
        RDC_RETURN_IF(layer->shift[o] > MOST_SHIFT, RDC_ERROR_NET_SHIFT, k, layer->shift[o]);
        const int64_t largest = weights * limit + llabs((long long)layer->bias[o]) + rdc_net_half(layer->shift[o]);
        RDC_RETURN_IF(largest > INT32_MAX, RDC_ERROR_NET_RANGE, k, o);
    }
    return rdc_ok();
}

static int is_wide(const rdc_net_layer *layer) {
    const size_t n = layer->outputs * columns_of(layer);
    for (size_t i = 0; i < n; i++) {
        if (layer->weights[i] < INT8_MIN || layer->weights[i] > INT8_MAX) return 1;
    }
    return 0;
}

/* Where the arrays of a stage lie from the start of all. */
typedef struct stage_layout {
    size_t weights, bias, shift, table, end;
} stage_layout;

static stage_layout layout_of(const rdc_net_layer *layer, size_t at) {
    const size_t rows = round_up(layer->outputs, RDC_MATRIX_ROWS), columns = round_up(columns_of(layer), RDC_MATRIX_COLUMNS);
    stage_layout place = {.weights = at};
    place.bias = place.weights + rows * columns * (is_wide(layer) ? 2 : 1);
    place.shift = place.bias + round_up(layer->outputs * sizeof(int32_t), RDC_ALIGNMENT);
    place.table = place.shift + round_up(layer->outputs, RDC_ALIGNMENT);
    place.end = round_up(place.table + entries_of(layer) * sizeof(int16_t), RDC_ALIGNMENT);
    return place;
}

static void fill_weights(const rdc_net_layer *layer, const rdc_matrix *m, uint8_t *to) {
    const size_t columns = columns_of(layer);
    for (size_t o = 0; o < layer->outputs; o++) {
        for (size_t c = 0; c < columns; c++) {
            const int16_t weight = layer->weights[o * columns + c];
            const size_t place = rdc_matrix_place(m->columns, o, c);
            if (m->wide) ((int16_t *)(void *)to)[place] = weight;
            else ((int8_t *)to)[place] = (int8_t)weight;
        }
    }
}

static void fill_stage(const rdc_net_layer *layer, rdc_net_stage *stage, uint8_t *memory, size_t at) {
    const stage_layout place = layout_of(layer, at);
    int32_t *bias = (int32_t *)(void *)(memory + place.bias);
    int16_t *table = (int16_t *)(void *)(memory + place.table);
    *stage = (rdc_net_stage){
        .matrix = {.weights = memory + place.weights, .rows = round_up(layer->outputs, RDC_MATRIX_ROWS),
                   .columns = round_up(columns_of(layer), RDC_MATRIX_COLUMNS), .wide = is_wide(layer)},
        .bias = bias, .shift = memory + place.shift, .table = layer->table ? table : NULL,
        .inputs = layer->inputs, .outputs = layer->outputs, .taps = layer->taps, .dilation = layer->dilation,
        .past = past_of(layer), .lowest = layer->lowest, .highest = layer->highest,
    };
    fill_weights(layer, &stage->matrix, memory + place.weights);
    for (size_t o = 0; o < layer->outputs; o++) bias[o] = layer->bias[o] + rdc_net_half(layer->shift[o]);
    memcpy(memory + place.shift, layer->shift, layer->outputs);
    if (layer->table) memcpy(table, layer->table, entries_of(layer) * sizeof *table);
}

static rdc_status fill(rdc_net *net, const rdc_net_layer *layers) {
    size_t total = 0;
    for (size_t k = 0; k < net->count; k++) total = layout_of(&layers[k], total).end;
    net->stages = malloc(net->count * sizeof *net->stages);
    net->memory = calloc(total + RDC_ALIGNMENT, 1);
    RDC_RETURN_IF(!net->stages || !net->memory, RDC_ERROR_MEMORY, 0, 0);
    uint8_t *const memory = rdc_aligned(net->memory);
    for (size_t k = 0, at = 0; k < net->count; at = layout_of(&layers[k], at).end, k++) {
        rdc_net_stage *stage = &net->stages[k];
        fill_stage(&layers[k], stage, memory, at);
        if (stage->matrix.columns > net->widest_row) net->widest_row = stage->matrix.columns;
        if (stage->matrix.rows > net->most_rows) net->most_rows = stage->matrix.rows;
        net->history += rdc_net_window(stage);
    }
    return rdc_ok();
}

rdc_status rdc_net_make(rdc_net **net, const rdc_net_layer *layers, size_t count, int32_t input_limit) {
    *net = NULL;
    RDC_RETURN_IF(input_limit < 1 || input_limit > INT16_MAX, RDC_ERROR_NET_LIMIT, 0, input_limit);
    RDC_FORWARD_IF_ERROR(check_sizes(layers, count));
    RDC_FORWARD_IF_ERROR(check_totals(layers, count));
    for (size_t k = 0; k < count; k++) RDC_FORWARD_IF_ERROR(check_range(&layers[k], k, k ? reach(&layers[k - 1]) : input_limit));
    rdc_net *made = calloc(1, sizeof *made);
    RDC_RETURN_IF(!made, RDC_ERROR_MEMORY, 0, 0);
    made->count = count;
    made->input_limit = input_limit;
    const rdc_status status = fill(made, layers);
    if (status.error == RDC_OK) *net = made;
    else rdc_net_free(made);
    return status;
}

void rdc_net_free(rdc_net *net) {
    if (!net) return;
    free(net->stages);
    free(net->memory);
    free(net);
}

size_t rdc_net_inputs(const rdc_net *net) {
    return net->stages[0].inputs;
}

size_t rdc_net_outputs(const rdc_net *net) {
    return net->stages[net->count - 1].outputs;
}
