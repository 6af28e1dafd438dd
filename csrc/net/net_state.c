/* What networks remember of earlier tokens. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "net/net.h"

void rdc_net_state_free(rdc_net_state *state) {
    if (!state) return;
    free(state->windows);
    free(state->rows);
    free(state->sums);
    free(state);
}

/* What stands before the first token. The rest of a window, and the rows, are written before they are read. */
static void clear_past(rdc_net_state *state) {
    int16_t *window = state->windows;
    for (size_t k = 0; k < state->net->count; k++) {
        const rdc_net_stage *stage = &state->net->stages[k];
        memset(window, 0, stage->past * stage->inputs * sizeof *window);
        window += rdc_net_window(stage);
    }
}

rdc_status rdc_net_state_make(rdc_net_state **state, const rdc_net *net) {
    rdc_net_state *made = calloc(1, sizeof *made);
    *state = NULL;
    RDC_RETURN_IF(!made, RDC_ERROR_MEMORY, 0, 0);
    made->net = net;
    made->windows = malloc(net->history * sizeof *made->windows);
    made->rows = malloc(RDC_NET_CHUNK * net->widest_row * sizeof *made->rows);
    made->sums = malloc(RDC_NET_CHUNK * net->most_rows * sizeof *made->sums);
    if (made->windows && made->rows && made->sums) {
        clear_past(made);
        *state = made;
        return rdc_ok();
    }
    rdc_net_state_free(made);
    return rdc_fail(RDC_ERROR_MEMORY, 0, 0);
}

rdc_status rdc_net_state_copy(rdc_net_state **copy, const rdc_net_state *state) {
    RDC_FORWARD_IF_ERROR(rdc_net_state_make(copy, state->net));
    for (size_t k = 0, at = 0; k < state->net->count; k++) {
        const rdc_net_stage *stage = &state->net->stages[k];
        memcpy((*copy)->windows + at, state->windows + at, stage->past * stage->inputs * sizeof *state->windows);
        at += rdc_net_window(stage);
    }
    return rdc_ok();
}

/* Of a window, only what lies before the next token counts. */
size_t rdc_net_state_size(const rdc_net *net) {
    size_t size = 0;
    for (size_t k = 0; k < net->count; k++) size += net->stages[k].past * net->stages[k].inputs;
    return size;
}

void rdc_net_state_save(const rdc_net_state *state, int16_t *to) {
    const int16_t *window = state->windows;
    for (size_t k = 0; k < state->net->count; k++) {
        const rdc_net_stage *stage = &state->net->stages[k];
        const size_t past = stage->past * stage->inputs;
        if (past) { /* nothing may lie at no address */
            memcpy(to, window, past * sizeof *to);
            to += past;
        }
        window += rdc_net_window(stage);
    }
}

void rdc_net_state_restore(rdc_net_state *state, const int16_t *saved) {
    int16_t *window = state->windows;
    for (size_t k = 0; k < state->net->count; k++) {
        const rdc_net_stage *stage = &state->net->stages[k];
        const size_t past = stage->past * stage->inputs;
        if (past) {
            memcpy(window, saved, past * sizeof *saved);
            saved += past;
        }
        window += rdc_net_window(stage);
    }
}

typedef struct value_range {
    int32_t lowest, highest;
} value_range;

/* What a stage puts out, or zero, which stands before the first token. */
static value_range range_of_outputs(const rdc_net_stage *stage) {
    value_range range = {0, 0};
    const int32_t entries = stage->table ? stage->highest - stage->lowest + 1 : 2;
    const int16_t ends[2] = {(int16_t)stage->lowest, (int16_t)stage->highest}, *values = stage->table ? stage->table : ends;
    for (int32_t i = 0; i < entries; i++) {
        if (values[i] < range.lowest) range.lowest = values[i];
        if (values[i] > range.highest) range.highest = values[i];
    }
    return range;
}

rdc_status rdc_net_state_check(const rdc_net *net, const int16_t *saved) {
    value_range range = {-net->input_limit, net->input_limit};
    size_t at = 0;
    for (size_t k = 0; k < net->count; k++) {
        const rdc_net_stage *stage = &net->stages[k];
        for (const size_t end = at + stage->past * stage->inputs; at < end; at++) {
            RDC_RETURN_IF(saved[at] < range.lowest || saved[at] > range.highest, RDC_ERROR_NET_STATE, at, saved[at]);
        }
        range = range_of_outputs(stage);
    }
    return rdc_ok();
}
