/* Writes a part of a block (docs/format.md): head, states, words, escape section. */
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/status.h"
#include "entropy/escape.h"
#include "entropy/index_check.h"
#include "entropy/index_run.h"
#include "entropy/part.h"
#include "entropy/symbol_code.h"
#include "entropy/wide.h"

size_t rdc_part_bound(size_t n) {
    return RDC_PART_HEAD_BYTES + RDC_RANS_SLACK + (2 + RDC_ESCAPE_BYTES) * n;
}

/* ---- How many lanes ---- */

/* A lane costs two thirds of a byte, so there is one for this many bytes: less than 0.1% of them. */
#define BYTES_A_LANE 768
#define SAMPLES 256

/* log2 of a frequency in 1/256 bits, straight between powers of two; lanes are not chosen by floats, which machines may round differently. */
static uint32_t log2_of(uint32_t frequency) {
    const uint32_t whole = rdc_bit_length(frequency) - 1;
    return (whole << 8) + ((frequency << 8 >> whole) - 256);
}

/* What n symbols will take in bytes, by some of them. */
static size_t estimate_bytes(const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n) {
    uint64_t sum = 0;
    for (size_t k = 0; k < SAMPLES; k++) {
        const size_t i = k * n / SAMPLES;
        const size_t t = rdc_index_at(index, i);
        const int32_t symbol = symbols[i];
        if (t >= tables->count) continue; /* refused where it is coded */
        const rdc_symbol_code code = rdc_tables_code(tables, t, symbol);
        const uint16_t *start = tables->starts + tables->tables[t].first + code.entry;
        sum += ((tables->precision + code.bits) << 8) - log2_of(start[1] - start[0]);
    }
    return (size_t)(sum * n / SAMPLES >> 11);
}

static unsigned choose_lanes(const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n) {
    if (n < 2 * BYTES_A_LANE) return 1; /* symbols of more than a byte are rare */
    const size_t bytes = estimate_bytes(tables, symbols, index, n);
    unsigned lanes = 1;
    while (lanes < RDC_MAX_LANES && bytes / BYTES_A_LANE >= 2 * lanes) lanes *= 2;
    return lanes;
}

/* ---- Coding ---- */

/* Codes a run of symbols, whose tables may be wide; *escaped are the groups with escapes. */
static rdc_status encode_run(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n,
                             unsigned lanes, uint32_t *states, uint8_t **word, uint32_t *escaped) {
    rdc_index_run run;
    rdc_index taken;
    int32_t entries[RDC_RANS_RUN];
    RDC_FORWARD_IF_ERROR(rdc_index_run_take(&run, kernels, tables, index, n, &taken));
    if (tables->wide) {
        rdc_wide_entries(tables, symbols, taken, n, entries);
        symbols = entries;
    }
    *escaped = kernels->encode(tables, symbols, taken, n, lanes, states, word);
    return rdc_ok();
}

/* The last symbols of a part with several lanes, coded in one lane into what the initial states of the lanes can hide. */
typedef struct rdc_tail {
    size_t symbols;
    uint8_t words[2 * RDC_MAX_LANES];
} rdc_tail;

/* Symbols that are tried at once; then one by one. */
#define TAIL_STEP 64

/* Codes as many of the last symbols as fit into `lanes` words: two of the state, then those it gave away. */
static rdc_status rdc_tail_encode(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols, rdc_index index,
                                  size_t n, unsigned lanes, rdc_tail *tail) {
    *tail = (rdc_tail){0};
    uint8_t room[RDC_RANS_SLACK + 2 * (RDC_MAX_LANES + TAIL_STEP)];
    uint8_t *const end = room + sizeof room;
    uint8_t *words = end;
    uint32_t state = RDC_RANS_START, groups;
    for (size_t step = TAIL_STEP; tail->symbols < n;) {
        step = rdc_smaller(step, n - tail->symbols);
        const size_t at = n - tail->symbols - step;
        uint32_t after = state;
        uint8_t *before = words;
        RDC_FORWARD_IF_ERROR(encode_run(kernels, tables, symbols + at, rdc_index_from(index, at), step, 1, &after, &before, &groups));
        const int fits = (size_t)(end - before) <= 2 * (size_t)lanes - 4;
        if (!fits && step == 1) break;
        if (!fits) {
            step = 1;
            continue;
        }
        tail->symbols += step;
        words = before;
        state = after;
    }
    rdc_store32(tail->words, state);
    memcpy(tail->words + 4, words, (size_t)(end - words));
    return rdc_ok();
}

/* What follows the head of a part: words, then the escape section. */
typedef struct rdc_body {
    const uint8_t *words;
    size_t words_size;
    size_t escapes_size;
} rdc_body;

/* Writes the escapes of a run, which are in these groups, and the raw bits of wide tables. */
static void write_escapes(rdc_bit_writer *writer, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n,
                          uint32_t groups) {
    if (tables->wide) {
        rdc_wide_write(writer, tables, symbols, index, n);
        return;
    }
    for (size_t at = 0; at < n && groups; at += RDC_RANS_GROUP, groups >>= 1) {
        if (groups & 1) rdc_escape_write(writer, tables, symbols + at, rdc_index_from(index, at), rdc_smaller(RDC_RANS_GROUP, n - at));
    }
}

