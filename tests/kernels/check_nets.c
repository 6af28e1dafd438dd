/* Integer networks: products of every level beside the scalar ones, and whole networks, however tokens are cut into calls. */
#include <stdlib.h>

#include "groups.h"
#include "net_inputs.h"
#include "net/matrix_kernels.h"

#define MOST_ROWS 160
#define MOST_COLUMNS 320
#define MOST_TOKENS 150

/* ---- Products ---- */

/* Weights and inputs of which no sum leaves 32 bits, but some nearly do. */
typedef struct products {
    rdc_matrix matrix;
    const int16_t *x;
    size_t tokens;
} products;

/* Weights [rows, columns] as the kernels have them. */
static const void *packed(const rdc_matrix *m, const int16_t *weights) {
    int8_t *narrow = buffer_take(m->wide ? 0 : m->rows * m->columns);
    int16_t *wide = buffer_take(m->wide ? m->rows * m->columns * sizeof *wide : 0);
    for (size_t i = 0; i < m->rows * m->columns; i++) {
        const size_t place = rdc_matrix_place(m->columns, i / m->columns, i % m->columns);
        if (m->wide) wide[place] = weights[i];
        else narrow[place] = (int8_t)weights[i];
    }
    return m->wide ? (const void *)wide : narrow;
}

static products make_products(rng *r) {
    products made = {.matrix = {.wide = rng_one_in(r, 2)}, .tokens = rng_count(r, MOST_TOKENS, 4)};
    rdc_matrix *m = &made.matrix;
    m->rows = RDC_MATRIX_ROWS * (1 + rng_below(r, MOST_ROWS / RDC_MATRIX_ROWS));
    m->columns = RDC_MATRIX_COLUMNS * (1 + rng_below(r, MOST_COLUMNS / RDC_MATRIX_COLUMNS));
    const int16_t *weights = make_weights(r, m->rows, m->columns, m->wide);
    m->weights = packed(m, weights);
    const int64_t most = INT32_MAX / (1 + largest_row(weights, m->rows, m->columns));
    made.x = make_values(r, made.tokens * m->columns, most > INT16_MAX ? INT16_MAX + 1 : (int32_t)most);
    return made;
}

static const int32_t *multiply(rdc_matrix_kernel *kernel, const products *p) {
    int32_t *sums = buffer_take(p->tokens * p->matrix.rows * sizeof *sums);
    kernel(&p->matrix, p->x, p->tokens, sums);
    return sums;
}

void check_net_products(rng *r) {
    const check_levels levels = check_levels_here();
    const size_t mark = buffers_mark();
    const products p = make_products(r);
    const int32_t *expected = multiply(rdc_matrix_kernel_of(RDC_CPU_SCALAR), &p);
    for (size_t k = 1; k < levels.count; k++) {
        rdc_matrix_kernel *kernel = rdc_matrix_kernel_of(levels.of[k]);
        if (kernel == rdc_matrix_kernel_of(levels.of[k - 1])) continue;
        const size_t inner_mark = buffers_mark();
        check_level(levels.of[k]);
        check_same(expected, multiply(kernel, &p), p.tokens * p.matrix.rows * sizeof *expected, "products");
        buffers_release(inner_mark);
    }
    buffers_release(mark);
}

/* ---- Networks ---- */

static rdc_net_state *make_state(const rdc_net *net) {
    rdc_net_state *state = NULL;
    check_that(rdc_net_state_make(&state, net).error == RDC_OK, "there is memory");
    return state;
}

/* Goes on in a copy of a state, or in a new one that takes over what it remembers. */
static rdc_net_state *move_state(rng *r, const rdc_net *net, rdc_net_state *state) {
    rdc_net_state *moved = NULL;
    if (rng_one_in(r, 2)) {
        check_that(rdc_net_state_copy(&moved, state).error == RDC_OK, "there is memory");
    } else {
        const size_t mark = buffers_mark();
        int16_t *memory = buffer_take(rdc_net_state_size(net) * sizeof *memory);
        moved = make_state(net);
        rdc_net_state_save(state, memory);
        check_that(rdc_net_state_check(net, memory).error == RDC_OK, "what a state remembers is what its network can remember");
        rdc_net_state_restore(moved, memory);
        buffers_release(mark);
    }
    rdc_net_state_free(state);
    return moved;
}

/* In calls of few tokens or many, which are the same for the same numbers. */
static const int16_t *run_in_parts(rdc_cpu_level level, const rdc_net *net, rng r, const int16_t *x, size_t tokens) {
    const size_t inputs = rdc_net_inputs(net), outputs = rdc_net_outputs(net);
    int16_t *out = buffer_take(tokens * outputs * sizeof *out);
    rdc_net_state *state = make_state(net);
    for (size_t t = 0, part; t < tokens; t += part) {
        part = rng_below(&r, rng_one_in(&r, 2) ? 4 : MOST_TOKENS);
        if (part > tokens - t) part = tokens - t;
        rdc_net_run(level, state, x + t * inputs, part, out + t * outputs);
        if (rng_one_in(&r, 4)) state = move_state(&r, net, state);
    }
    rdc_net_state_free(state);
    return out;
}

static const int16_t *apply(rdc_cpu_level level, const rdc_net *net, const int16_t *x, size_t tokens) {
    int16_t *out = buffer_take(tokens * rdc_net_outputs(net) * sizeof *out);
    check_that(rdc_net_apply(level, net, x, tokens, out).error == RDC_OK, "a network without context can be applied");
    return out;
}

static const int32_t *best_rows(rdc_cpu_level level, const rdc_net *net, const int16_t *x, size_t tokens) {
    int32_t *rows = buffer_take(tokens * sizeof *rows);
    check_that(rdc_net_best_row(level, net, x, tokens, rows).error == RDC_OK, "the best rows of one layer can be found");
    return rows;
}

static void check_level_on_net(rdc_cpu_level level, const network *n, rng r, const int16_t *x, size_t tokens,
                               const int16_t *expected) {
    const size_t mark = buffers_mark(), size = tokens * rdc_net_outputs(n->net) * sizeof *expected;
    check_level(level);
    check_same(expected, run_in_parts(level, n->net, r, x, tokens), size, "outputs of parts");
    if (!n->uses_context) check_same(expected, apply(level, n->net, x, tokens), size, "outputs of tokens on their own");
    if (!n->uses_context && n->count == 1) {
        const int32_t *rows = best_rows(RDC_CPU_SCALAR, n->net, x, tokens);
        check_same(rows, best_rows(level, n->net, x, tokens), tokens * sizeof *rows, "rows of the greatest sums");
    }
    buffers_release(mark);
}

void check_network(rng *r, const network *n) {
    const check_levels levels = check_levels_here();
    const size_t mark = buffers_mark(), tokens = rng_count(r, MOST_TOKENS, 64);
    const int16_t *x = make_values(r, tokens * rdc_net_inputs(n->net), INT16_MAX + 1);
    int16_t *expected = buffer_take(tokens * rdc_net_outputs(n->net) * sizeof *expected);
    rdc_net_state *state = make_state(n->net);
    rdc_net_run(RDC_CPU_SCALAR, state, x, tokens, expected);
    rdc_net_state_free(state);
    for (size_t k = 0; k < levels.count; k++) check_level_on_net(levels.of[k], n, *r, x, tokens, expected);
    buffers_release(mark);
}

void check_nets(rng *r) {
    const size_t mark = buffers_mark();
    const network n = make_network(r);
    check_network(r, &n);
    rdc_net_free(n.net);
    buffers_release(mark);
}
