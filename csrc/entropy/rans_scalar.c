/* The scalar kernels. They define the bytes: every other variant writes the same. */
#include "base/bytes.h"
#include "entropy/rans.h"

/* What the loops read, by value: the stores cannot alias it. */
typedef struct encode_lookup {
    const rdc_table *tables;
    const rdc_entry *entries;
    unsigned precision;
} encode_lookup;

/* Codes a symbol onto state x. The word is stored in any case and kept if it was due, which spares a branch that no CPU can foresee. */
static inline uint32_t encode_step(encode_lookup look, size_t t, int32_t symbol, uint32_t x, uint8_t **word, uint32_t *escaped, size_t i) {
    const rdc_table *table = &look.tables[t];
    const uint32_t distance = (uint32_t)symbol - (uint32_t)table->offset;
    *escaped |= (uint32_t)(distance >= table->escape) << i / RDC_RANS_GROUP;
    const rdc_entry *entry = &look.entries[table->first + (distance < table->escape ? distance : table->escape)];
    const unsigned due = x >= entry->limit;
    rdc_store16(*word - 2, x);
    *word -= 2 * due;
    x >>= 16 * due;
    const uint32_t q = (uint32_t)(x * entry->reciprocal >> (32 + look.precision));
    return x + q * entry->complement + entry->start;
}

/* `index.width` is a constant here, so that there is one loop for each width. */
static inline uint32_t encode(const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n, unsigned lanes,
                              uint32_t *states, uint8_t **word) {
    const encode_lookup look = {tables->tables, tables->entries, tables->precision};
    uint8_t *next = *word;
    uint32_t escaped = 0;
    for (size_t i = n; i-- > 0;) {
        uint32_t *state = &states[i & (lanes - 1)];
        *state = encode_step(look, rdc_index_at(index, i), symbols[i], *state, &next, &escaped, i);
    }
    *word = next;
    return escaped;
}

uint32_t rdc_rans_encode_scalar(const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n, unsigned lanes,
                                uint32_t *states, uint8_t **word) {
    if (index.width == 1) return encode(tables, symbols, (rdc_index){index.data, 1}, n, lanes, states, word);
    return encode(tables, symbols, (rdc_index){index.data, 2}, n, lanes, states, word);
}

typedef struct decode_lookup {
    const rdc_tables *tables;
    const rdc_decode_row *rows;
    const rdc_interval *intervals;
    unsigned precision;
} decode_lookup;

/* Decodes a symbol from state x; returns the state, which may be due a word. */
static inline uint32_t decode_step(decode_lookup look, size_t t, uint32_t x, int32_t *symbol, uint32_t *escaped, size_t i) {
    const rdc_decode_row row = look.rows[t];
    const uint32_t slot = x & ((1u << look.precision) - 1);
    const rdc_interval interval = look.intervals[(row.first_shift >> 4) + (slot >> (row.first_shift & 15))];
    const uint32_t middle = interval >> 16 & 0xffff;
    const unsigned second = slot >= middle;
    uint32_t entry = (uint32_t)(interval >> 48) + second;
    const uint64_t bounds = interval >> (16 * second); /* of the entry: its start and its end */
    uint32_t start = bounds & 0xffff, end = bounds >> 16 & 0xffff;
    if (slot >= end) {
        const uint16_t *starts = look.tables->starts + look.tables->tables[t].first;
        entry = rdc_table_scan(look.tables, t, slot, entry);
        start = starts[entry];
        end = starts[entry + 1];
    }
    *symbol = (int32_t)((uint32_t)row.offset + entry);
    *escaped |= end >> look.precision << i / RDC_RANS_GROUP; /* the escape is the last entry */
    return (x >> look.precision) * (end - start) + slot - start;
}

static inline uint32_t decode(const rdc_tables *tables, rdc_index index, size_t n, unsigned lanes, unsigned lane, uint32_t *states,
                              const uint8_t **word, const uint8_t *stop, int32_t *symbols) {
    const decode_lookup look = {tables, tables->decode_rows, tables->intervals, tables->precision};
    const uint8_t *next = *word;
    uint32_t escaped = 0;
    size_t i = 0;
    /* while a word is left in any case; shifts, since no CPU can foresee which way a branch would go */
    for (; i < n && next != stop; i++) {
        uint32_t *state = &states[(lane + i) & (lanes - 1)];
        const uint32_t x = decode_step(look, rdc_index_at(index, i), *state, &symbols[i], &escaped, i);
        const unsigned due = x < RDC_RANS_LOW;
        *state = x << (16 * due) | (rdc_load16(next) & (0u - due));
        next += 2 * due;
    }
    for (; i < n; i++) {
        uint32_t *state = &states[(lane + i) & (lanes - 1)];
        *state = decode_step(look, rdc_index_at(index, i), *state, &symbols[i], &escaped, i);
    }
    *word = next;
    return escaped;
}

uint32_t rdc_rans_decode_scalar(const rdc_tables *tables, rdc_index index, size_t n, unsigned lanes, unsigned lane,
                                uint32_t *states, const uint8_t **word, const uint8_t *stop, int32_t *symbols) {
    if (index.width == 1) return decode(tables, (rdc_index){index.data, 1}, n, lanes, lane, states, word, stop, symbols);
    return decode(tables, (rdc_index){index.data, 2}, n, lanes, lane, states, word, stop, symbols);
}

size_t rdc_rans_decode_following(const rdc_tables *tables, const uint16_t *index, rdc_parity_register *follows, size_t n, unsigned lanes,
                                 unsigned lane, uint32_t *states, const uint8_t **word, const uint8_t *stop, int32_t *symbols,
                                 uint32_t *escaped) {
    const decode_lookup look = {tables, tables->decode_rows, tables->intervals, tables->precision};
    rdc_parity_register r = *follows;
    const uint8_t *next = *word;
    *escaped = 0;
    size_t i = 0;
    while (i < n && !*escaped) {
        uint32_t *state = &states[(lane + i) & (lanes - 1)];
        const uint32_t x = decode_step(look, index[i] + (r.state & 1), *state, &symbols[i], escaped, 0);
        const unsigned due = x < RDC_RANS_LOW && next != stop;
        *state = due ? x << 16 | rdc_load16(next) : x;
        next += 2 * due;
        if (!*escaped) r.state = rdc_parity_register_next(r, symbols[i]);
        i++;
    }
    *word = next;
    *follows = r;
    return i;
}
