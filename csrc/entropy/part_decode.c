/* Reads a part of a block (docs/format.md). Bytes are checked here, so that kernels may trust what they are given. */
#include <string.h>

#include "base/bytes.h"
#include "base/status.h"
#include "entropy/escape.h"
#include "entropy/index_run.h"
#include "entropy/part.h"
#include "entropy/wide.h"

static size_t rdc_part_offset(const rdc_part_decoder *d, const uint8_t *at) {
    return (size_t)(at - d->part);
}

static rdc_status rdc_part_read_states(rdc_part_decoder *d, size_t *at, unsigned dropped) {
    if (d->lanes > 1) return rdc_lane_states_read(d->part, d->escape_start, at, d->states, d->lanes);
    RDC_RETURN_IF(d->escape_start - *at < 4 - dropped, RDC_ERROR_TRUNCATED, d->escape_start, 0);
    uint8_t bytes[4] = {0};
    memcpy(bytes, d->part + *at, 4 - dropped);
    const uint32_t written = rdc_load32(bytes);
    RDC_RETURN_IF(dropped < 3 && written < 1u << (24 - 8 * dropped), RDC_ERROR_STATE_BYTES, *at, written);
    RDC_RETURN_IF(written > UINT32_MAX - RDC_RANS_START, RDC_ERROR_STATE_SIZE, *at, written);
    d->states[0] = RDC_RANS_START + written;
    *at += 4 - dropped;
    return rdc_ok();
}

static rdc_status rdc_part_read_head(rdc_part_decoder *d, size_t size) {
    RDC_RETURN_IF(size == 0, RDC_ERROR_TRUNCATED, 0, 0);
    const uint8_t flags = d->part[0];
    const unsigned log_lanes = flags & RDC_PART_LANES, dropped = flags >> 3 & 3;
    RDC_RETURN_IF(log_lanes > 5 || (log_lanes && dropped) || flags & RDC_PART_UNUSED, RDC_ERROR_BLOCK_FLAGS, 0, flags);
    d->lanes = 1u << log_lanes;

    size_t at = 1;
    uint64_t escapes = 0, tail = 0;
    if (flags & RDC_PART_ESCAPES) {
        RDC_FORWARD_IF_ERROR(rdc_varint_read(d->part, size, &at, &escapes));
        RDC_RETURN_IF(escapes == 0 || escapes > size - at, RDC_ERROR_ESCAPE_LENGTH, 1, escapes);
    }
    d->escape_start = size - (size_t)escapes;
    d->escapes = (rdc_bit_reader){d->part + d->escape_start, 8 * escapes, 0};

    if (d->lanes > 1) {
        const size_t tail_at = at;
        RDC_FORWARD_IF_ERROR(rdc_varint_read(d->part, d->escape_start, &at, &tail));
        RDC_RETURN_IF(tail == 0 || tail >= d->remaining, RDC_ERROR_TAIL_LENGTH, tail_at, tail);
    }
    d->tail = (size_t)tail;
    RDC_FORWARD_IF_ERROR(rdc_part_read_states(d, &at, dropped));
    RDC_RETURN_IF((d->escape_start - at) % 2, RDC_ERROR_ODD_WORDS, at, d->escape_start - at);
    d->word = d->part + at;
    d->words_end = d->part + d->escape_start;
    /* a lone state has given words away only if it is full; with more lanes all are */
    RDC_RETURN_IF(d->word != d->words_end && d->states[0] < RDC_RANS_LOW, RDC_ERROR_LANE_STATE, at - 4 + dropped, d->states[0]);
    return rdc_ok();
}

rdc_status rdc_part_open(rdc_part_decoder *decoder, const rdc_rans_kernels *kernels, const rdc_tables *tables, const uint8_t *part,
                         size_t size, size_t n) {
    *decoder = (rdc_part_decoder){.kernels = kernels, .tables = tables, .part = part, .remaining = n, .lanes = 1};
    return rdc_part_read_head(decoder, size);
}

/* Once the lanes are done, what they began with is the tail: one lane with its state and words. */
static rdc_status rdc_part_enter_tail(rdc_part_decoder *d) {
    const size_t end = rdc_part_offset(d, d->words_end);
    RDC_RETURN_IF(d->word != d->words_end, RDC_ERROR_WORDS_LEFT, rdc_part_offset(d, d->word), d->words_end - d->word);
    for (unsigned lane = 0; lane < d->lanes; lane++) {
        RDC_RETURN_IF(d->states[lane] >> 16 != 1, RDC_ERROR_FINAL_STATE, end, d->states[lane]);
        rdc_store16(d->tail_words + 2 * lane, d->states[lane]);
    }
    d->word = d->tail_words + 4;
    d->words_end = d->tail_words + 2 * d->lanes;
    d->states[0] = rdc_load32(d->tail_words);
    RDC_RETURN_IF(d->word != d->words_end && d->states[0] < RDC_RANS_LOW, RDC_ERROR_LANE_STATE, end, d->states[0]);
    d->lanes = 1;
    d->lane = 0;
    d->tail = 0;
    return rdc_ok();
}

