/* Stages of blocks on the diagonal. A stage rounds its values and cuts them in two, as products of pairs of 16 bits take them; a block
 * meets all tokens of a tile while it is in the cache, so that one kernel does for one token and for many. */
#include "dense/exact_blocks.h"

#include <math.h>
#include <stdlib.h>

#include "base/rounding.h"
#include "base/status.h"
#include "dense/exact_pairs.h"

typedef struct stage {
    double value_scale, limit, product_scale;
    const int16_t *pairs; /* [blocks, panels, pairs, RDC_DENSE_COLUMNS, 2]: zeros behind the last output and an odd last input */
} stage;

struct rdc_exact_blocks {
    rdc_exact_shape shape;
    stage *stages;
    void *memory;
};

static size_t divided_up(size_t n, size_t by) {
    return n / by + (n % by != 0);
}

static size_t pairs_of(const rdc_exact_blocks *b) {
    return divided_up(b->shape.width, 2);
}

static size_t panels_of(const rdc_exact_blocks *b) {
    return divided_up(b->shape.width, RDC_DENSE_COLUMNS);
}

static size_t count_of(const rdc_exact_blocks *b) {
    return b->shape.channels / b->shape.width;
}

/* Numbers of 16 bits that a panel has, and a stage. */
static size_t panel_size(const rdc_exact_blocks *b) {
    return pairs_of(b) * RDC_PAIR_COLUMNS;
}

static size_t stage_size(const rdc_exact_blocks *b) {
    return count_of(b) * panels_of(b) * panel_size(b);
}

static void pack_stage(const rdc_exact_blocks *b, const int16_t *integers, int16_t *packed) {
    const size_t width = b->shape.width, columns = panels_of(b) * RDC_DENSE_COLUMNS;
    for (size_t i = 0; i < count_of(b) * 2 * pairs_of(b); i++) {
        const size_t block = i / (2 * pairs_of(b)), row = i % (2 * pairs_of(b));
        for (size_t o = 0; o < columns; o++) {
            const size_t panel = block * panels_of(b) + o / RDC_DENSE_COLUMNS;
            packed[panel * panel_size(b) + row / 2 * RDC_PAIR_COLUMNS + 2 * (o % RDC_DENSE_COLUMNS) + row % 2] =
                row < width && o < width ? integers[(block * width + row) * width + o] : 0;
        }
    }
}

rdc_status rdc_exact_blocks_pack(rdc_exact_blocks **blocks, const int16_t *integers, rdc_exact_shape shape,
                                 const rdc_exact_format *formats) {
    rdc_exact_blocks *made = calloc(1, sizeof *made);
    *blocks = NULL;
    RDC_RETURN_IF(!made, RDC_ERROR_MEMORY, 0, 0);
    made->shape = shape;
    made->stages = malloc(shape.stages * sizeof *made->stages);
    made->memory = malloc(shape.stages * stage_size(made) * sizeof *integers + RDC_ALIGNMENT);
    if (!made->stages || !made->memory) {
        rdc_exact_blocks_free(made);
        return rdc_fail(RDC_ERROR_MEMORY, 0, 0);
    }
    int16_t *packed = rdc_aligned(made->memory);
    for (size_t s = 0; s < shape.stages; s++, packed += stage_size(made), integers += shape.channels * shape.width) {
        pack_stage(made, integers, packed);
        made->stages[s] = (stage){ldexp(1, formats[s].value_bits), ldexp(1, formats[s].value_range_bits),
                                  ldexp(1, -formats[s].matrix_bits - formats[s].value_bits), packed};
    }
    *blocks = made;
    return rdc_ok();
}

void rdc_exact_blocks_free(rdc_exact_blocks *blocks) {
    if (!blocks) return;
    free(blocks->stages);
    free(blocks->memory);
    free(blocks);
}

/* What a tile of tokens works in. */
typedef struct room {
    double *values;      /* [tokens, channels], between stages */
    int32_t *integers;   /* [channels], of one token */
    int16_t *high, *low; /* [tokens, blocks, 2 * pairs] */
} room;

static room lay_out(const rdc_exact_blocks *b, size_t tokens, double *work) {
    const size_t n = tokens * b->shape.channels, halves = tokens * count_of(b) * 2 * pairs_of(b);
    room r = {.values = work, .integers = (int32_t *)(void *)(work + n)};
    r.high = (int16_t *)(void *)(r.integers + b->shape.channels);
    r.low = r.high + halves;
    return r;
}

size_t rdc_exact_blocks_room(const rdc_exact_blocks *b, size_t tokens) {
    const size_t n = tokens * b->shape.channels, halves = tokens * count_of(b) * 2 * pairs_of(b);
    return n * sizeof(double) + b->shape.channels * sizeof(int32_t) + 2 * halves * sizeof(int16_t);
}

/* A token's values as integers, every stride-th of them after the other, in halves. */
static void split_token(const rdc_exact_blocks *b, const stage *s, size_t stride, const double *values, const room *r, size_t token) {
    const size_t channels = b->shape.channels, width = b->shape.width, step = 2 * pairs_of(b);
    int16_t *high = r->high + token * count_of(b) * step, *low = r->low + token * count_of(b) * step;
    for (size_t i = 0; i < channels; i++) r->integers[i] = (int32_t)rdc_rounded_within(values[i] * s->value_scale, s->limit);
    size_t from = 0, first = 0;
    for (size_t block = 0; block < count_of(b); block++, high += step, low += step) {
        for (size_t i = 0; i < width; i++) {
            rdc_pair_cut(r->integers[from], &high[i], &low[i]);
            from += stride;
            if (from >= channels) from = ++first;
        }
        if (width % 2) high[width] = low[width] = 0;
    }
}

/* A block times all tokens. */
static void multiply_block(rdc_exact_pair_kernel *kernel, const rdc_exact_blocks *b, const stage *s, size_t block, const room *r,
                           size_t tokens, double *products) {
    const size_t width = b->shape.width, step = 2 * pairs_of(b);
    for (size_t panel = 0; panel < panels_of(b); panel++) {
        const int16_t *pairs = s->pairs + (block * panels_of(b) + panel) * panel_size(b);
        const size_t first = panel * RDC_DENSE_COLUMNS, left = width - first, columns = left < RDC_DENSE_COLUMNS ? left : RDC_DENSE_COLUMNS;
        for (size_t t = 0; t < tokens; t++) {
            _Alignas(RDC_ALIGNMENT) int64_t sums[RDC_DENSE_COLUMNS];
            const size_t at = (t * count_of(b) + block) * step;
            kernel(r->high + at, r->low + at, pairs, pairs_of(b), sums);
            double *const to = products + t * b->shape.channels + block * width + first;
            for (size_t o = 0; o < columns; o++) to[o] = (double)sums[o] * s->product_scale;
        }
    }
}

void rdc_exact_blocks_multiply(rdc_cpu_level cpu, const rdc_exact_blocks *b, const double *values, size_t tokens, void *work,
                               double *products) {
    const room r = lay_out(b, tokens, work);
    for (size_t s = 0; s < b->shape.stages; s++) {
        const stage *of = &b->stages[s];
        double *to = s + 1 < b->shape.stages ? r.values : products;
        const size_t stride = s ? b->shape.stride : 1;
        for (size_t t = 0; t < tokens; t++) split_token(b, of, stride, values + t * b->shape.channels, &r, t);
        for (size_t block = 0; block < count_of(b); block++) multiply_block(rdc_exact_pair_kernel_of(cpu), b, of, block, &r, tokens, to);
        values = to;
    }
}
