/* The escape section of a block: symbols outside their table's support as Exp-Golomb codes, most significant bit first.
 *
 * A symbol at distance d = 0, 1, ... above the support is the number 2 d, one at distance d below it 2 d + 1. The number u
 * has the code of order k: z zero bits, then u + 2^k in z + k + 1 bits. */
#ifndef RDC_ENTROPY_ESCAPE_H
#define RDC_ENTROPY_ESCAPE_H

#include "base/bits.h"
#include "entropy/tables.h"

/* Order of the codes of a table with this many entries. A table reaches so far that what lies outside is about 1/16 of its
 * width away, Gaussian tables for one. */
unsigned rdc_escape_order(uint64_t count);

/* What codes count from: the ends of the support, and their order. */
typedef struct rdc_outside {
    int64_t first;
    int64_t end; /* one behind the last symbol */
    unsigned order;
} rdc_outside;

static inline rdc_outside rdc_table_outside(const rdc_table *table) {
    return (rdc_outside){table->offset, (int64_t)table->offset + table->escape, table->order};
}

/* Bits of the code of a symbol that is outside. */
unsigned rdc_escape_bits(rdc_outside outside, int32_t symbol);

#define RDC_ESCAPE_BYTES 9 /* of a code, at most: an order k and a distance below 2^32 make at most 66 bits, and one of a wide table */

/* Writes and reads one code. Errors: as rdc_escape_read. */
void rdc_escape_write_code(rdc_bit_writer *writer, rdc_outside outside, int32_t symbol);
rdc_status rdc_escape_read_code(rdc_bit_reader *reader, rdc_outside outside, int32_t *symbol);

/* Writes the codes of the symbols that are outside their tables, into room for RDC_ESCAPE_BYTES a symbol. Symbols and index are read once,
 * for they may have been changed by another thread since the words were written: the block is of no use then, but nothing else happens. */
void rdc_escape_write(rdc_bit_writer *writer, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n);

/* Replaces each symbol one past its table's support, which is what a kernel decodes an escape to, by the next escaped symbol.
 * Errors: RDC_ERROR_ESCAPE_CODE, RDC_ERROR_ESCAPE_VALUE (at: byte offset in the section). */
rdc_status rdc_escape_read(rdc_bit_reader *reader, const rdc_tables *tables, rdc_index index, size_t n, int32_t *symbols);

#endif