/* Replaces the escapes among n symbols, which are in these groups, by their values; with wide tables all of the symbols. */
static rdc_status rdc_part_read_escapes(rdc_part_decoder *d, uint32_t groups, rdc_index index, size_t n, int32_t *symbols) {
    rdc_status status = rdc_ok();
    if (d->tables->wide) {
        status = rdc_wide_read(&d->escapes, d->tables, index, n, symbols);
        groups = 0;
    }
    for (size_t at = 0; at < n && groups && status.error == RDC_OK; at += RDC_RANS_GROUP, groups >>= 1) {
        if (!(groups & 1)) continue;
        status = rdc_escape_read(&d->escapes, d->tables, rdc_index_from(index, at), rdc_smaller(RDC_RANS_GROUP, n - at), symbols + at);
    }
    status.at += d->escape_start;
    return status;
}

/* Decodes up to n symbols of what the part's current lanes hold; the number is in *done. */
static rdc_status rdc_part_decode_run(rdc_part_decoder *d, rdc_index index, size_t n, int32_t *symbols, size_t *done) {
    if (d->tail && d->remaining == d->tail) RDC_FORWARD_IF_ERROR(rdc_part_enter_tail(d));
    *done = rdc_smaller(rdc_smaller(n, RDC_RANS_RUN), d->remaining - d->tail);
    rdc_index_run run;
    rdc_index taken;
    RDC_FORWARD_IF_ERROR(rdc_index_run_take(&run, d->kernels, d->tables, index, *done, &taken));
    const uint32_t groups = d->kernels->decode(d->tables, taken, *done, d->lanes, d->lane, d->states, &d->word, d->words_end, symbols);
    d->lane = (unsigned)((d->lane + *done) % d->lanes);
    d->remaining -= *done;
    return groups || d->tables->wide ? rdc_part_read_escapes(d, groups, taken, *done, symbols) : rdc_ok();
}

rdc_status rdc_part_decode(rdc_part_decoder *decoder, rdc_index index, size_t n, int32_t *symbols) {
    for (size_t at = 0, done = 0; at < n; at += done) {
        RDC_FORWARD_IF_ERROR(rdc_part_decode_run(decoder, rdc_index_from(index, at), n - at, symbols + at, &done));
    }
    return rdc_ok();
}

/* As rdc_part_decode_run, up to the first escape. */
static rdc_status rdc_part_decode_following_run(rdc_part_decoder *d, const uint16_t *index, rdc_parity_register *follows, size_t n,
                                                int32_t *symbols, size_t *done) {
    if (d->tail && d->remaining == d->tail) RDC_FORWARD_IF_ERROR(rdc_part_enter_tail(d));
    uint32_t escaped;
    *done = rdc_rans_decode_following(d->tables, index, follows, rdc_smaller(n, d->remaining - d->tail), d->lanes, d->lane, d->states,
                                      &d->word, d->words_end, symbols, &escaped);
    d->lane = (unsigned)((d->lane + *done) % d->lanes);
    d->remaining -= *done;
    if (!escaped) return rdc_ok();
    const uint16_t table = (uint16_t)(index[*done - 1] + (follows->state & 1));
    RDC_FORWARD_IF_ERROR(rdc_part_read_escapes(d, escaped, (rdc_index){&table, 2}, 1, &symbols[*done - 1]));
    follows->state = rdc_parity_register_next(*follows, symbols[*done - 1]);
    return rdc_ok();
}

/* One symbol, whose parity may not be that of its entry. */
static rdc_status rdc_part_decode_following_one(rdc_part_decoder *d, uint16_t index, rdc_parity_register *follows, int32_t *symbol) {
    const uint16_t table = (uint16_t)(index + (follows->state & 1));
    size_t done;
    RDC_FORWARD_IF_ERROR(rdc_part_decode_run(d, (rdc_index){&table, 2}, 1, symbol, &done));
    follows->state = rdc_parity_register_next(*follows, *symbol);
    return rdc_ok();
}

rdc_status rdc_part_decode_following(rdc_part_decoder *decoder, const uint16_t *index, rdc_parity_register *follows, size_t n,
                                     int32_t *symbols) {
    if (decoder->tables->wide) {
        for (size_t i = 0; i < n; i++) RDC_FORWARD_IF_ERROR(rdc_part_decode_following_one(decoder, index[i], follows, &symbols[i]));
        return rdc_ok();
    }
    for (size_t at = 0, done = 0; at < n; at += done) {
        RDC_FORWARD_IF_ERROR(rdc_part_decode_following_run(decoder, index + at, follows, n - at, symbols + at, &done));
    }
    return rdc_ok();
}

/* The escape section ends in less than 8 zero bits. */
static rdc_status rdc_part_finish_escapes(const rdc_part_decoder *d) {
    const uint64_t left = d->escapes.bits - d->escapes.position;
    const size_t at = d->escape_start + (size_t)(d->escapes.position / 8);
    RDC_RETURN_IF(left >= 8, RDC_ERROR_ESCAPE_LEFT, at, left);
    RDC_RETURN_IF(left && d->part[at] << (8 - left) & 255, RDC_ERROR_ESCAPE_LEFT, at, left);
    return rdc_ok();
}

rdc_status rdc_part_finish(const rdc_part_decoder *decoder) {
    const rdc_part_decoder *d = decoder;
    const size_t left = (size_t)(d->words_end - d->word);
    RDC_RETURN_IF(left, RDC_ERROR_WORDS_LEFT, d->escape_start - left, left);
    RDC_RETURN_IF(d->states[0] != RDC_RANS_START, RDC_ERROR_FINAL_STATE, d->escape_start, d->states[0]);
    return rdc_part_finish_escapes(d);
}
