/* Blocks: any bytes and damaged blocks, decoded at every level whole, in segments and with tables that follow. */

#include "blocks.h"
#include "inputs.h"
#include "targets.h"

#define MOST_SYMBOLS 700
#define MOST_BYTES 300

static coded_block make_any_block(rng *r, const rdc_tables *tables) {
    coded_block block = {.tables = tables, .n = rng_below(r, MOST_SYMBOLS)};
    block.index = make_index(r, tables, block.n);
    block.bytes = take_any_bytes(r, MOST_BYTES, &block.size);
    return block;
}

static coded_block make_damaged_block(rng *r, const rdc_tables *tables) {
    coded_block block = make_block(r, tables, MOST_SYMBOLS);
    block.bytes = take_damaged(r, block.bytes, &block.size);
    if (rng_one_in(r, 8)) block.n = rng_below(r, (uint32_t)block.n + 1);
    return block;
}

/* An index that names no table where there are numbers for that. */
static void spoil_index(rng *r, coded_block *block) {
    if (block->n == 0 || block->index.width == 1 || block->tables->count > UINT16_MAX) return;
    uint16_t *data = buffer_copy(block->index.data, 2 * block->n);
    data[rng_below(r, (uint32_t)block->n)] = (uint16_t)(block->tables->count + rng_below(r, 3));
    block->index.data = data;
}

/* What was accepted can be written, and is read again. */
static void code_again(const coded_block *block, const int32_t *symbols, rng r) {
    const size_t mark = buffers_mark();
    coded_block again = *block;
    again.lanes = rng_one_in(&r, 2) ? 0 : 1u << rng_below(&r, 6);
    again.bytes = encode_block(rdc_rans_kernels_of(RDC_CPU_SCALAR), block->tables, symbols, block->index, block->n, again.lanes,
                               &again.size);
    const outcome expected = {{RDC_OK, 0, 0}, symbols};
    compare_outcomes(expected, compare_levels(&again, r), block->n, "symbols that were coded again");
    buffers_release(mark);
}

/* ---- Tables that follow ---- */

typedef struct following {
    const coded_block *block;
    const uint16_t *index;
    rdc_parity_register start;
} following;

static outcome decode_following(const following *f, rdc_cpu_level level) {
    const coded_block *b = f->block;
    int32_t *symbols = buffer_take(b->n * sizeof *symbols);
    rdc_block_decoder decoder;
    rdc_status status = rdc_block_open(&decoder, rdc_rans_kernels_of(level), b->tables, b->bytes, b->size, b->n);
    if (status.error == RDC_OK) status = rdc_block_decode_following(&decoder, f->index, f->start, b->n, symbols);
    if (status.error == RDC_OK) status = rdc_block_finish(&decoder);
    return (outcome){status, symbols};
}

/* The same symbols, each decoded with the table that is known by then. */
static outcome decode_one_by_one(const following *f, rdc_cpu_level level) {
    const coded_block *b = f->block;
    int32_t *symbols = buffer_take(b->n * sizeof *symbols);
    rdc_parity_register follows = f->start;
    rdc_block_decoder decoder;
    rdc_status status = rdc_block_open(&decoder, rdc_rans_kernels_of(level), b->tables, b->bytes, b->size, b->n);
    for (size_t i = 0; i < b->n && status.error == RDC_OK; i++) {
        const uint16_t table = (uint16_t)(f->index[i] + (follows.state & 1));
        status = rdc_block_decode(&decoder, (rdc_index){&table, 2}, 1, &symbols[i]);
        if (status.error == RDC_OK) follows.state = rdc_parity_register_next(follows, symbols[i]);
    }
    if (status.error == RDC_OK) status = rdc_block_finish(&decoder);
    return (outcome){status, symbols};
}

static void check_following(rng *r, const coded_block *block) {
    if (block->tables->count < 2) return;
    const check_levels levels = check_levels_here();
    uint16_t *index = buffer_take(2 * block->n);
    for (size_t i = 0; i < block->n; i++) index[i] = (uint16_t)rng_below(r, (uint32_t)block->tables->count - 1);
    const following f = {block, index, {.state = rng_below(r, 8), .feedback = rng_below(r, 8), .input = rng_below(r, 8)}};
    const outcome expected = decode_one_by_one(&f, RDC_CPU_SCALAR);
    for (size_t k = 0; k < levels.count; k++) {
        const size_t mark = buffers_mark();
        check_level(levels.of[k]);
        compare_outcomes(expected, decode_following(&f, levels.of[k]), block->n, "tables that follow");
        compare_outcomes(expected, decode_one_by_one(&f, levels.of[k]), block->n, "tables that follow, one by one");
        buffers_release(mark);
    }
}

void fuzz_block(rng *r) {
    rdc_tables *tables = make_tables(r, RDC_MIN_PRECISION + rng_below(r, 4));
    coded_block block = rng_one_in(r, 3) ? make_any_block(r, tables) : make_damaged_block(r, tables);
    if (rng_one_in(r, 8)) spoil_index(r, &block);
    const outcome whole = compare_levels(&block, *r);
    if (whole.status.error == RDC_OK) code_again(&block, whole.symbols, *r);
    check_following(r, &block);
    rdc_tables_free(tables);
}
