/* Products of tiles of tokens: all of it is compiled once a class of CPUs. */
#include <string.h>

#include "base/aligned.h"
#include "base/cpu.h"
#include "base/rounding.h"
#include "dense/exact_pairs.h"
#include "dense/exact_tiles.h"

#define TILE_SIZE (RDC_DENSE_ROWS * RDC_DENSE_COLUMNS)

/* Halves of the values of a tile's tokens. */
typedef struct tile_half {
    int32_t *values;       /* pairs [pairs, RDC_DENSE_ROWS] */
    const uint32_t *which; /* pairs that they are of, rising */
    uint32_t *ends[2];     /* where the runs of each part end among these */
} tile_half;

typedef struct tile {
    tile_half low, high;
    uint32_t *which; /* of high */
} tile;

typedef struct room {
    int32_t *row;         /* [2 * pairs] of a token */
    int32_t *integers[2]; /* pairs [pairs, RDC_DENSE_COLUMNS] of a panel */
    uint8_t *tiles;
} room;

static size_t half_size(const rdc_exact_matrix *m) {
    return rdc_aligned_size(RDC_DENSE_ROWS * rdc_exact_pairs_of(m) * sizeof(int32_t));
}

static size_t list_size(const rdc_exact_matrix *m) {
    return rdc_aligned_size(rdc_exact_pairs_of(m) * sizeof(uint32_t));
}

static size_t panel_size(const rdc_exact_matrix *m) {
    return rdc_aligned_size(RDC_DENSE_COLUMNS * rdc_exact_pairs_of(m) * sizeof(int32_t));
}

static size_t row_size(const rdc_exact_matrix *m) {
    return rdc_aligned_size(2 * rdc_exact_pairs_of(m) * sizeof(int32_t));
}

/* Halves; the pairs of high ones, and the ends of their runs. */
static size_t tile_size(const rdc_exact_matrix *m) {
    return 2 * half_size(m) + 3 * list_size(m);
}

size_t rdc_exact_tiles_room(const rdc_exact_matrix *m, size_t tokens) {
    return row_size(m) + 2 * panel_size(m) + (tokens + RDC_DENSE_ROWS - 1) / RDC_DENSE_ROWS * tile_size(m);
}

#if RDC_X86
static size_t tokens_of_tile(size_t left) {
    return left < RDC_DENSE_ROWS ? left : RDC_DENSE_ROWS;
}

static room lay_out(const rdc_exact_matrix *m, void *work) {
    uint8_t *const panels = (uint8_t *)work + row_size(m);
    return (room){work, {(void *)panels, (void *)(panels + panel_size(m))}, panels + 2 * panel_size(m)};
}

static tile tile_at(const rdc_exact_matrix *m, const room *r, size_t token) {
    uint8_t *const at = r->tiles + token / RDC_DENSE_ROWS * tile_size(m), *const lists = at + 2 * half_size(m);
    const rdc_tile_part *parts = m->tiles->parts;
    return (tile){{(void *)at, m->tiles->all, {parts[0].ends, parts[1].ends}},
                  {(void *)(at + half_size(m)), (void *)lists, {(void *)(lists + list_size(m)), (void *)(lists + 2 * list_size(m))}},
                  (void *)lists};
}

/* Two numbers of 16 bits as kernels read them. */
static RDC_ALWAYS_INLINE int32_t pair_of(int32_t first, int32_t second) {
    return (int32_t)(((uint32_t)first & 0xffff) | (uint32_t)second << 16);
}

/* A token's values as integers, cut. */
static RDC_ALWAYS_INLINE void cut_token(const rdc_exact_matrix *m, const double *values, int32_t *row, size_t t, tile *of) {
    for (size_t i = 0; i < m->inputs; i++) row[i] = (int32_t)rdc_rounded_within(values[i] * m->value_scale, m->limit);
    if (m->inputs % 2) row[m->inputs] = 0;
    for (size_t p = 0; p < rdc_exact_pairs_of(m); p++) {
        const rdc_halves first = rdc_cut(row[2 * p], RDC_TILE_VALUE_BITS), second = rdc_cut(row[2 * p + 1], RDC_TILE_VALUE_BITS);
        const int32_t high = pair_of(first.high, second.high);
        of->low.values[p * RDC_DENSE_ROWS + t] = pair_of(first.low, second.low);
        of->high.values[p * RDC_DENSE_ROWS + t] = high;
        of->which[p] |= (uint32_t)high;
    }
}

/* Keeps the pairs that have a high half. */
static RDC_ALWAYS_INLINE void gather_high(const rdc_exact_matrix *m, tile *of) {
    size_t count = 0, run[2] = {0};
    for (size_t p = 0; p < rdc_exact_pairs_of(m); p++) {
        for (size_t k = 0; k < m->tiles->count; k++) {
            if (p == m->tiles->parts[k].ends[run[k]]) of->high.ends[k][run[k]++] = (uint32_t)count;
        }
        if (!of->which[p]) continue;
        memmove(of->high.values + count * RDC_DENSE_ROWS, of->high.values + p * RDC_DENSE_ROWS, RDC_DENSE_ROWS * sizeof *of->high.values);
        of->which[count++] = (uint32_t)p;
    }
    for (size_t k = 0; k < m->tiles->count; k++) of->high.ends[k][run[k]] = (uint32_t)count;
}

