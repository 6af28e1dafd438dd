/* Many tokens times an exact matrix, in products of pairs of 16 bits. Private to csrc/dense.
 *
 * A value is cut in two, value = high * 2^16 + low, and so are the integers of a matrix that has more than 16 bits. Nearly all values
 * are their low half; a pair of inputs of which no token of a tile has another is left out of the products with high halves. */
#ifndef RDC_DENSE_EXACT_TILES_H
#define RDC_DENSE_EXACT_TILES_H

#include "base/status.h"
#include "dense/exact_matrix.h"

#define RDC_TILE_VALUE_BITS 16   /* of low halves of values ... */
#define RDC_TILE_INTEGER_BITS 12 /* ... and of integers, so that runs of either half are long */

/* Integers of 16 bits that are a matrix, or half of it. */
typedef struct rdc_tile_part {
    size_t runs;
    uint32_t *ends; /* [runs] pairs behind the last one of each run, whose sums of products stay within 32 bits */
} rdc_tile_part;

struct rdc_exact_tiles {
    size_t count;
    rdc_tile_part parts[2]; /* all of a short matrix; or low halves, and high ones */
    uint32_t *all;          /* [pairs]: 0, 1, 2, ... */
    void *memory;
};

/* value = high * 2^bits + low. */
typedef struct rdc_halves {
    int32_t high, low;
} rdc_halves;

static inline rdc_halves rdc_cut(int32_t value, int bits) {
    const int32_t half = (int32_t)1 << (bits - 1), low = ((value + half) & (2 * half - 1)) - half;
    return (rdc_halves){(value - low) / (2 * half), low};
}

/* NULL where there are no integers [inputs, outputs], or they are too large; values are below 2^30. Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_exact_tiles_make(rdc_exact_tiles **tiles, const double *integers, size_t inputs, size_t outputs, int is_short);
void rdc_exact_tiles_free(rdc_exact_tiles *tiles);

/* tile [RDC_DENSE_ROWS, RDC_DENSE_COLUMNS] = the sums over `count` pairs k of a [count, RDC_DENSE_ROWS] times row which[k] of b
 * [pairs, RDC_DENSE_COLUMNS], which stay within 32 bits. Pairs are two numbers of 16 bits. b and the tile are rdc_aligned. */
typedef void rdc_exact_tile_kernel(const int32_t *a, const uint32_t *which, size_t count, const void *b, int32_t *tile);

rdc_exact_tile_kernel *rdc_exact_tile_kernel_of(rdc_cpu_level level); /* NULL where there is none */

/* Bytes of work for so many tokens, which is rdc_aligned. */
size_t rdc_exact_tiles_room(const rdc_exact_matrix *m, size_t tokens);

typedef void rdc_exact_tiles_function(const rdc_exact_matrix *m, const double *values, size_t tokens, void *work, double *products);

/* What multiplies the matrix; NULL where products of doubles are as fast. */
rdc_exact_tiles_function *rdc_exact_tiles_function_of(rdc_cpu_level level, const rdc_exact_matrix *m);

#endif
