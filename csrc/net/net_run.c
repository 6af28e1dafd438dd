/* Runs networks over tokens. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/threads.h"
#include "net/activation.h"

#define PANEL_ROWS 128 /* a multiple of RDC_MATRIX_ROWS */

/* Each token's inputs side by side: its own, then those that lie `dilation` tokens further back, and so on. */
static void gather_rows(const rdc_net_stage *stage, const int16_t *window, size_t tokens, int16_t *rows) {
    const size_t columns = stage->taps * stage->inputs;
    for (size_t t = 0; t < tokens; t++) {
        int16_t *row = rows + t * stage->matrix.columns;
        for (size_t tap = 0; tap < stage->taps; tap++) {
            const size_t token = stage->past + t - tap * stage->dilation;
            memcpy(row + tap * stage->inputs, window + token * stage->inputs, stage->inputs * sizeof *row);
        }
        memset(row + columns, 0, (stage->matrix.columns - columns) * sizeof *row);
    }
}

static void clip_inputs(int32_t limit, const int16_t *x, size_t n, int16_t *to) {
    for (size_t i = 0; i < n; i++) {
        const int32_t value = x[i];
        to[i] = (int16_t)(value < -limit ? -limit : value > limit ? limit : value);
    }
}

/* At most RDC_NET_CHUNK tokens. */
static void run_chunk(rdc_cpu_level cpu, rdc_net_state *state, const int16_t *x, size_t tokens, int16_t *out) {
    rdc_matrix_kernel *multiply = rdc_matrix_kernel_of(cpu);
    rdc_activation *activate = rdc_activation_of(cpu);
    const rdc_net *net = state->net;
    int16_t *window = state->windows;
    clip_inputs(net->input_limit, x, tokens * net->stages[0].inputs, window + net->stages[0].past * net->stages[0].inputs);
    for (size_t k = 0; k < net->count; k++) {
        const rdc_net_stage *stage = &net->stages[k];
        int16_t *const above = window + rdc_net_window(stage);
        gather_rows(stage, window, tokens, state->rows);
        multiply(&stage->matrix, state->rows, tokens, state->sums);
        activate(stage, state->sums, tokens, k + 1 < net->count ? above + stage[1].past * stage[1].inputs : out);
        memmove(window, window + tokens * stage->inputs, stage->past * stage->inputs * sizeof *window);
        window = above;
    }
}

void rdc_net_run(rdc_cpu_level cpu, rdc_net_state *state, const int16_t *x, size_t tokens, int16_t *out) {
    const size_t inputs = rdc_net_inputs(state->net), outputs = rdc_net_outputs(state->net);
    for (size_t t = 0; t < tokens; t += RDC_NET_CHUNK) {
        const size_t n = tokens - t < RDC_NET_CHUNK ? tokens - t : RDC_NET_CHUNK;
        run_chunk(cpu, state, x + t * inputs, n, out + t * outputs);
    }
}

static int remembers(const rdc_net *net) {
    for (size_t k = 0; k < net->count; k++) {
        if (net->stages[k].past) return 1;
    }
    return 0;
}

/* Greatest sums so far of a chunk's tokens, and their rows. */
typedef struct best_rows {
    int32_t *row;
    int32_t sum[RDC_NET_CHUNK];
} best_rows;

/* Of the rows of a panel, which begin with row `first`; sums of tokens lie `stride` apart. */
static void compare_panel(const rdc_net_stage *stage, size_t first, size_t rows, const int32_t *sums, size_t stride,
                          size_t tokens, best_rows *best) {
    int32_t bias[PANEL_ROWS];
    for (size_t r = 0; r < rows; r++) bias[r] = stage->bias[first + r] - rdc_net_half(stage->shift[first + r]);
    for (size_t t = 0; t < tokens; t++, sums += stride) {
        int32_t most = sums[0] + bias[0];
        for (size_t r = 1; r < rows; r++) most = sums[r] + bias[r] > most ? sums[r] + bias[r] : most;
        if (first > 0 && most <= best->sum[t]) continue; /* the first among equals */
        size_t row = 0;
        while (sums[row] + bias[row] != most) row++;
        best->sum[t] = most;
        best->row[t] = (int32_t)(first + row);
    }
}

