#include "dense/exact_tiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST 67108864.0 /* 2^26, so that high halves have 16 bits */
#define MOST_SUMMED 65535  /* magnitudes of integers that are summed in 32 bits, times 2^15 at most */

static int32_t part_of(double integer, size_t count, size_t which) {
    if (count == 1) return (int32_t)integer;
    const rdc_halves of = rdc_cut((int32_t)integer, RDC_TILE_INTEGER_BITS);
    return which ? of.high : of.low;
}

/* Adds the magnitudes of a pair of inputs; whether all sums [outputs] are within what 32 bits hold. */
static int add_pair(const double *integers, size_t inputs, size_t outputs, size_t count, size_t which, uint32_t *sums) {
    int fits = 1;
    for (size_t o = 0; o < outputs; o++) {
        for (size_t i = 0; i < inputs; i++) sums[o] += (uint32_t)abs(part_of(integers[i * outputs + o], count, which));
        fits &= sums[o] <= MOST_SUMMED;
    }
    return fits;
}

/* The runs of a part; a pair alone always fits. sums [outputs] is room. */
static void find_runs(const double *integers, size_t inputs, size_t outputs, size_t count, size_t which, uint32_t *sums,
                      rdc_tile_part *found) {
    memset(sums, 0, outputs * sizeof *sums);
    for (size_t i = 0; i < inputs; i += 2) {
        const double *pair = integers + i * outputs;
        const size_t n = i + 1 < inputs ? 2 : 1;
        if (add_pair(pair, n, outputs, count, which, sums)) continue;
        found->ends[found->runs++] = (uint32_t)(i / 2);
        memset(sums, 0, outputs * sizeof *sums);
        (void)add_pair(pair, n, outputs, count, which, sums);
    }
    found->ends[found->runs++] = (uint32_t)(inputs / 2 + inputs % 2);
}

rdc_status rdc_exact_tiles_make(rdc_exact_tiles **tiles, const double *integers, size_t inputs, size_t outputs, int is_short) {
    const size_t pairs = inputs / 2 + inputs % 2;
    int fits = inputs > 0 && outputs > 0;
    *tiles = NULL;
    for (size_t i = 0; i < inputs * outputs; i++) fits &= fabs(integers[i]) <= LARGEST;
    if (!fits) return rdc_ok();
    rdc_exact_tiles *made = calloc(1, sizeof *made);
    RDC_RETURN_IF(!made, RDC_ERROR_MEMORY, 0, 0);
    made->count = is_short ? 1 : 2;
    made->memory = malloc((3 * pairs + outputs) * sizeof(uint32_t));
    if (!made->memory) {
        free(made);
        return rdc_fail(RDC_ERROR_MEMORY, 0, 0);
    }
    made->all = made->memory;
    for (size_t p = 0; p < pairs; p++) made->all[p] = (uint32_t)p;
    for (size_t k = 0; k < made->count; k++) {
        made->parts[k].ends = made->all + (k + 1) * pairs;
        find_runs(integers, inputs, outputs, made->count, k, made->all + 3 * pairs, &made->parts[k]);
    }
    *tiles = made;
    return rdc_ok();
}

void rdc_exact_tiles_free(rdc_exact_tiles *tiles) {
    if (!tiles) return;
    free(tiles->memory);
    free(tiles);
}
