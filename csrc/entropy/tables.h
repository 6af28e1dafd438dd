/* How frequency tables lie in memory. Private to csrc/entropy. */
#ifndef RDC_ENTROPY_TABLES_H
#define RDC_ENTROPY_TABLES_H

#include "rdc.h"

/* A table: its symbols, and where its entries begin. */
typedef struct rdc_table {
    int32_t offset;   /* symbol of entry 0 */
    uint32_t first;   /* position of entry 0 in `entries` and `starts` */
    uint32_t escape;  /* the last entry */
    uint32_t order;   /* of the Exp-Golomb code of escaped symbols */
} rdc_table;

/* What scalar encoding of a symbol takes: with x < limit, q = x / f = x * reciprocal >> (32 + precision), and the step
 * x -> q * 2^precision + x % f + start = x + q * complement + start. The reciprocal is 2^(32 + precision) / f rounded up:
 * its error e < f and x < f * 2^(32 - precision) give x * e < 2^(32 + precision), so the quotient is exact, and
 * x * reciprocal < 2^64. */
typedef struct rdc_entry {
    uint64_t reciprocal;
    uint32_t limit;      /* f * 2^(32 - precision): a state from here on gives a word away first */
    uint16_t start;      /* sum of the frequencies before this one */
    uint16_t complement; /* 2^precision - f */
} rdc_entry;

/* Decoding looks a slot up in one of 2^b equal intervals of its table. What it finds there, 8 bytes, is enough for the first
 * two entries that meet the interval: `entry`, from `start` up to `middle`, and the one after it, up to `end`. b is as
 * small as it may be for slots beyond `end` to be rare. */
typedef uint64_t rdc_interval; /* start | middle << 16 | end << 32 | entry << 48 */

/* Where the intervals of a table are, for decoding. */
typedef struct rdc_decode_row {
    uint32_t first_shift; /* position of the first one << 4 | precision - b */
    int32_t offset;       /* symbol of entry 0 */
} rdc_decode_row;

/* The same for vectors: an entry is 4 bytes, start | frequency << 16, and a table begins at a multiple of RDC_ENCODE_ALIGN. */
typedef struct rdc_encode_row {
    int32_t offset;
    uint32_t first_escape; /* position of entry 0 << RDC_ENCODE_SHIFT | escape */
} rdc_encode_row;

/* The same for up to RDC_FEW_TABLES tables whose symbols fit into int16, in numbers that permutations of registers look up. */
#define RDC_FEW_TABLES 64

typedef struct rdc_few_rows {
    int16_t offset[RDC_FEW_TABLES];
    uint16_t escape[RDC_FEW_TABLES];
    uint16_t first[RDC_FEW_TABLES]; /* position of entry 0 / RDC_ENCODE_ALIGN */
} rdc_few_rows;

#define RDC_ENCODE_ALIGN 16 /* entries, 2^4 */
#define RDC_ENCODE_SHIFT 11
#define RDC_ENCODE_ESCAPES (RDC_ENCODE_ALIGN << RDC_ENCODE_SHIFT) /* these bits are enough for an escape */

typedef struct rdc_wide rdc_wide; /* wide.h */

struct rdc_tables {
    unsigned precision;
    size_t count;
    size_t total;              /* entries of all tables */
    rdc_table *tables;
    rdc_entry *entries;        /* of all tables, one after the other, and one unused after each table, so that they go with `starts` */
    uint16_t *starts;          /* of all entries, and 2^precision after each table */
    rdc_decode_row *decode_rows;
    rdc_interval *intervals;   /* of all tables */
    rdc_encode_row *encode_rows; /* NULL where there are more entries than a row can name: vectors leave such tables to scalar code */
    uint32_t *encode_entries;
    rdc_few_rows *few_rows;    /* NULL where there are more tables, or wider ones */
    rdc_wide *wide;            /* one a table; NULL where none is wide. To all of the above, a wide table is one of offset 0 whose
                                * symbols are its entries */
    struct rdc_span *runs;     /* of all wide tables; and places and raw bits of all entries */
    uint32_t *places;
    uint8_t *raw_bits;
};

static inline size_t rdc_smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static inline size_t rdc_index_at(rdc_index index, size_t i) {
    return index.width == 1 ? ((const uint8_t *)index.data)[i] : ((const uint16_t *)index.data)[i];
}

static inline rdc_index rdc_index_from(rdc_index index, size_t i) {
    return (rdc_index){(const uint8_t *)index.data + i * index.width, index.width};
}

/* The entry of a symbol in its table; the escape's for a symbol outside. */
static inline uint32_t rdc_table_entry(const rdc_table *table, int32_t symbol) {
    const uint32_t entry = (uint32_t)symbol - (uint32_t)table->offset;
    return entry < table->escape ? entry : table->escape;
}

static inline int32_t rdc_table_symbol(const rdc_table *table, uint32_t entry) {
    return (int32_t)((uint32_t)table->offset + entry);
}

/* The entry of a slot, of `from` and those after it. */
static inline uint32_t rdc_table_scan(const rdc_tables *tables, size_t t, uint32_t slot, uint32_t from) {
    const uint16_t *starts = tables->starts + tables->tables[t].first;
    while (starts[from + 1] <= slot) from++;
    return from;
}

#endif
