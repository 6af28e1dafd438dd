/* What the numbers of a checkpoint make, whatever they are: exact products, and levels under a grid of scales. */
#include <math.h>
#include <stdlib.h>

#include "inputs.h"
#include "targets.h"

/* ---- Exact products ---- */

#define MOST_INPUTS 12
#define MOST_OUTPUTS 30
#define MOST_TOKENS 12

static double *make_doubles(rng *r, size_t n, int wild) {
    double *made = buffer_take(n * sizeof *made);
    for (size_t i = 0; i < n; i++) made[i] = wild && rng_one_in(r, 16) ? wild_double(r) : (int32_t)rng_below(r, 1 << 12) - (1 << 11);
    return made;
}

static rdc_exact_format make_format(rng *r) {
    rdc_exact_format format = {(int)rng_below(r, 24), (int)rng_below(r, 24), (int)rng_below(r, 40)};
    if (rng_one_in(r, 4)) format.matrix_bits = wild_int32(r, 256);
    if (rng_one_in(r, 4)) format.value_bits = wild_int32(r, -256);
    if (rng_one_in(r, 4)) format.value_range_bits = wild_int32(r, 50);
    return format;
}

/* An exact product is a multiple of the formats' units; only not a number has none. */
static void check_products(const rdc_exact_matrix *matrix, const double *values, size_t tokens, rdc_exact_format format) {
    const check_levels levels = check_levels_here();
    const size_t n = tokens * rdc_exact_matrix_outputs(matrix);
    double *expected = buffer_take(n * sizeof *expected), *got = buffer_take(n * sizeof *got);
    for (size_t k = 0; k < levels.count; k++) {
        check_level(levels.of[k]);
        double *products = k ? got : expected;
        check_that(rdc_exact_multiply(levels.of[k], matrix, values, tokens, products).error == RDC_OK, "there is memory");
        for (size_t i = 0; i < n; i++) {
            const double integer = ldexp(products[i], format.matrix_bits + format.value_bits);
            if (isnan(integer)) check_that(isnan(expected[i]), "every level gives the same products");
            else check_that(products[i] == expected[i] && integer == rint(integer) && fabs(integer) < 0x1p53, "products are exact");
        }
    }
}

static void check_matrix(rng *r) {
    const size_t inputs = rng_below(r, MOST_INPUTS), outputs = rng_below(r, MOST_OUTPUTS), tokens = rng_below(r, MOST_TOKENS);
    const double *integers = make_doubles(r, inputs * outputs, rng_one_in(r, 3));
    const double *values = make_doubles(r, tokens * inputs, rng_one_in(r, 3));
    const rdc_exact_format format = make_format(r);
    rdc_exact_matrix *matrix = NULL;
    const rdc_status status = rdc_exact_matrix_make(&matrix, integers, inputs, outputs, format);
    if (status.error == RDC_OK) check_products(matrix, values, tokens, format);
    else check_that(!matrix, "no matrix is made of what is refused");
    rdc_exact_matrix_free(matrix);
}

/* ---- Levels ---- */

#define MOST_COMPONENTS 12
#define MOST_REACH 5
#define MOST_CANDIDATES 6

/* Levels [tokens, components] and what codes them. */
typedef struct level_case {
    rdc_level_grid grid;
    rdc_scale_costs costs;
    const int32_t *levels, *token_scale;
    size_t tokens, n;
} level_case;

static rdc_level_grid make_grid(rng *r) {
    rdc_level_grid grid = {.components = rng_below(r, MOST_COMPONENTS + 1), .scales = 1 + rng_below(r, 16), .first_table = rng_below(r, 9)};
    int32_t *scale = buffer_take(grid.components * sizeof *scale);
    uint8_t *shape = buffer_take(grid.components);
    const int wild = rng_one_in(r, 2);
    for (size_t i = 0; i < grid.components; i++) {
        scale[i] = wild ? wild_int32(r, 0) : (int32_t)rng_below(r, 16);
        shape[i] = (uint8_t)rng_below(r, rng_one_in(r, 16) ? 256 : 2);
    }
    grid.component_scale = scale;
    grid.component_shape = shape;
    if (rng_one_in(r, 8)) grid.scales = (uint32_t)wild_int32(r, RDC_MAX_TABLES / 2);
    if (rng_one_in(r, 8)) grid.first_table = (uint32_t)wild_int32(r, RDC_MAX_TABLES);
    return grid;
}

