/* rANS blocks. */
#ifndef RDC_PUBLIC_BLOCKS_H
#define RDC_PUBLIC_BLOCKS_H

#include "rdc/cpu_levels.h"
#include "rdc/frequencies.h"
#include "rdc/limits.h"

RDC_BEGIN

/* The table of every symbol: an array of uint8 (width 1) or uint16 (width 2). */
typedef struct rdc_index {
    const void *data;
    unsigned width;
} rdc_index;

/* A block in memory: made, written to where there is room for its size, freed. */
typedef struct rdc_coded_block rdc_coded_block;

/* Codes n symbols. `lanes` is a power of two up to RDC_MAX_LANES, or 0 for as many as hardly cost anything; what is too small for
 * them gets 1 lane. `threads` share out what is long, 0 for as many as OpenMP takes; the bytes do not depend on it. Errors:
 * RDC_ERROR_LANES, RDC_ERROR_INDEX (at: position), RDC_ERROR_SYMBOL_LIMIT, RDC_ERROR_MEMORY. */
rdc_status rdc_block_encode(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n,
                            unsigned lanes, unsigned threads, rdc_coded_block **coded);
size_t rdc_coded_block_size(const rdc_coded_block *coded);
void rdc_coded_block_write(const rdc_coded_block *coded, uint8_t *block);
void rdc_coded_block_free(rdc_coded_block *coded);

/* Decodes the n symbols of a block. Errors: RDC_ERROR_INDEX (at: position), 100 to 299 (at: byte offset), RDC_ERROR_SYMBOL_LIMIT,
 * RDC_ERROR_MEMORY. */
rdc_status rdc_block_decode_all(const rdc_rans_kernels *kernels, const rdc_tables *tables, const uint8_t *block, size_t size, size_t n,
                                rdc_index index, unsigned threads, int32_t *symbols);

/* Decoding in segments of any length: open, decode until n symbols are out, finish. The block must outlive the decoder.
 * Nothing is allocated. The fields are private. */
typedef struct rdc_bit_reader {
    const uint8_t *bytes;
    uint64_t bits; /* in all */
    uint64_t position;
} rdc_bit_reader;

typedef struct rdc_part_decoder {
    const rdc_rans_kernels *kernels;
    const rdc_tables *tables;
    const uint8_t *part;
    const uint8_t *word;      /* next of the words that the lanes share */
    const uint8_t *words_end;
    size_t escape_start;      /* byte offset of the escape section */
    rdc_bit_reader escapes;
    size_t remaining;         /* symbols still to come */
    size_t tail;              /* of these, the last ones, hidden in the lanes' initial states; 0 once they are decoded from */
    unsigned lanes;
    unsigned lane;            /* of the next symbol */
    uint32_t states[RDC_MAX_LANES];
    uint8_t tail_words[2 * RDC_MAX_LANES];
} rdc_part_decoder;

typedef struct rdc_block_decoder {
    const rdc_rans_kernels *kernels;
    const rdc_tables *tables;
    const uint8_t *block;
    size_t size;
    size_t n;
    size_t remaining;   /* symbols still to come */
    size_t size_at;     /* byte offset of the size of the next part */
    size_t part_at;     /* byte offset of the current part */
    size_t part_end;
    size_t next_part;
    rdc_part_decoder part;
    rdc_status failure; /* the first error; a decoder does not recover */
} rdc_block_decoder;

/* Reads the head of a block of n symbols. Errors: 100 to 299 (at: byte offset), RDC_ERROR_SYMBOL_LIMIT. */
rdc_status rdc_block_open(rdc_block_decoder *decoder, const rdc_rans_kernels *kernels, const rdc_tables *tables,
                          const uint8_t *block, size_t size, size_t n);

/* Decodes the next n symbols. Errors: RDC_ERROR_INDEX (at: position), RDC_ERROR_TOO_MANY_DECODED, 100 to 299. */
rdc_status rdc_block_decode(rdc_block_decoder *decoder, rdc_index index, size_t n, int32_t *symbols);

/* Tables that follow the symbols: a shift register takes in the parity of each, and its lowest bit says whether the table of the
 * next symbol is the one that the index names or the one behind it. */
typedef struct rdc_parity_register {
    unsigned state;
    unsigned feedback; /* added where the lowest bit was set ... */
    unsigned input;    /* ... and where the symbol is odd */
} rdc_parity_register;

static inline unsigned rdc_parity_register_next(rdc_parity_register r, int32_t symbol) {
    return (r.state >> 1) ^ (r.feedback & (0u - (r.state & 1))) ^ (r.input & (0u - ((uint32_t)symbol & 1)));
}

/* Decodes the next n symbols, whose tables follow them. Errors: as rdc_block_decode. */
rdc_status rdc_block_decode_following(rdc_block_decoder *decoder, const uint16_t *index, rdc_parity_register follows, size_t n, int32_t *symbols);

/* Checks that every symbol is out and every byte of the block was used. Until then decoded symbols may be those of a
 * damaged block. Errors: RDC_ERROR_NOT_ALL_DECODED, 100 to 299. */
rdc_status rdc_block_finish(const rdc_block_decoder *decoder);

/* Ideal code length in bits: -sum of log2(frequency / 2^precision) and the bits of the escape codes.
 * Errors: RDC_ERROR_INDEX (at: position), RDC_ERROR_SYMBOL_LIMIT. */
rdc_status rdc_block_ideal_bits(const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n, double *bits);

RDC_END

#endif