static RDC_ALWAYS_INLINE void pack_tile(const rdc_exact_matrix *m, const double *values, size_t tokens, int32_t *row, tile of) {
    memset(of.low.values, 0, 2 * half_size(m));
    memset(of.which, 0, list_size(m));
    for (size_t t = 0; t < tokens; t++) cut_token(m, values + t * m->inputs, row, t, &of);
    gather_high(m, &of);
}

/* The parts of a panel. */
static RDC_ALWAYS_INLINE void find_parts(const rdc_exact_matrix *m, size_t panel, const room *r, const void *parts[2]) {
    if (m->is_short) {
        parts[0] = m->pairs + panel * rdc_exact_pairs_of(m) * RDC_PAIR_COLUMNS;
        return;
    }
    static const int32_t behind[RDC_DENSE_COLUMNS] = {0}; /* an odd last input */
    const int32_t *first = m->columns + panel * m->inputs * RDC_DENSE_COLUMNS;
    for (size_t p = 0; p < rdc_exact_pairs_of(m); p++, first += 2 * RDC_DENSE_COLUMNS) {
        const int32_t *second = 2 * p + 1 < m->inputs ? first + RDC_DENSE_COLUMNS : behind;
        for (size_t o = 0; o < RDC_DENSE_COLUMNS; o++) {
            const rdc_halves one = rdc_cut(first[o], RDC_TILE_INTEGER_BITS), other = rdc_cut(second[o], RDC_TILE_INTEGER_BITS);
            r->integers[0][p * RDC_DENSE_COLUMNS + o] = pair_of(one.low, other.low);
            r->integers[1][p * RDC_DENSE_COLUMNS + o] = pair_of(one.high, other.high);
        }
    }
    parts[0] = r->integers[0];
    parts[1] = r->integers[1];
}

/* totals += the products of a half with a part, times 2^shift. */
static RDC_ALWAYS_INLINE void add_products(rdc_exact_tile_kernel *kernel, const tile_half *half, const rdc_tile_part *part, size_t which,
                                           const void *integers, int shift, int64_t *totals) {
    size_t at = 0;
    for (size_t run = 0; run < part->runs; run++) {
        _Alignas(RDC_ALIGNMENT) int32_t sums[TILE_SIZE];
        const size_t end = half->ends[which][run];
        if (end == at) continue;
        kernel(half->values + at * RDC_DENSE_ROWS, half->which + at, end - at, integers, sums);
        for (size_t i = 0; i < TILE_SIZE; i++) totals[i] += (int64_t)((uint64_t)(int64_t)sums[i] << shift);
        at = end;
    }
}

static RDC_ALWAYS_INLINE void multiply_tile(rdc_exact_tile_kernel *kernel, const rdc_exact_matrix *m, const tile *of,
                                            const void *const parts[2], size_t tokens, size_t panel, double *products) {
    _Alignas(RDC_ALIGNMENT) int64_t totals[TILE_SIZE] = {0};
    for (size_t k = 0; k < m->tiles->count; k++) {
        const int shift = k ? RDC_TILE_INTEGER_BITS : 0;
        add_products(kernel, &of->low, &m->tiles->parts[k], k, parts[k], shift, totals);
        add_products(kernel, &of->high, &m->tiles->parts[k], k, parts[k], shift + RDC_TILE_VALUE_BITS, totals);
    }
    const size_t columns = rdc_exact_columns_of(m, panel);
    for (size_t t = 0; t < tokens; t++) {
        double *const to = products + t * m->outputs + panel * RDC_DENSE_COLUMNS;
        for (size_t o = 0; o < columns; o++) to[o] = (double)totals[t * RDC_DENSE_COLUMNS + o] * m->product_scale;
    }
}

static RDC_ALWAYS_INLINE void multiply(rdc_exact_tile_kernel *kernel, const rdc_exact_matrix *m, const double *values, size_t tokens,
                                       void *work, double *products) {
    const room r = lay_out(m, work);
    for (size_t t = 0; t < tokens; t += RDC_DENSE_ROWS) {
        pack_tile(m, values + t * m->inputs, tokens_of_tile(tokens - t), r.row, tile_at(m, &r, t));
    }
    for (size_t panel = 0; panel < m->panels; panel++) {
        const void *parts[2] = {NULL, NULL};
        find_parts(m, panel, &r, parts);
        for (size_t t = 0; t < tokens; t += RDC_DENSE_ROWS) {
            const tile of = tile_at(m, &r, t);
            multiply_tile(kernel, m, &of, parts, tokens_of_tile(tokens - t), panel, products + t * m->outputs);
        }
    }
}

RDC_TARGET_AVX2 static void multiply_avx2(const rdc_exact_matrix *m, const double *values, size_t tokens, void *work, double *products) {
    multiply(rdc_exact_tile_kernel_of(RDC_CPU_AVX2), m, values, tokens, work, products);
}

RDC_TARGET_AVX512 static void multiply_avx512(const rdc_exact_matrix *m, const double *values, size_t tokens, void *work,
                                              double *products) {
    multiply(rdc_exact_tile_kernel_of(RDC_CPU_AVX512), m, values, tokens, work, products);
}
#endif

rdc_exact_tiles_function *rdc_exact_tiles_function_of(rdc_cpu_level level, const rdc_exact_matrix *m) {
    if (!m->tiles) return NULL;
    switch (level) {
#if RDC_X86
    case RDC_CPU_AVX2: return m->is_short ? multiply_avx2 : NULL;
    case RDC_CPU_AVX512: return multiply_avx512;
#endif
    default: return NULL;
    }
}
