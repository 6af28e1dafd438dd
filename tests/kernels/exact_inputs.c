#include "exact_inputs.h"

#include <math.h>

#define MOST_INPUTS 130
#define MOST_OUTPUTS 60
#define MOST_TOKENS 150

static int64_t between(rng *r, int64_t most) {
    const uint64_t high = rng_next(r), any = high << 32 | rng_next(r);
    return (int64_t)(any % (2 * (uint64_t)most + 1)) - most;
}

/* Of magnitudes up to `most`, which is often reached. */
static int64_t *make_integers(rng *r, size_t n, int64_t most) {
    int64_t *integers = buffer_take(n * sizeof *integers);
    const uint32_t extremes = 1 + rng_below(r, 4);
    for (size_t i = 0; i < n; i++) {
        const int extreme = rng_one_in(r, extremes), negative = rng_one_in(r, 2);
        integers[i] = !extreme ? between(r, most) : negative ? -most : most;
    }
    return integers;
}

/* Of states: nearly all have 15 bits, which products have shorter ways for. */
static void make_most_small(rng *r, size_t n, int64_t *quarters) {
    for (size_t i = 0; i < n; i++) {
        if (!rng_one_in(r, 40)) quarters[i] %= 4 << 15;
    }
}

/* In quarters of what they are rounded to. */
static int64_t rounded(int64_t quarters, int64_t limit) {
    const int64_t x = (int64_t)nearbyint((double)quarters / 4);
    return x < -limit ? -limit : x > limit ? limit : x;
}

static const int64_t *multiply(const int64_t *quarters, int64_t limit, const int64_t *integers, size_t tokens, size_t inputs,
                               size_t outputs) {
    int64_t *products = buffer_take(tokens * outputs * sizeof *products);
    for (size_t t = 0; t < tokens; t++) {
        for (size_t o = 0; o < outputs; o++) {
            int64_t sum = 0;
            for (size_t i = 0; i < inputs; i++) sum += rounded(quarters[t * inputs + i], limit) * integers[i * outputs + o];
            products[t * outputs + o] = sum;
        }
    }
    return products;
}

static const double *as_doubles(const int64_t *integers, size_t n, double unit) {
    double *values = buffer_take(n * sizeof *values);
    for (size_t i = 0; i < n; i++) values[i] = (double)integers[i] * unit;
    return values;
}

exact_product make_exact_product(rng *r) {
    const size_t inputs = 1 + rng_count(r, MOST_INPUTS, 8), outputs = 1 + rng_count(r, MOST_OUTPUTS, 24);
    exact_product made = {.tokens = rng_count(r, MOST_TOKENS, 8), .outputs = outputs};
    rdc_exact_format format = {.value_range_bits = (int)(10 + rng_below(r, 30))}; /* within 22 bits, 32 bits and beyond */
    format.matrix_bits = (int)rng_below(r, 20);
    format.value_bits = (int)rng_below(r, 20);
    const int64_t limit = (int64_t)1 << format.value_range_bits;
    const int64_t most = (((int64_t)1 << 53) / limit - 1) / (int64_t)inputs;
    const int64_t bound = rng_one_in(r, 2) ? INT16_MAX : INT32_MAX; /* short ones have kernels of their own */
    const int64_t *integers = make_integers(r, inputs * outputs, most < bound ? most : bound);
    int64_t *quarters = make_integers(r, made.tokens * inputs, 4 * limit + 8);
    if (rng_one_in(r, 2)) make_most_small(r, made.tokens * inputs, quarters);
    made.values = as_doubles(quarters, made.tokens * inputs, ldexp(0.25, -format.value_bits));
    made.expected = multiply(quarters, limit, integers, made.tokens, inputs, outputs);
    made.unit = ldexp(1, -format.matrix_bits - format.value_bits);
    const double *matrix = as_doubles(integers, inputs * outputs, 1);
    check_that(rdc_exact_matrix_make(&made.matrix, matrix, inputs, outputs, format).error == RDC_OK, "no sum needs more than 53 bits");
    return made;
}

#define MOST_BLOCK_CHANNELS 60

/* What a stage makes of values [tokens, channels]: sums in integers, and the values that they are multiples of a unit of. */
static const int64_t *multiply_stage(rdc_exact_shape shape, const int16_t *integers, rdc_exact_format format, size_t stride, size_t tokens,
                                     double *values) {
    const size_t channels = shape.channels, blocks = channels / stride;
    const double limit = ldexp(1, format.value_range_bits);
    int64_t *sums = buffer_take(tokens * channels * sizeof *sums);
    for (size_t t = 0; t < tokens; t++, values += channels) {
        int64_t *of = sums + t * channels;
        for (size_t o = 0; o < channels; o++) {
            of[o] = 0;
            for (size_t i = 0; i < shape.width; i++) {
                const size_t row = o / shape.width * shape.width + i, from = row % blocks * stride + row / blocks;
                const double x = nearbyint(ldexp(values[from], format.value_bits));
                of[o] += (int64_t)(x > limit ? limit : x < -limit ? -limit : x) * integers[row * shape.width + o % shape.width];
            }
        }
        for (size_t o = 0; o < channels; o++) values[o] = ldexp((double)of[o], -format.matrix_bits - format.value_bits);
    }
    return sums;
}

static size_t divisor(rng *r, size_t n) {
    size_t d = 1 + rng_below(r, (uint32_t)n);
    while (n % d) d--;
    return d;
}

exact_product make_block_product(rng *r) {
    const size_t channels = 1 + rng_below(r, MOST_BLOCK_CHANNELS), tokens = rng_count(r, MOST_TOKENS / 2, 8);
    rdc_exact_shape shape = {.channels = channels, .stages = 1 + rng_below(r, 3)};
    shape.width = divisor(r, channels);
    shape.stride = divisor(r, channels);
    exact_product made = {.tokens = tokens, .outputs = channels};
    rdc_exact_format formats[3];
    for (size_t s = 0; s < 3; s++) {
        formats[s].matrix_bits = (int)rng_below(r, 20);
        formats[s].value_bits = (int)rng_below(r, 20);
        formats[s].value_range_bits = (int)rng_below(r, 23);
    }
    const size_t size = channels * shape.width;
    int16_t *integers = buffer_take(shape.stages * size * sizeof *integers);
    const int64_t *wide = make_integers(r, shape.stages * size, INT16_MAX);
    for (size_t i = 0; i < shape.stages * size; i++) integers[i] = (int16_t)wide[i];
    const int64_t *quarters = make_integers(r, tokens * channels, 4 * ((int64_t)1 << formats[0].value_range_bits) + 8);
    made.values = as_doubles(quarters, tokens * channels, ldexp(0.25, -formats[0].value_bits));
    double *values = buffer_take(tokens * channels * sizeof *values);
    for (size_t i = 0; i < tokens * channels; i++) values[i] = made.values[i];
    for (size_t s = 0; s < shape.stages; s++) {
        made.expected = multiply_stage(shape, integers + s * size, formats[s], s ? shape.stride : 1, tokens, values);
        made.unit = ldexp(1, -formats[s].matrix_bits - formats[s].value_bits);
    }
    check_that(rdc_exact_blocks_make(&made.matrix, integers, shape, formats).error == RDC_OK, "blocks can be made");
    return made;
}
