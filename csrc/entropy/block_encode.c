/* Writes a block (docs/format.md): head, states, words, escape section. */
#include <string.h>

#include "base/bytes.h"
#include "base/status.h"
#include "base/varint.h"
#include "entropy/block.h"
#include "entropy/escape.h"
#include "entropy/rans.h"

/* Lanes cost about one byte each, so a block gets one for every SYMBOLS_A_LANE symbols. */
#define SYMBOLS_A_LANE 2048

unsigned rdc_block_default_lanes(size_t n) {
    unsigned lanes = 1;
    while (lanes < RDC_MAX_LANES && n / SYMBOLS_A_LANE >= 2 * lanes) lanes *= 2;
    return lanes;
}

size_t rdc_block_bound(size_t n) {
    return n ? RDC_BLOCK_HEAD_BYTES + RDC_RANS_SLACK + (2 + RDC_ESCAPE_BYTES) * n : 0;
}

/* The last symbols of a block with several lanes, coded in one lane into what the initial states of the lanes can hide. */
typedef struct rdc_tail {
    size_t symbols;
    uint8_t words[2 * RDC_MAX_LANES];
} rdc_tail;

/* Codes as many of the last symbols as fit into `lanes` words: two of the state, then those it gave away. */
static rdc_tail rdc_tail_encode(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols,
                                rdc_index index, size_t n, unsigned lanes) {
    rdc_tail tail = {0};
    uint8_t room[RDC_RANS_SLACK + 2 * RDC_MAX_LANES];
    uint8_t *const end = room + sizeof room;
    uint8_t *words = end;
    uint32_t state = 0;
    for (; tail.symbols < n; tail.symbols++) {
        const size_t at = n - 1 - tail.symbols;
        uint32_t after = state;
        uint8_t *before = words;
        kernels->encode(tables, symbols + at, rdc_index_from(index, at), 1, 1, &after, &before);
        if ((size_t)(end - before) > 2 * (size_t)lanes - 4) break;
        words = before;
        state = after;
    }
    rdc_store32(tail.words, state);
    memcpy(tail.words + 4, words, (size_t)(end - words));
    return tail;
}

/* Symbols before the tail are coded in runs, of which so many share the memory of where escapes are. */
#define MEMORIES 1024

/* What follows the head of a block: words, then the escape section. */
typedef struct rdc_body {
    const uint8_t *words;
    size_t words_size;
    size_t escapes_size;
} rdc_body;

/* Codes the body round `middle`: the words grow downwards, the escape section upwards. */
static rdc_body rdc_body_encode(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols,
                                rdc_index index, size_t n, size_t tail, unsigned lanes, uint32_t *states, uint8_t *middle) {
    const size_t end = n - tail, runs = (end + RDC_RANS_RUN - 1) / RDC_RANS_RUN, sharing = runs / MEMORIES + 1;
    uint32_t escaped[MEMORIES] = {0};
    uint8_t *word = middle;
    for (size_t r = runs; r-- > 0;) {
        const size_t at = r * RDC_RANS_RUN;
        escaped[r / sharing] |= kernels->encode(tables, symbols + at, rdc_index_from(index, at), rdc_smaller(RDC_RANS_RUN, end - at), lanes,
                                                states, &word);
    }
    rdc_bit_writer writer = {middle, 0, 0};
    for (size_t r = 0; r < runs; r++) {
        for (uint32_t groups = escaped[r / sharing], g = 0; g < 32 && groups >> g; g++) {
            const size_t at = r * RDC_RANS_RUN + g * RDC_RANS_GROUP;
            if (!(groups >> g & 1) || at >= end) continue;
            rdc_escape_write(&writer, tables, symbols + at, rdc_index_from(index, at), rdc_smaller(RDC_RANS_GROUP, end - at));
        }
    }
    rdc_escape_write(&writer, tables, symbols + end, rdc_index_from(index, end), tail);
    rdc_escape_end(&writer);
    return (rdc_body){word, (size_t)(middle - word), (size_t)(writer.next - middle)};
}

/* The head of a block: first byte, escape length, tail length. Returns its bytes. */
static size_t rdc_block_write_head(uint8_t *block, unsigned lanes, unsigned dropped, size_t escapes, size_t tail) {
    size_t size = 1;
    block[0] = (uint8_t)(dropped << 3 | (escapes ? RDC_BLOCK_ESCAPES : 0));
    while (1u << (block[0] & 7) < lanes) block[0]++;
    if (escapes) size += rdc_varint_write(block + size, escapes);
    if (lanes > 1) size += rdc_varint_write(block + size, tail);
    return size;
}

/* The states, without the high zero bytes of a single one. Returns their bytes. */
static size_t rdc_block_write_states(uint8_t *block, const uint32_t *states, unsigned lanes, unsigned dropped) {
    for (unsigned lane = 0; lane < lanes; lane++) rdc_store32(block + 4 * lane, states[lane]);
    return 4 * lanes - dropped;
}

rdc_status rdc_block_encode(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols,
                            rdc_index index, size_t n, unsigned lanes, uint8_t *block, size_t *size) {
    RDC_RETURN_IF(lanes < 1 || lanes > RDC_MAX_LANES || (lanes & (lanes - 1)), RDC_ERROR_LANES, 0, lanes);
    RDC_RETURN_IF(n > RDC_MAX_SYMBOLS, RDC_ERROR_SYMBOL_LIMIT, 0, n);
    RDC_FORWARD_IF_ERROR(rdc_tables_check_index(tables, index, n));
    *size = 0;
    if (n == 0) return rdc_ok();

    uint32_t states[RDC_MAX_LANES] = {0};
    size_t tail_symbols = 0;
    if (lanes > 1) {
        const rdc_tail tail = rdc_tail_encode(kernels, tables, symbols, index, n, lanes);
        tail_symbols = tail.symbols;
        for (unsigned lane = 0; lane < lanes; lane++) states[lane] = RDC_RANS_LOW | rdc_load16(tail.words + 2 * lane);
    }
    if (tail_symbols == n) { /* all of it fits into the tail: one lane is shorter */
        lanes = 1;
        tail_symbols = 0;
        states[0] = 0;
    }

    uint8_t *const middle = block + RDC_BLOCK_HEAD_BYTES + RDC_RANS_SLACK + 2 * n;
    const rdc_body body = rdc_body_encode(kernels, tables, symbols, index, n, tail_symbols, lanes, states, middle);
    unsigned dropped = 0;
    while (lanes == 1 && dropped < 3 && states[0] < 1u << (24 - 8 * dropped)) dropped++;
    size_t at = rdc_block_write_head(block, lanes, dropped, body.escapes_size, tail_symbols);
    at += rdc_block_write_states(block + at, states, lanes, dropped);
    memmove(block + at, body.words, body.words_size + body.escapes_size);
    *size = at + body.words_size + body.escapes_size;
    return rdc_ok();
}
