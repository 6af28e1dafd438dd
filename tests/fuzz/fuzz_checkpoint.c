/* What the numbers of a checkpoint make, whatever they are: exact products, and the tables of levels under a grid of scales. */
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
#define MOST_ROWS 70

/* Levels [tokens, components] and what says which tables code them. */
typedef struct level_case {
    rdc_level_grid grid;
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

static const int32_t *make_int32s(rng *r, size_t n) {
    int32_t *made = buffer_take(n * sizeof *made);
    const int wild = rng_one_in(r, 2);
    for (size_t i = 0; i < n; i++) made[i] = wild ? wild_int32(r, 0) : (int32_t)rng_below(r, 9) - 4;
    return made;
}

static level_case make_levels(rng *r) {
    level_case made = {.grid = make_grid(r), .tokens = rng_below(r, MOST_TOKENS)};
    made.n = made.tokens * made.grid.components;
    made.levels = make_int32s(r, made.n);
    made.token_scale = make_int32s(r, made.tokens);
    return made;
}

/* A count for every level within reach. */
static void check_counts(rng *r, const level_case *c) {
    const uint32_t reach = rng_below(r, MOST_REACH + 1);
    const size_t rows = rng_below(r, MOST_ROWS), width = 2 * (size_t)reach + 1;
    int64_t *counts = buffer_take(rows * width * sizeof *counts), sum = 0, expected = 0;
    const rdc_status status = rdc_levels_count(&c->grid, c->levels, c->token_scale, c->tokens, reach, rows, counts);
    if (status.error != RDC_OK) return;
    for (size_t i = 0; i < c->n; i++) expected += llabs((long long)c->levels[i]) <= reach;
    for (size_t i = 0; i < rows * width; i++) sum += counts[i];
    check_that(sum == expected, "levels within reach are counted");
}

static void check_level_numbers(rng *r) {
    const level_case c = make_levels(r);
    check_counts(r, &c);
}

void fuzz_checkpoint(rng *r) {
    check_matrix(r);
    check_level_numbers(r);
}