static rdc_scale_costs make_costs(rng *r) {
    rdc_scale_costs costs = {.rows = rng_below(r, 70), .cost_levels = 1 + rng_below(r, 9)};
    costs.candidate_count = rng_below(r, MOST_CANDIDATES + 1);
    uint16_t *of_levels = buffer_take(costs.rows * costs.cost_levels * sizeof *of_levels);
    for (size_t i = 0; i < costs.rows * costs.cost_levels; i++) of_levels[i] = (uint16_t)rng_below(r, 256);
    int32_t *candidates = buffer_take(costs.candidate_count * sizeof *candidates);
    for (size_t k = 0; k < costs.candidate_count; k++) {
        const int32_t any = wild_int32(r, 0);
        candidates[k] = k && any < candidates[k - 1] ? candidates[k - 1] : any; /* rising */
    }
    costs.costs = of_levels;
    costs.candidates = candidates;
    if (rng_one_in(r, 16)) costs.cost_levels = rng_one_in(r, 2) ? 0 : (size_t)65537 << rng_below(r, 32);
    return costs;
}

static const int32_t *make_int32s(rng *r, size_t n) {
    int32_t *made = buffer_take(n * sizeof *made);
    const int wild = rng_one_in(r, 2);
    for (size_t i = 0; i < n; i++) made[i] = wild ? wild_int32(r, 0) : (int32_t)rng_below(r, 9) - 4;
    return made;
}

static level_case make_levels(rng *r) {
    level_case made = {.grid = make_grid(r), .costs = make_costs(r), .tokens = rng_below(r, MOST_TOKENS)};
    made.n = made.tokens * made.grid.components;
    made.levels = make_int32s(r, made.n);
    made.token_scale = make_int32s(r, made.tokens);
    return made;
}

/* Symbols and tables of a block, in buffers. */
typedef struct ordered {
    rdc_status status;
    int32_t *symbols;
    uint16_t *index;
} ordered;

static ordered order(const level_case *c, const int32_t *token_scale) {
    ordered made = {.symbols = buffer_take(c->n * sizeof *made.symbols), .index = buffer_take(c->n * sizeof *made.index)};
    made.status = rdc_levels_order(&c->grid, c->levels, token_scale, c->tokens, made.symbols, made.index);
    return made;
}

/* The points of a block's levels are those of the levels that it was made of. */
static void check_points(const level_case *c, const rdc_tables *tables, const ordered *o) {
    const check_levels levels = check_levels_here();
    size_t size;
    const uint8_t *block = encode_block(rdc_rans_kernels_of(RDC_CPU_SCALAR), tables, o->symbols, (rdc_index){o->index, 2}, c->n, 0, &size);
    int64_t *expected = buffer_take(c->n * sizeof *expected), *got = buffer_take(c->n * sizeof *got);
    uint8_t *odd = buffer_take(c->n);
    rdc_trellis_odd_levels(c->levels, c->tokens, c->grid.components, odd);
    for (size_t i = 0; i < c->n; i++) {
        const int64_t sign = (c->levels[i] > 0) - (c->levels[i] < 0);
        expected[i] = 2 * (int64_t)c->levels[i] - (odd[i] ? sign : 0);
    }
    for (size_t k = 0; k < levels.count; k++) {
        check_level(levels.of[k]);
        rdc_block_decoder decoder;
        rdc_status status = rdc_block_open(&decoder, rdc_rans_kernels_of(levels.of[k]), tables, block, size, c->n);
        if (status.error == RDC_OK) status = rdc_levels_decode(&c->grid, &decoder, c->token_scale, c->tokens, got);
        check_that(status.error == RDC_OK && rdc_block_finish(&decoder).error == RDC_OK, "levels are decoded");
        check_same(expected, got, c->n * sizeof *got, "points of levels");
    }
}

