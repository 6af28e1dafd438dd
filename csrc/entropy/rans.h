/* The rANS kernels: runs of symbols over interleaved lanes. Private to csrc/entropy. */
#ifndef RDC_ENTROPY_RANS_H
#define RDC_ENTROPY_RANS_H

#include "entropy/tables.h"

#define RDC_RANS_LOW 65536u /* states are kept at or above; one below takes a word in */

/* Codes n symbols, the last one first, symbol i in lane i % lanes of `states`. Words are written downwards from *word, at most
 * one a symbol; two bytes more of room are needed below them. *word moves to where the words begin. Returns the number of
 * escaped symbols. */
typedef size_t rdc_rans_encode_fn(const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n, unsigned lanes,
                                  uint32_t *states, uint8_t **word);

/* Decodes n symbols, the first one in lane `lane`. Words are taken from *word up to `end`; none are taken once they are used
 * up, so that a damaged block is found by its final states. An escape becomes the symbol one past its table's support.
 * Returns whether there was one. */
typedef int rdc_rans_decode_fn(const rdc_tables *tables, rdc_index index, size_t n, unsigned lanes, unsigned lane,
                               uint32_t *states, const uint8_t **word, const uint8_t *end, int32_t *symbols);

struct rdc_rans_kernels {
    rdc_rans_encode_fn *encode;
    rdc_rans_decode_fn *decode;
};

rdc_rans_encode_fn rdc_rans_encode_scalar;
rdc_rans_decode_fn rdc_rans_decode_scalar;

#endif