/* Codes the body round `middle`: the words grow downwards, the escape section upwards. */
static rdc_status rdc_body_encode(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols, rdc_index index,
                                  size_t n, size_t tail, unsigned lanes, uint32_t *states, uint8_t *middle, rdc_body *body) {
    const size_t end = n - tail, runs = (end + RDC_RANS_RUN - 1) / RDC_RANS_RUN;
    uint32_t escaped[RDC_PART_SYMBOLS / RDC_RANS_RUN];
    uint8_t *word = middle;
    for (size_t r = runs; r-- > 0;) {
        const size_t at = r * RDC_RANS_RUN, count = rdc_smaller(RDC_RANS_RUN, end - at);
        RDC_FORWARD_IF_ERROR(encode_run(kernels, tables, symbols + at, rdc_index_from(index, at), count, lanes, states, &word, &escaped[r]));
    }
    rdc_bit_writer writer = {middle, 0, 0};
    for (size_t r = 0; r < runs; r++) {
        const size_t at = r * RDC_RANS_RUN;
        write_escapes(&writer, tables, symbols + at, rdc_index_from(index, at), rdc_smaller(RDC_RANS_RUN, end - at), escaped[r]);
    }
    if (tables->wide) rdc_wide_write(&writer, tables, symbols + end, rdc_index_from(index, end), tail);
    else rdc_escape_write(&writer, tables, symbols + end, rdc_index_from(index, end), tail);
    rdc_bits_end(&writer);
    *body = (rdc_body){word, (size_t)(middle - word), (size_t)(writer.next - middle)};
    return rdc_ok();
}

/* The head of a part: first byte, escape length, tail length. Returns its bytes. */
static size_t rdc_part_write_head(uint8_t *part, unsigned lanes, unsigned dropped, size_t escapes, size_t tail) {
    size_t size = 1;
    part[0] = (uint8_t)(dropped << 3 | (escapes ? RDC_PART_ESCAPES : 0));
    while (1u << (part[0] & 7) < lanes) part[0]++;
    if (escapes) size += rdc_varint_write(part + size, escapes);
    if (lanes > 1) size += rdc_varint_write(part + size, tail);
    return size;
}

/* High zero bytes of what a single lane has come to from its start. */
static unsigned rdc_part_dropped(uint32_t state) {
    unsigned dropped = 0;
    while (dropped < 3 && state - RDC_RANS_START < 1u << (24 - 8 * dropped)) dropped++;
    return dropped;
}

/* The state of a single lane, less its start and without high zero bytes, or those of several. Returns where they end. */
static uint8_t *rdc_part_write_states(uint8_t *bytes, const uint32_t *states, unsigned lanes, unsigned dropped) {
    if (lanes > 1) return rdc_lane_states_write(bytes, states, lanes);
    rdc_store32(bytes, states[0] - RDC_RANS_START);
    return bytes + 4 - dropped;
}

/* As rdc_part_encode, but for the position of a wrong index. */
static rdc_status rdc_part_try(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n,
                               unsigned lanes, uint8_t *part, size_t *size) {
    if (lanes == 0) lanes = choose_lanes(tables, symbols, index, n);

    uint32_t states[RDC_MAX_LANES] = {RDC_RANS_START};
    size_t tail_symbols = 0;
    if (lanes > 1) {
        rdc_tail tail;
        RDC_FORWARD_IF_ERROR(rdc_tail_encode(kernels, tables, symbols, index, n, lanes, &tail));
        tail_symbols = tail.symbols;
        for (unsigned lane = 0; lane < lanes; lane++) states[lane] = RDC_RANS_LOW | rdc_load16(tail.words + 2 * lane);
    }
    if (tail_symbols == n) { /* all of it fits into the tail: one lane is shorter */
        lanes = 1;
        tail_symbols = 0;
        states[0] = RDC_RANS_START;
    }

    uint8_t *const middle = part + RDC_PART_HEAD_BYTES + RDC_RANS_SLACK + 2 * n;
    rdc_body body;
    RDC_FORWARD_IF_ERROR(rdc_body_encode(kernels, tables, symbols, index, n, tail_symbols, lanes, states, middle, &body));
    const unsigned dropped = lanes == 1 ? rdc_part_dropped(states[0]) : 0;
    uint8_t *next = part + rdc_part_write_head(part, lanes, dropped, body.escapes_size, tail_symbols);
    next = rdc_part_write_states(next, states, lanes, dropped);
    memmove(next, body.words, body.words_size + body.escapes_size);
    *size = (size_t)(next - part) + body.words_size + body.escapes_size;
    return rdc_ok();
}

rdc_status rdc_part_encode(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n,
                           unsigned lanes, uint8_t *part, size_t *size) {
    const rdc_status status = rdc_part_try(kernels, tables, symbols, index, n, lanes, part, size);
    if (status.error == RDC_ERROR_INDEX) RDC_FORWARD_IF_ERROR(rdc_tables_check_index(tables, index, n)); /* the first one */
    return status;
}
