/* The scalar kernels. They define the bytes: every other variant writes the same. */
#include "base/bytes.h"
#include "entropy/rans.h"

/* One step of the encoder. The word is stored in any case and kept if it was due, which spares a branch that no CPU can foresee. */
static inline uint32_t encode_step(const rdc_tables *tables, const rdc_table *table, int32_t symbol, uint32_t x,
                                   uint8_t **words) {
    const rdc_entry *entry = &tables->entries[table->first + rdc_table_entry(table, symbol)];
    const unsigned due = x >= entry->limit;
    rdc_store16(*words - 2, x);
    *words -= 2 * due;
    x >>= 16 * due;
    const uint32_t q = (uint32_t)(x * entry->reciprocal >> (32 + tables->precision));
    return x + q * entry->complement + entry->start;
}

uint8_t *rdc_rans_encode_scalar(const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n, unsigned lanes,
                                uint32_t *states, uint8_t *end) {
    const unsigned mask = lanes - 1;
    for (size_t i = n; i-- > 0;) {
        const rdc_table *table = &tables->tables[rdc_index_at(index, i)];
        states[i & mask] = encode_step(tables, table, symbols[i], states[i & mask], &end);
    }
    return end;
}

int rdc_rans_decode_scalar(const rdc_tables *tables, rdc_index index, size_t n, unsigned lanes, unsigned lane,
                           uint32_t *states, const uint8_t **word, const uint8_t *end, int32_t *symbols) {
    const unsigned precision = tables->precision;
    const uint32_t mask = (1u << precision) - 1;
    const uint8_t *next = *word;
    int escaped = 0;
    for (size_t i = 0; i < n; i++, lane = (lane + 1) & (lanes - 1)) {
        const rdc_table *table = &tables->tables[rdc_index_at(index, i)];
        const uint16_t *starts = tables->starts + table->first;
        uint32_t x = states[lane];
        const uint32_t slot = x & mask;
        uint32_t entry = tables->coarse[table->coarse + (slot >> table->coarse_shift)];
        while (starts[entry + 1] <= slot) entry++;
        x = (x >> precision) * (starts[entry + 1] - starts[entry]) + slot - starts[entry];
        if (x < RDC_RANS_LOW && next != end) {
            x = x << 16 | rdc_load16(next);
            next += 2;
        }
        states[lane] = x;
        symbols[i] = (int32_t)((uint32_t)table->offset + entry);
        escaped |= entry == table->escape;
    }
    *word = next;
    return escaped;
}
