/* Blocks of several parts. Their symbols repeat, for there are many of them. */
#include <string.h>

#include "blocks.h"
#include "entropy/part.h"
#include "inputs.h"
#include "targets.h"

#define PERIOD 256
#define MOST_PARTS 3
#define MOST_BYTES 200

/* So many symbols that there are two or three parts, at least one of them of the largest size or the smallest. */
static size_t make_count(rng *r) {
    const size_t full = RDC_PART_SYMBOLS * (1 + rng_below(r, MOST_PARTS - 1));
    return full + 1 + (rng_one_in(r, 4) ? 0 : rng_below(r, 300));
}

static void repeat(void *data, size_t n, size_t size) {
    for (size_t i = PERIOD; i < n; i++) memcpy((uint8_t *)data + i * size, (uint8_t *)data + (i - PERIOD) * size, size);
}

static coded_block make_parts(rng *r, const rdc_tables *tables) {
    coded_block block = {.tables = tables, .n = make_count(r), .lanes = rng_one_in(r, 2) ? 0 : 1u << rng_below(r, 6)};
    const rdc_index few = make_index(r, tables, PERIOD);
    const int32_t *period = make_symbols(r, tables, few, PERIOD);
    void *index = buffer_take(block.n * few.width);
    block.symbols = buffer_take(block.n * sizeof *block.symbols);
    memcpy(index, few.data, PERIOD * few.width);
    memcpy(block.symbols, period, PERIOD * sizeof *period);
    repeat(index, block.n, few.width);
    repeat(block.symbols, block.n, sizeof *block.symbols);
    block.index = (rdc_index){index, few.width};
    return block;
}

void fuzz_parts(rng *r) {
    const rdc_tables *tables = gaussian_tables();
    const check_levels levels = check_levels_here();
    coded_block block = make_parts(r, tables);
    if (rng_one_in(r, 3)) {
        block.bytes = take_any_bytes(r, MOST_BYTES, &block.size);
    } else {
        const rdc_rans_kernels *kernels = rdc_rans_kernels_of(levels.of[levels.count - 1]);
        block.bytes = encode_block(kernels, tables, block.symbols, block.index, block.n, block.lanes, &block.size);
        block.bytes = take_damaged(r, block.bytes, &block.size);
    }
    const outcome whole = decode_whole(RDC_CPU_SCALAR, &block);
    for (size_t k = 1; k < levels.count; k++) {
        const size_t mark = buffers_mark();
        check_level(levels.of[k]);
        compare_outcomes(whole, decode_whole(levels.of[k], &block), block.n, "parts decoded whole");
        buffers_release(mark);
    }
    const outcome segments = decode_in_segments(levels.of[rng_below(r, (uint32_t)levels.count)], &block, *r);
    check_that((whole.status.error == RDC_OK) == (segments.status.error == RDC_OK), "whole and in segments a block is as good");
    if (whole.status.error == RDC_OK) compare_outcomes(whole, segments, block.n, "parts decoded in segments");
}
