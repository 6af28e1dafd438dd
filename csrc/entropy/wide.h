/* Wide tables, whose entries stand for many symbols each. Private to csrc/entropy.
 *
 * A wide table lists its symbols in runs of consecutive ones; their order gives each symbol a *place*. Entry s stands for the next
 * 2^r places, r its raw bits, and which of them is meant stands as r bits in the escape section. Kernels see an ordinary table with
 * entries for symbols; what is here goes between symbols and entries. A set without wide tables pays a test a run. */
#ifndef RDC_ENTROPY_WIDE_H
#define RDC_ENTROPY_WIDE_H

#include "base/bits.h"
#include "entropy/escape.h"

/* So many numbers from `from` on go with those from `to` on. */
typedef struct rdc_span {
    uint32_t from, to, length;
} rdc_span;

/* Symbols are counted from the offset here. */
struct rdc_wide {
    uint32_t runs;                  /* 0: the table is not wide */
    const rdc_span *runs_to_places; /* in the order of symbols */
    const rdc_span *places_to_runs; /* in that of places */
    const uint32_t *places;         /* where each entry begins; the escape's is one behind the last place */
    const uint8_t *raw_bits;        /* of each entry */
    int32_t offset;                 /* below all symbols or the first one */
    uint32_t last;                  /* highest symbol */
    unsigned gap_bits;              /* of any number up to `last`, where some of these are no symbols; else 0 */
    rdc_outside outside;
};

/* What a symbol is coded as: an entry, and bits in the escape section. */
typedef struct rdc_wide_code {
    uint32_t entry;
    unsigned raw_bits; /* 0 for the escape */
    uint32_t raw;
} rdc_wide_code;

rdc_wide_code rdc_wide_find(const rdc_wide *wide, uint32_t escape, int32_t symbol);

/* Sets all that escapes depend on. */
void rdc_wide_set_ends(rdc_wide *wide, int32_t offset, uint32_t last, uint32_t places);

/* Bits of the code of a symbol that is not in the table. */
unsigned rdc_wide_escape_bits(const rdc_wide *wide, int32_t symbol);

/* What the kernels are given for n symbols of tables some of which are wide. */
void rdc_wide_entries(const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n, int32_t *entries);

/* As rdc_escape_write and rdc_escape_read, for all of the symbols; raw bits stand among the codes. Reading replaces entries too.
 * Errors: as rdc_escape_read, RDC_ERROR_ESCAPE_GAP, RDC_ERROR_RAW_BITS. */
void rdc_wide_write(rdc_bit_writer *writer, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n);
rdc_status rdc_wide_read(rdc_bit_reader *reader, const rdc_tables *tables, rdc_index index, size_t n, int32_t *symbols);

/* Checks what makes tables wide; the rest is checked. */
rdc_status rdc_wide_check(const rdc_wide_arrays *arrays, size_t table_count, const uint32_t *counts, const int32_t *offsets);

/* Sets `wide` and what belongs to it. Errors: RDC_ERROR_MEMORY, RDC_ERROR_RUN_OVERLAP. */
rdc_status rdc_wide_fill(rdc_tables *tables, const rdc_wide_arrays *arrays, const uint32_t *counts, const int32_t *offsets);
void rdc_wide_free(rdc_tables *tables);

#endif
