/* How frequency tables lie in memory. Private to csrc/entropy. */
#ifndef RDC_ENTROPY_TABLES_H
#define RDC_ENTROPY_TABLES_H

#include "rdc.h"

/* What encoding a symbol takes: with x < limit, q = x / f = x * reciprocal >> (32 + precision), and the step
 * x -> q * 2^precision + x % f + start = x + q * complement + start. The reciprocal is 2^(32 + precision) / f rounded up:
 * its error e < f and x < f * 2^(32 - precision) give x * e < 2^(32 + precision), so the quotient is exact, and
 * x * reciprocal < 2^64. */
typedef struct rdc_entry {
    uint64_t reciprocal;
    uint32_t limit;      /* f * 2^(32 - precision): a state from here on gives a word away first */
    uint16_t start;      /* sum of the frequencies before this one */
    uint16_t complement; /* 2^precision - f */
} rdc_entry;

/* A table: its symbols, and where its entries begin. */
typedef struct rdc_table {
    int32_t offset;   /* symbol of entry 0 */
    uint32_t first;   /* position of entry 0 in `entries` and `starts` */
    uint32_t escape;  /* the last entry */
    uint32_t order;   /* of the Exp-Golomb code of escaped symbols */
} rdc_table;

/* Decoding looks a slot up in one of so many intervals a table (512 bytes of lookup, so that 64 tables fit into the first-level
 * cache): coarse[interval] is the entry that holds its first slot, and a scan from there, mostly of no step, finds the slot's. */
#define RDC_COARSE_BITS 8

struct rdc_tables {
    unsigned precision;
    size_t count;
    size_t total;        /* entries of all tables */
    rdc_table *tables;
    rdc_entry *entries;  /* of all tables, one after the other, and one unused after each table, so that they go with `starts` */
    uint16_t *starts;    /* of all entries, and 2^precision after each table */
    uint16_t *coarse;    /* of all tables */
};

static inline size_t rdc_index_at(rdc_index index, size_t i) {
    return index.width == 1 ? ((const uint8_t *)index.data)[i] : ((const uint16_t *)index.data)[i];
}

/* The entry of a symbol in its table; the escape's for a symbol outside. */
static inline uint32_t rdc_table_entry(const rdc_table *table, int32_t symbol) {
    const uint32_t entry = (uint32_t)symbol - (uint32_t)table->offset;
    return entry < table->escape ? entry : table->escape;
}

static inline int32_t rdc_table_symbol(const rdc_table *table, uint32_t entry) {
    return (int32_t)((uint32_t)table->offset + entry);
}

/* Errors: RDC_ERROR_INDEX (at: position of the first index that names no table). */
rdc_status rdc_tables_check_index(const rdc_tables *tables, rdc_index index, size_t n);

#endif
