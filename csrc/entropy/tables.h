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

/* A table: where its entries begin, and how decoding finds one. coarse[slot >> coarse_shift] is the entry that holds the
 * first slot of that interval; from there a scan finds the entry of the slot. */
typedef struct rdc_table {
    int32_t offset;       /* symbol of entry 0 */
    uint32_t first;       /* position of entry 0 in `entries` and `starts` */
    uint32_t coarse;      /* position of its intervals in `coarse` */
    uint16_t escape;      /* the last entry */
    uint8_t coarse_shift;
    uint8_t order;        /* of the Exp-Golomb code of escaped symbols */
} rdc_table;

struct rdc_tables {
    unsigned precision;
    size_t count;
    size_t total;        /* entries of all tables */
    rdc_table *tables;
    rdc_entry *entries;  /* of all tables, one after the other, and one unused after each table, so that they go with `starts` */
    uint16_t *starts;    /* of all entries, and 2^precision after each table */
    uint16_t *coarse;
};

static inline size_t rdc_index_at(rdc_index index, size_t i) {
    return index.width == 1 ? ((const uint8_t *)index.data)[i] : ((const uint16_t *)index.data)[i];
}

/* The entry of a symbol in its table; the escape's for a symbol outside. */
static inline uint32_t rdc_table_entry(const rdc_table *table, int32_t symbol) {
    const uint32_t entry = (uint32_t)symbol - (uint32_t)table->offset;
    return entry < table->escape ? entry : table->escape;
}

/* Errors: RDC_ERROR_INDEX (at: position of the first index that names no table). */
rdc_status rdc_tables_check_index(const rdc_tables *tables, rdc_index index, size_t n);

#endif
