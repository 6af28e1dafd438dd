/* A part of a block: up to RDC_PART_SYMBOLS symbols coded on their own, so that threads share out parts (docs/format.md).
 * Private to csrc/entropy. */
#ifndef RDC_ENTROPY_PART_H
#define RDC_ENTROPY_PART_H

#include "base/varint.h"
#include "entropy/tables.h"

#define RDC_PART_SYMBOLS ((size_t)1 << 19)

#define RDC_PART_LANES 7u    /* first byte: log2 of the lanes */
#define RDC_PART_ESCAPES 32u /* an escape section is there */
#define RDC_PART_UNUSED 192u

/* First byte, escape length, tail length, states; at most. */
#define RDC_PART_HEAD_BYTES (1 + 2 * RDC_VARINT_BYTES + 5 * RDC_MAX_LANES)

/* A block of n symbols has so many parts; part p begins at symbol rdc_part_first(n, p). */
static inline size_t rdc_part_count(size_t n) {
    return n ? (n - 1) / RDC_PART_SYMBOLS + 1 : 1;
}

static inline size_t rdc_part_first(size_t n, size_t p) {
    return n / rdc_part_count(n) * p + rdc_smaller(n % rdc_part_count(n), p);
}

/* Bytes that are enough for a part of n symbols while it is made. */
size_t rdc_part_bound(size_t n);

/* Codes n > 0 symbols; lanes 0 for as many as pay off. Errors: RDC_ERROR_INDEX (at: position). */
rdc_status rdc_part_encode(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n,
                           unsigned lanes, uint8_t *part, size_t *size);

/* Decoding, in segments of any length: open, decode until n > 0 symbols are out, finish. The index of rdc_part_decode_following is
 * checked by the caller. Errors: 100 to 299 (at: byte offset in the part), RDC_ERROR_INDEX (without the position). */
rdc_status rdc_part_open(rdc_part_decoder *decoder, const rdc_rans_kernels *kernels, const rdc_tables *tables, const uint8_t *part,
                         size_t size, size_t n);
rdc_status rdc_part_decode(rdc_part_decoder *decoder, rdc_index index, size_t n, int32_t *symbols);
rdc_status rdc_part_decode_following(rdc_part_decoder *decoder, const uint16_t *index, rdc_parity_register *follows, size_t n,
                                     int32_t *symbols);
rdc_status rdc_part_finish(const rdc_part_decoder *decoder);

/* The states of several lanes as bits: each 4 that say how long it is, and all of its bits but the highest, which is set. */
uint8_t *rdc_lane_states_write(uint8_t *bytes, const uint32_t *states, unsigned lanes);

/* Reads them at *at of bytes[0..size) and moves *at behind them. Errors: RDC_ERROR_TRUNCATED, RDC_ERROR_STATE_PADDING. */
rdc_status rdc_lane_states_read(const uint8_t *bytes, size_t size, size_t *at, uint32_t *states, unsigned lanes);

#endif