static int all_below(const uint16_t *index, size_t n, size_t count) {
    for (size_t i = 0; i < n; i++) {
        if (index[i] >= count) return 0;
    }
    return 1;
}

/* What tables and costs say of a token's levels with a candidate added; no int32 may overflow by it. */
static int cost_with(const level_case *c, size_t token, int32_t candidate, uint64_t *cost) {
    const int64_t scale = (int64_t)c->token_scale[token] + candidate;
    if (scale < INT32_MIN || scale > INT32_MAX) return 0;
    const int32_t token_scale = (int32_t)scale;
    const size_t mark = buffers_mark();
    level_case one = *c;
    one.tokens = 1;
    one.n = c->grid.components;
    one.levels += token * one.n;
    const ordered o = order(&one, &token_scale);
    *cost = 0;
    for (size_t i = 0; i < one.n; i++) {
        const uint64_t magnitude = (uint64_t)llabs((long long)o.symbols[i]), last = c->costs.cost_levels - 1;
        *cost += c->costs.costs[(o.index[i] - c->grid.first_table) * c->costs.cost_levels + (magnitude < last ? magnitude : last)];
    }
    buffers_release(mark);
    return 1;
}

/* No neighbour of what was chosen costs less where the search came from, nor does where it began. */
static void check_choice(const level_case *c, size_t token, int32_t choice) {
    const int32_t *candidates = c->costs.candidates;
    size_t start = 0;
    uint64_t least, other;
    while (start + 1 < c->costs.candidate_count && candidates[start] < 0) start++;
    check_that(choice >= 0 && (size_t)choice < c->costs.candidate_count, "one of the candidates is chosen");
    if (!cost_with(c, token, candidates[choice], &least)) return;
    if (cost_with(c, token, candidates[start], &other)) check_that(least <= other, "a choice costs no more than the start");
    const int goes_down = choice && (size_t)choice <= start, goes_up = (size_t)choice >= start && (size_t)choice + 1 < c->costs.candidate_count;
    if (goes_down && cost_with(c, token, candidates[choice - 1], &other)) check_that(least <= other, "no neighbour below costs less");
    if (goes_up && cost_with(c, token, candidates[choice + 1], &other)) check_that(least <= other, "no neighbour above costs less");
}

static void check_scales(const level_case *c) {
    int32_t *choice = buffer_take(c->tokens * sizeof *choice);
    const rdc_status status = rdc_levels_fit_scale(&c->grid, &c->costs, c->levels, c->token_scale, c->tokens, choice);
    for (size_t t = 0; t < c->tokens && status.error == RDC_OK; t++) check_choice(c, t, choice[t]);
}

/* A count for every level within reach. */
static void check_counts(rng *r, const level_case *c) {
    const uint32_t reach = rng_below(r, MOST_REACH + 1);
    const size_t rows = c->costs.rows, width = 2 * (size_t)reach + 1;
    int64_t *counts = buffer_take(rows * width * sizeof *counts), sum = 0, expected = 0;
    const rdc_status status = rdc_levels_count(&c->grid, c->levels, c->token_scale, c->tokens, reach, rows, counts);
    if (status.error != RDC_OK) return;
    for (size_t i = 0; i < c->n; i++) expected += llabs((long long)c->levels[i]) <= reach;
    for (size_t i = 0; i < rows * width; i++) sum += counts[i];
    check_that(sum == expected, "levels within reach are counted");
}

static void check_level_numbers(rng *r) {
    const level_case c = make_levels(r);
    const ordered o = order(&c, c.token_scale);
    const rdc_tables *tables = gaussian_tables();
    if (o.status.error == RDC_OK && all_below(o.index, c.n, rdc_tables_count(tables))) check_points(&c, tables, &o);
    check_counts(r, &c);
    check_scales(&c);
}

void fuzz_checkpoint(rng *r) {
    check_matrix(r);
    check_level_numbers(r);
}
