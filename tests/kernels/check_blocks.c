/* Blocks: every level writes the same, and reads what every other wrote, whole, in segments, and damaged. */
#include <string.h>

#include "blocks.h"
#include "groups.h"
#include "inputs.h"
#include "wide_inputs.h"

#define MOST_SYMBOLS 5000
#define MOST_DAMAGED 300

static void encode(rdc_cpu_level level, coded_block *block) {
    block->bytes = encode_block(rdc_rans_kernels_of(level), block->tables, block->symbols, block->index, block->n, block->lanes, &block->size);
}

static rdc_tables *make_any_tables(rng *r) {
    const unsigned precision = RDC_MIN_PRECISION + rng_below(r, 4);
    return rng_one_in(r, 3) ? make_wide_tables(r, precision) : make_tables(r, precision);
}

coded_block make_block(rng *r, const rdc_tables *tables, size_t most) {
    coded_block block = {.tables = tables, .lanes = rng_one_in(r, 4) ? 0 : 1u << rng_below(r, 6)};
    block.n = rng_count(r, most, 32);
    block.index = make_index(r, tables, block.n);
    block.symbols = make_symbols(r, tables, block.index, block.n);
    encode(RDC_CPU_SCALAR, &block);
    return block;
}

/* ---- Decoding ---- */

outcome decode_whole(rdc_cpu_level level, const coded_block *block) {
    int32_t *symbols = buffer_take(block->n * sizeof *symbols);
    const rdc_status status = rdc_block_decode_all(rdc_rans_kernels_of(level), block->tables, block->bytes, block->size, block->n,
                                                   block->index, 1, symbols);
    return (outcome){status, symbols};
}

static rdc_status decode_into(rdc_cpu_level level, const coded_block *block, rng r, int32_t *symbols) {
    rdc_block_decoder decoder;
    rdc_status status = rdc_block_open(&decoder, rdc_rans_kernels_of(level), block->tables, block->bytes, block->size, block->n);
    const uint32_t longest = rng_one_in(&r, 3) ? 2000 : 70;
    for (size_t at = 0, segment; at < block->n && status.error == RDC_OK; at += segment) {
        segment = rng_below(&r, longest + 1);
        if (segment > block->n - at) segment = block->n - at;
        int32_t *part = buffer_take(segment * sizeof *part);
        status = rdc_block_decode(&decoder, rdc_index_from(block->index, at), segment, part);
        memcpy(symbols + at, part, segment * sizeof *part);
        buffers_release(buffers_mark() - 1);
    }
    return status.error == RDC_OK ? rdc_block_finish(&decoder) : status;
}

outcome decode_in_segments(rdc_cpu_level level, const coded_block *block, rng r) {
    int32_t *symbols = buffer_take(block->n * sizeof *symbols);
    const rdc_status status = decode_into(level, block, r, symbols);
    return (outcome){status, symbols};
}

void compare_outcomes(outcome expected, outcome got, size_t n, const char *what) {
    check_same_status(expected.status, got.status, what);
    if (expected.status.error == RDC_OK) check_same(expected.symbols, got.symbols, n * sizeof *got.symbols, what);
}

/* ---- Blocks that encoders write ---- */

static void check_level_on_block(rdc_cpu_level level, const coded_block *block, rng r) {
    const size_t mark = buffers_mark();
    const outcome expected = {{RDC_OK, 0, 0}, block->symbols};
    coded_block again = *block;
    check_level(level);
    encode(level, &again);
    check_same(&block->size, &again.size, sizeof again.size, "size of the block");
    check_same(block->bytes, again.bytes, block->size, "block");
    compare_outcomes(expected, decode_whole(level, block), block->n, "block decoded whole");
    compare_outcomes(expected, decode_in_segments(level, block, r), block->n, "block decoded in segments");
    buffers_release(mark);
}

/* An index that names no table is refused before any symbol is coded. */
static void check_bad_index(rdc_cpu_level level, const coded_block *block, rng r) {
    if (block->n == 0 || block->index.width == 1 || block->tables->count > UINT16_MAX) return;
    const size_t mark = buffers_mark();
    const size_t at = rng_below(&r, (uint32_t)block->n);
    uint16_t *data = buffer_copy(block->index.data, 2 * block->n);
    data[at] = (uint16_t)block->tables->count;
    coded_block bad = *block;
    bad.index.data = data;
    const rdc_status expected = {RDC_ERROR_INDEX, at, (int64_t)block->tables->count};
    check_same_status(expected, decode_whole(level, &bad).status, "decoding with a bad index");
    rdc_coded_block *none = NULL;
    const rdc_status refused =
        rdc_block_encode(rdc_rans_kernels_of(level), bad.tables, bad.symbols, bad.index, bad.n, bad.lanes, 1, &none);
    check_same_status(expected, refused, "encoding with a bad index");
    buffers_release(mark);
}

void check_blocks(rng *r) {
    const check_levels levels = check_levels_here();
    rdc_tables *tables = make_any_tables(r);
    const size_t mark = buffers_mark();
    const coded_block block = make_block(r, tables, MOST_SYMBOLS);
    for (size_t k = 0; k < levels.count; k++) {
        check_level_on_block(levels.of[k], &block, *r);
        check_bad_index(levels.of[k], &block, *r);
    }
    buffers_release(mark);
    rdc_tables_free(tables);
}

/* ---- Damaged blocks ---- */

outcome compare_levels(const coded_block *block, rng r) {
    const check_levels levels = check_levels_here();
    check_level(RDC_CPU_SCALAR);
    const outcome whole = decode_whole(RDC_CPU_SCALAR, block);
    const size_t mark = buffers_mark();
    const outcome segments = decode_in_segments(RDC_CPU_SCALAR, block, r);
    check_that((whole.status.error == RDC_OK) == (segments.status.error == RDC_OK), "whole and in segments a block is as good");
    if (whole.status.error == RDC_OK) compare_outcomes(whole, segments, block->n, "block decoded in segments");
    for (size_t k = 1; k < levels.count; k++) {
        const size_t inner_mark = buffers_mark();
        check_level(levels.of[k]);
        compare_outcomes(whole, decode_whole(levels.of[k], block), block->n, "damaged block decoded whole");
        compare_outcomes(segments, decode_in_segments(levels.of[k], block, r), block->n, "damaged block decoded in segments");
        buffers_release(inner_mark);
    }
    buffers_release(mark);
    return whole;
}

/* The block cut before byte `at`, and with this byte changed. */
static void check_damage(const coded_block *block, size_t at, rng r) {
    const size_t mark = buffers_mark();
    coded_block damaged = *block;
    damaged.bytes = buffer_copy(block->bytes, at);
    damaged.size = at;
    compare_levels(&damaged, r);
    buffers_release(mark);

    uint8_t *bytes = buffer_copy(block->bytes, block->size);
    bytes[at] ^= (uint8_t)(rng_one_in(&r, 2) ? 1u << rng_below(&r, 8) : 1 + rng_below(&r, 255));
    damaged.bytes = bytes;
    damaged.size = block->size;
    compare_levels(&damaged, r);
    buffers_release(mark);
}

void check_damaged_blocks(rng *r) {
    rdc_tables *tables = make_any_tables(r);
    const size_t mark = buffers_mark();
    const coded_block block = make_block(r, tables, MOST_DAMAGED);
    for (size_t at = 0; at < block.size; at++) {
        check_damage(&block, at, *r);
        rng_next(r);
    }
    buffers_release(mark);
    rdc_tables_free(tables);
}
