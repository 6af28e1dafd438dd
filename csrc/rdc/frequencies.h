/* Frequency tables. */
#ifndef RDC_PUBLIC_FREQUENCIES_H
#define RDC_PUBLIC_FREQUENCIES_H

#include "rdc/errors.h"

RDC_BEGIN

/* T tables of integer frequencies with what encoder and decoder look up. Immutable once made, so threads may share it. */
typedef struct rdc_tables rdc_tables;

/* Wide tables, whose entries stand for many symbols: docs/format.md. */
typedef struct rdc_wide_arrays {
    const uint8_t *raw_bits;    /* of every entry: it stands for 2^raw_bits symbols; 0 for escapes and in tables that are not wide */
    const uint32_t *run_counts; /* runs of every table, 0 where it is not wide */
    const uint32_t *runs;       /* first symbol - offset and length of each, in the order of the entries that stand for them */
    size_t run_total;
} rdc_wide_arrays;

/* Makes tables from frequencies. Table t has counts[t] entries, the last one the escape; entry s < counts[t] - 1 stands for
 * the symbol offsets[t] + s. `frequencies` holds the entries of all tables one after the other, `total` of them: each >= 1,
 * summing to 2^precision a table. `wide` may be NULL. Errors: RDC_ERROR_PRECISION to RDC_ERROR_RUN_OVERLAP, RDC_ERROR_MEMORY. */
rdc_status rdc_tables_create(rdc_tables **tables, unsigned precision, size_t table_count, const uint32_t *counts,
                             const int32_t *offsets, const uint16_t *frequencies, size_t total, const rdc_wide_arrays *wide);
void rdc_tables_free(rdc_tables *tables);
unsigned rdc_tables_precision(const rdc_tables *tables);
size_t rdc_tables_count(const rdc_tables *tables);
size_t rdc_tables_total(const rdc_tables *tables);     /* entries of all tables */
size_t rdc_tables_run_total(const rdc_tables *tables); /* runs of all tables; 0 where none is wide */

/* Write the arrays that rdc_tables_create takes; there is room for the tables, the entries, and two numbers a run. */
void rdc_tables_export(const rdc_tables *tables, uint32_t *counts, int32_t *offsets, uint16_t *frequencies);
void rdc_tables_export_wide(const rdc_tables *tables, uint8_t *raw_bits, uint32_t *run_counts, uint32_t *runs);

#define RDC_LENGTH_BITS 8 /* fractional bits of a code length */

/* Code lengths of the symbols 0, 1, ... in the tables from `first` on, [tables, symbols], by integers alone: the same on every machine.
 * A symbol that a table lacks takes its escape and a typical code. Errors: RDC_ERROR_INDEX. */
rdc_status rdc_code_lengths(const rdc_tables *tables, size_t first, size_t symbols, uint16_t *lengths);

/* A table as rdc_tables_create takes it. `raw_bits` and `runs` are NULL where it is not wide. */
typedef struct rdc_rounded {
    int32_t offset;
    uint32_t count;
    uint32_t run_count;
    uint16_t *frequencies;
    uint8_t *raw_bits;
    uint32_t *runs;
} rdc_rounded;

/* Rounds a pmf (probabilities of the symbols offset, offset + 1, ...; what is missing to 1 belongs to the escape) to
 * frequencies of least expected code length, and leaves symbols at both ends to the escape where that is shorter. The table is wide
 * where another one would be more than 1% and more than 0.02 bits above the entropy. `rounded` is to be freed if there is no error.
 * Errors: RDC_ERROR_PRECISION, _PMF_VALUE (at: position), _PMF_SUM, _PMF_SYMBOLS, _PMF_OFFSET, _PMF_RATE, _MEMORY. */
rdc_status rdc_pmf_round(const double *pmf, size_t symbols, int32_t offset, unsigned precision, rdc_rounded *rounded);
void rdc_rounded_free(rdc_rounded *rounded);

/* The built-in set, a constant: zero-mean Gaussians of 64 log-spaced standard deviations from 0.11 to 256, integrated over
 * unit intervals, precision 14. */
rdc_status rdc_tables_create_gaussian(rdc_tables **tables);

RDC_END

#endif