/* Some rows at a time: the sums of all would not stay in the cache. */
static void find_best_rows(rdc_matrix_kernel *multiply, rdc_net_state *state, const int16_t *x, size_t tokens, int32_t *rows) {
    const rdc_net_stage *stage = state->net->stages;
    const rdc_matrix *m = &stage->matrix;
    best_rows best = {.row = rows};
    clip_inputs(state->net->input_limit, x, tokens * stage->inputs, state->windows);
    gather_rows(stage, state->windows, tokens, state->rows);
    for (size_t first = 0; first < stage->outputs; first += PANEL_ROWS) {
        const rdc_matrix panel = {
            .weights = (const uint8_t *)m->weights + first * m->columns * (m->wide ? 2 : 1),
            .rows = m->rows - first < PANEL_ROWS ? m->rows - first : PANEL_ROWS, .columns = m->columns, .wide = m->wide,
        };
        const size_t left = stage->outputs - first, compared = left < panel.rows ? left : panel.rows; /* without padding */
        multiply(&panel, state->rows, tokens, state->sums);
        compare_panel(stage, first, compared, state->sums, panel.rows, tokens, &best);
    }
}

/* A chunk of tokens that do not know of each other; `out` or `best` is NULL. */
static void apply_chunk(rdc_cpu_level cpu, rdc_net_state *state, const int16_t *x, size_t tokens, int16_t *out, int32_t *best) {
    if (out) run_chunk(cpu, state, x, tokens, out);
    else find_best_rows(rdc_matrix_kernel_of(cpu), state, x, tokens, best);
}

static void free_states(rdc_net_state **states, size_t count) {
    for (size_t k = 0; k < count; k++) rdc_net_state_free(states[k]);
    free(states);
}

/* One for each of `count` threads. Errors: RDC_ERROR_MEMORY. */
static rdc_status make_states(rdc_net_state ***states, const rdc_net *net, size_t count) {
    rdc_net_state **made = calloc(count, sizeof *made);
    rdc_status status = made ? rdc_ok() : rdc_fail(RDC_ERROR_MEMORY, 0, 0);
    for (size_t k = 0; k < count && status.error == RDC_OK; k++) status = rdc_net_state_make(&made[k], net);
    if (status.error == RDC_OK) *states = made;
    else if (made) free_states(made, count);
    return status;
}

/* Tokens that do not know of each other, shared out among threads. All memory is taken before anything is written. */
static rdc_status apply(rdc_cpu_level cpu, const rdc_net *net, const int16_t *x, size_t tokens, int16_t *out, int32_t *best) {
    RDC_RETURN_IF(remembers(net), RDC_ERROR_NET_MEMORY, 0, 0);
    RDC_RETURN_IF(best && net->count > 1, RDC_ERROR_NET_LAYERS, 0, net->count);
    const size_t inputs = rdc_net_inputs(net), outputs = rdc_net_outputs(net);
    const int threads = rdc_threads_for(tokens);
    /* as many chunks as threads at least, so that all have work */
    size_t chunk = (tokens + (size_t)threads - 1) / (size_t)threads;
    chunk = chunk > RDC_NET_CHUNK ? RDC_NET_CHUNK : chunk ? chunk : 1;
    rdc_net_state **states = NULL;
    RDC_FORWARD_IF_ERROR(make_states(&states, net, (size_t)threads));
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(static)
#endif
    for (int64_t t = 0; t < (int64_t)tokens; t += (int64_t)chunk) {
        const size_t at = (size_t)t, n = tokens - at < chunk ? tokens - at : chunk;
        rdc_net_state *state = states[rdc_thread_number()];
        apply_chunk(cpu, state, x + at * inputs, n, out ? out + at * outputs : NULL, best ? best + at : NULL);
    }
    free_states(states, (size_t)threads);
    return rdc_ok();
}

rdc_status rdc_net_apply(rdc_cpu_level cpu, const rdc_net *net, const int16_t *x, size_t tokens, int16_t *out) {
    return apply(cpu, net, x, tokens, out, NULL);
}

rdc_status rdc_net_best_row(rdc_cpu_level cpu, const rdc_net *net, const int16_t *x, size_t tokens, int32_t *rows) {
    return apply(cpu, net, x, tokens, NULL, rows);
}
