#include "inputs.h"

#include <stdlib.h>

#include "wide_inputs.h"

/* ---- Tables ---- */

/* Each fills 2 to `most` frequencies of 1 or more that sum to `units`; returns how many. */
typedef uint32_t fill_fn(rng *r, uint16_t *frequencies, uint32_t most, uint32_t units);

static uint32_t any_count(rng *r, uint32_t most) {
    return 2 + rng_below(r, rng_one_in(r, 4) ? most - 1 : most < 40 ? most - 1 : 39);
}

/* One entry has all that the others leave. */
static uint32_t fill_with_a_peak(rng *r, uint16_t *frequencies, uint32_t most, uint32_t units) {
    const uint32_t count = rng_one_in(r, 2) ? 2 : any_count(r, most);
    for (uint32_t s = 0; s < count; s++) frequencies[s] = 1;
    const uint32_t places[] = {0, count - 1, rng_below(r, count)};
    frequencies[places[rng_below(r, 3)]] = (uint16_t)(units - count + 1);
    return count;
}

static uint32_t fill_flat(rng *r, uint16_t *frequencies, uint32_t most, uint32_t units) {
    uint32_t count = 2;
    while (2 * count <= most && !rng_one_in(r, 6)) count *= 2;
    for (uint32_t s = 0; s < count; s++) frequencies[s] = (uint16_t)(units / count);
    return count;
}

/* What is left over the ones is shared out: in few large shares, or in about equal ones. */
static uint32_t fill_unevenly(rng *r, uint16_t *frequencies, uint32_t most, uint32_t units) {
    const uint32_t count = any_count(r, most);
    const int large = rng_one_in(r, 2);
    uint32_t rest = units - count;
    for (uint32_t s = 0; s < count; s++) frequencies[s] = 1;
    for (uint32_t s = 0; rest > 0; s++) {
        const uint32_t limit = large ? rest : 2 * (units / count) < rest ? 2 * (units / count) : rest;
        const uint32_t share = rng_below(r, limit + 1);
        frequencies[large ? rng_below(r, count) : s % count] += (uint16_t)share;
        rest -= share;
    }
    return count;
}

uint32_t fill_frequencies(rng *r, uint16_t *frequencies, uint32_t most, uint32_t units) {
    static fill_fn *const fills[] = {fill_with_a_peak, fill_flat, fill_unevenly};
    return fills[rng_below(r, 3)](r, frequencies, most, units);
}

/* Symbols of a table that ends just within int16, just beyond, or begins just beyond. */
static int32_t offset_near_int16(rng *r, uint32_t count) {
    const int32_t ends[] = {INT16_MIN + 1, INT16_MAX - (int32_t)(count - 1), 0, -(int32_t)(count / 2)};
    return ends[rng_below(r, 4)] + (rng_one_in(r, 100) ? rng_one_in(r, 2) ? 1 : -1 : 0);
}

static int32_t any_offset(rng *r, uint32_t count) {
    switch (rng_below(r, 4)) {
    case 0: return INT32_MIN;
    case 1: return INT32_MAX - (int32_t)(count - 2);
    case 2: return (int32_t)rng_below(r, 2001) - 1000;
    default: return -(int32_t)(count / 2);
    }
}

static rdc_tables *create(unsigned precision, size_t tables, const uint32_t *counts, const int32_t *offsets, const uint16_t *frequencies,
                          size_t total) {
    rdc_tables *made = NULL;
    check_that(rdc_tables_create(&made, precision, tables, counts, offsets, frequencies, total, NULL).error == RDC_OK,
               "tables can be made");
    return made;
}

rdc_tables *make_tables(rng *r, unsigned precision) {
    static const uint32_t amounts[] = {1, 2, 3, 63, 64, 65, 255, 256, 257, 5000};
    const uint32_t units = 1u << precision, tables = rng_one_in(r, 2) ? 1 + rng_below(r, 5) : amounts[rng_below(r, 10)];
    const uint32_t most = tables < 6 ? units : tables < 300 ? 200 : 16;
    uint32_t *counts = malloc(tables * sizeof *counts);
    int32_t *offsets = malloc(tables * sizeof *offsets);
    uint16_t *frequencies = malloc((size_t)tables * most * sizeof *frequencies);
    check_that(counts && offsets && frequencies, "there is memory");

    const int near_int16 = (int)rng_one_in(r, 2);
    size_t total = 0;
    for (uint32_t t = 0; t < tables; t++) {
        counts[t] = fill_frequencies(r, frequencies + total, most, units);
        offsets[t] = near_int16 ? offset_near_int16(r, counts[t]) : any_offset(r, counts[t]);
        total += counts[t];
    }
    rdc_tables *made = create(precision, tables, counts, offsets, frequencies, total);
    free(counts);
    free(offsets);
    free(frequencies);
    return made;
}

