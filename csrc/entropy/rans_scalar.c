/* The scalar kernels. They define the bytes: every other variant writes the same. */
#include "base/bytes.h"
#include "entropy/rans.h"

/* What the loops read, by value: the stores cannot alias it. */
typedef struct rdc_lookup {
    const rdc_table *tables;
    const rdc_entry *entries;
    const uint16_t *starts;
    const uint16_t *coarse;
    unsigned precision;
} rdc_lookup;

static rdc_lookup rdc_lookup_of(const rdc_tables *tables) {
    return (rdc_lookup){tables->tables, tables->entries, tables->starts, tables->coarse, tables->precision};
}

/* Codes a symbol onto state x. The word is stored in any case and kept if it was due, which spares a branch that no CPU can foresee. */
static inline uint32_t encode_step(rdc_lookup look, size_t t, int32_t symbol, uint32_t x, uint8_t **word, size_t *inside) {
    const rdc_table *table = &look.tables[t];
    const uint32_t distance = (uint32_t)symbol - (uint32_t)table->offset;
    *inside += distance < table->escape;
    const rdc_entry *entry = &look.entries[table->first + (distance < table->escape ? distance : table->escape)];
    const unsigned due = x >= entry->limit;
    rdc_store16(*word - 2, x);
    *word -= 2 * due;
    x = due ? x >> 16 : x;
    const uint32_t q = (uint32_t)(x * entry->reciprocal >> (32 + look.precision));
    return x + q * entry->complement + entry->start;
}

/* `index.width` is a constant here, so that there is one loop for each width. */
static inline size_t encode(const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n, unsigned lanes,
                            uint32_t *states, uint8_t **word) {
    const rdc_lookup look = rdc_lookup_of(tables);
    uint8_t *next = *word;
    size_t inside = 0;
    for (size_t i = n; i-- > 0;) {
        uint32_t *state = &states[i & (lanes - 1)];
        *state = encode_step(look, rdc_index_at(index, i), symbols[i], *state, &next, &inside);
    }
    *word = next;
    return n - inside;
}

size_t rdc_rans_encode_scalar(const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n, unsigned lanes,
                              uint32_t *states, uint8_t **word) {
    if (index.width == 1) return encode(tables, symbols, (rdc_index){index.data, 1}, n, lanes, states, word);
    return encode(tables, symbols, (rdc_index){index.data, 2}, n, lanes, states, word);
}

/* Decodes a symbol from state x; returns the state, which may be due a word. */
static inline uint32_t decode_step(rdc_lookup look, size_t t, uint32_t x, int32_t *symbol, int *escaped) {
    const rdc_table *table = &look.tables[t];
    const uint32_t slot = x & ((1u << look.precision) - 1);
    const uint16_t *starts = look.starts + table->first;
    uint32_t entry = look.coarse[(t << RDC_COARSE_BITS) + (slot >> (look.precision - RDC_COARSE_BITS))];
    while (starts[entry + 1] <= slot) entry++;
    *symbol = rdc_table_symbol(table, entry);
    *escaped |= entry == table->escape;
    return (x >> look.precision) * (starts[entry + 1] - starts[entry]) + slot - starts[entry];
}

static inline int decode(const rdc_tables *tables, rdc_index index, size_t n, unsigned lanes, unsigned lane, uint32_t *states,
                         const uint8_t **word, const uint8_t *end, int32_t *symbols) {
    const rdc_lookup look = rdc_lookup_of(tables);
    const uint8_t *next = *word;
    int escaped = 0;
    size_t i = 0;
    /* while a word is left in any case, without a branch */
    for (; i < n && next != end; i++) {
        uint32_t *state = &states[(lane + i) & (lanes - 1)];
        const uint32_t x = decode_step(look, rdc_index_at(index, i), *state, &symbols[i], &escaped);
        const unsigned due = x < RDC_RANS_LOW;
        *state = due ? x << 16 | rdc_load16(next) : x;
        next += 2 * due;
    }
    for (; i < n; i++) {
        uint32_t *state = &states[(lane + i) & (lanes - 1)];
        *state = decode_step(look, rdc_index_at(index, i), *state, &symbols[i], &escaped);
    }
    *word = next;
    return escaped;
}

int rdc_rans_decode_scalar(const rdc_tables *tables, rdc_index index, size_t n, unsigned lanes, unsigned lane,
                           uint32_t *states, const uint8_t **word, const uint8_t *end, int32_t *symbols) {
    if (index.width == 1) return decode(tables, (rdc_index){index.data, 1}, n, lanes, lane, states, word, end, symbols);
    return decode(tables, (rdc_index){index.data, 2}, n, lanes, lane, states, word, end, symbols);
}
