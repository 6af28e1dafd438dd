/* The rANS kernels: runs of symbols over interleaved lanes. Private to csrc/entropy. */
#ifndef RDC_ENTROPY_RANS_H
#define RDC_ENTROPY_RANS_H

#include "entropy/tables.h"

#define RDC_RANS_LOW 65536u /* states are kept at or above; one below takes a word in */
#define RDC_RANS_START 32u /* of a lone lane: decoding ends here, and what falls below never comes back */
#define RDC_RANS_BELOW_ONE 0.99999952f /* 1 - 2^-21, for estimates that must not be too large */
#define RDC_RANS_SLACK 64   /* bytes that an encoder may touch below its words */

/* Kernels code runs, and say in which groups of a run escapes are, so that these need not be looked for: bit g stands for the
 * symbols from g * RDC_RANS_GROUP on. */
#define RDC_RANS_GROUP 64
#define RDC_RANS_RUN (32 * RDC_RANS_GROUP)

/* Codes n <= RDC_RANS_RUN symbols, the last one first, symbol i in lane i % lanes of `states`. Words are written downwards from
 * *word, at most one a symbol, with RDC_RANS_SLACK bytes of room below them. *word moves to where the words begin. Returns
 * the groups with escapes. */
typedef uint32_t rdc_rans_encode_fn(const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n, unsigned lanes,
                                    uint32_t *states, uint8_t **word);

/* Decodes n <= RDC_RANS_RUN symbols, the first one in lane `lane`. Words are taken from *word up to `stop`; none are taken once they
 * are used up, so that a damaged block is found by its final states. An escape becomes the symbol one past its table's support.
 * Returns groups among which all those with escapes are. */
typedef uint32_t rdc_rans_decode_fn(const rdc_tables *tables, rdc_index index, size_t n, unsigned lanes, unsigned lane,
                                    uint32_t *states, const uint8_t **word, const uint8_t *stop, int32_t *symbols);

/* Decodes up to n symbols whose tables follow them, and stops behind the first escape, *escaped, whose parity is not known yet.
 * Returns how many there are. One symbol waits for the other, so there is no variant. */
size_t rdc_rans_decode_following(const rdc_tables *tables, const uint16_t *index, rdc_parity_register *follows, size_t n, unsigned lanes,
                                 unsigned lane, uint32_t *states, const uint8_t **word, const uint8_t *stop, int32_t *symbols,
                                 uint32_t *escaped);

/* Copies n indices; returns whether all copies are below `count`. */
typedef int rdc_index_copy_fn(void *to, rdc_index index, size_t n, size_t count);

struct rdc_rans_kernels {
    rdc_rans_encode_fn *encode;
    rdc_rans_decode_fn *decode;
    rdc_index_copy_fn *copy_index;
};

rdc_rans_encode_fn rdc_rans_encode_scalar, rdc_rans_encode_neon, rdc_rans_encode_avx2, rdc_rans_encode_avx512;
rdc_rans_decode_fn rdc_rans_decode_scalar, rdc_rans_decode_neon, rdc_rans_decode_avx2, rdc_rans_decode_avx512;
rdc_index_copy_fn rdc_index_copy_scalar, rdc_index_copy_avx2, rdc_index_copy_avx512;

#endif