const rdc_tables *gaussian_tables(void) {
    static rdc_tables *made;
    if (!made) check_that(rdc_tables_create_gaussian(&made).error == RDC_OK, "the built-in tables can be made");
    return made;
}

rdc_tables *make_large_tables(size_t count) {
    const uint32_t units = 1u << RDC_MAX_PRECISION;
    uint32_t *counts = malloc(count * sizeof *counts);
    int32_t *offsets = calloc(count, sizeof *offsets);
    uint16_t *frequencies = malloc(count * units * sizeof *frequencies);
    check_that(counts && offsets && frequencies, "there is memory");

    size_t total = 0;
    for (uint32_t t = 0; t < count; t++) {
        counts[t] = units - RDC_ENCODE_ALIGN * t;
        for (uint32_t s = 0; s < counts[t]; s++) frequencies[total + s] = 1;
        frequencies[total] = (uint16_t)(units - counts[t] + 1);
        total += counts[t];
    }
    rdc_tables *made = create(RDC_MAX_PRECISION, count, counts, offsets, frequencies, total);
    free(counts);
    free(offsets);
    free(frequencies);
    return made;
}

/* ---- Index ---- */

static void set_index(void *data, unsigned width, size_t i, uint32_t value) {
    if (width == 1) ((uint8_t *)data)[i] = (uint8_t)value;
    if (width == 2) ((uint16_t *)data)[i] = (uint16_t)value;
}

rdc_index make_index(rng *r, const rdc_tables *tables, size_t n) {
    const unsigned width = 1 + rng_below(r, 2);
    const uint32_t count = width == 1 && tables->count > 256 ? 256 : (uint32_t)tables->count;
    const uint32_t run = rng_one_in(r, 2) ? 1 : 1 + rng_below(r, 100);
    void *data = buffer_take(n * width);
    uint32_t table = count - 1;
    for (size_t i = 0; i < n; i++) {
        if (rng_one_in(r, run)) table = rng_below(r, count);
        set_index(data, width, i, table);
    }
    return (rdc_index){data, width};
}

/* ---- Symbols ---- */

/* The entry of a random slot. */
static uint32_t likely_entry(rng *r, const rdc_tables *tables, const rdc_table *table) {
    const uint32_t slot = rng_below(r, 1u << tables->precision);
    uint32_t from = 0, to = table->escape + 1;
    while (to - from > 1) {
        const uint32_t middle = (from + to) / 2;
        if (tables->starts[table->first + middle] <= slot) from = middle;
        else to = middle;
    }
    return from;
}

/* A symbol of the support. */
static int32_t inner_symbol(rng *r, const rdc_tables *tables, const rdc_table *table) {
    return rdc_table_symbol(table, likely_entry(r, tables, table) % table->escape);
}

/* A symbol at either end of the support or beyond, or any. */
static int32_t wild_symbol(rng *r, const rdc_table *table) {
    static const int32_t ends[] = {INT32_MIN, -1, 0, INT32_MAX};
    switch (rng_below(r, 4)) {
    case 0: return rdc_table_symbol(table, rng_below(r, 3) - 1);
    case 1: return rdc_table_symbol(table, table->escape + rng_below(r, 3) - 1);
    case 2: return ends[rng_below(r, 4)];
    default: return rdc_table_symbol(table, rng_next(r));
    }
}

int32_t *make_symbols(rng *r, const rdc_tables *tables, rdc_index index, size_t n) {
    static const uint32_t rarities[] = {1, 2, 50, 1000};
    const int inner = rng_one_in(r, 2);
    const uint32_t rarity = rarities[rng_below(r, 4)];
    const size_t lone = n ? rng_below(r, (uint32_t)n) : 0;
    int32_t *symbols = buffer_take(n * sizeof *symbols);
    for (size_t i = 0; i < n; i++) {
        const size_t t = rdc_index_at(index, i);
        const rdc_table *table = &tables->tables[t];
        if (tables->wide && tables->wide[t].runs) symbols[i] = wide_symbol(r, &tables->wide[t], inner ? 1000 : rarity);
        else if (inner) symbols[i] = inner_symbol(r, tables, table);
        else symbols[i] = rng_one_in(r, rarity) ? wild_symbol(r, table) : rdc_table_symbol(table, likely_entry(r, tables, table));
        if (inner && i == lone && !tables->wide) symbols[i] = wild_symbol(r, table);
    }
    return symbols;
}

/* ---- Blocks ---- */

uint8_t *encode_block(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n,
                      unsigned lanes, size_t *size) {
    rdc_coded_block *coded = NULL;
    check_that(rdc_block_encode(kernels, tables, symbols, index, n, lanes, 1, &coded).error == RDC_OK, "any symbols can be encoded");
    *size = rdc_coded_block_size(coded);
    uint8_t *bytes = buffer_take(*size);
    rdc_coded_block_write(coded, bytes);
    rdc_coded_block_free(coded);
    return bytes;
}
