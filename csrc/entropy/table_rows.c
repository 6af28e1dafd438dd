#include "entropy/table_rows.h"

#include <stdlib.h>

#include "base/status.h"
#include "entropy/wide.h"

static void fill_entries(rdc_entry *entries, uint16_t *starts, const uint16_t *frequencies, uint32_t count, unsigned precision) {
    uint32_t start = 0;
    for (uint32_t s = 0; s < count; s++) {
        const uint32_t f = frequencies[s];
        const uint64_t one = (uint64_t)1 << (32 + precision);
        entries[s] = (rdc_entry){
            .reciprocal = (one + f - 1) / f,
            .limit = f << (32 - precision),
            .start = (uint16_t)start,
            .complement = (uint16_t)((1u << precision) - f),
        };
        starts[s] = (uint16_t)start;
        start += f;
    }
    starts[count] = (uint16_t)start;
}

/* ---- Intervals ---- */

#define RARE_SHIFT 10          /* slots beyond an interval's two entries may be one in so many powers of two */
#define INTERVALS_AN_ENTRY 8  /* at most, which bounds the memory */

/* Slots of a table that lie beyond the first two entries of their interval, with intervals of 2^shift slots. */
static uint32_t slots_beyond(const uint16_t *starts, uint32_t escape, unsigned precision, unsigned shift) {
    uint32_t beyond = 0, entry = 0;
    for (uint32_t slot = 0; slot < 1u << precision; slot += 1u << shift) {
        while (starts[entry + 1] <= slot) entry++;
        const uint32_t end = starts[rdc_smaller(entry + 2, escape + 1)], next = slot + (1u << shift);
        beyond += next > end ? next - end : 0;
    }
    return beyond;
}

static unsigned choose_shift(const uint16_t *starts, uint32_t escape, unsigned precision) {
    unsigned shift = precision;
    while (shift > 0 && slots_beyond(starts, escape, precision, shift) > 1u << (precision - RARE_SHIFT)) {
        if (2u << (precision - shift) > INTERVALS_AN_ENTRY * (escape + 1)) break;
        shift--;
    }
    return shift;
}

static void fill_intervals(rdc_interval *intervals, const uint16_t *starts, uint32_t escape, unsigned precision, unsigned shift) {
    uint32_t entry = 0;
    for (uint32_t slot = 0; slot < 1u << precision; slot += 1u << shift) {
        while (starts[entry + 1] <= slot) entry++;
        const uint64_t start = starts[entry], middle = starts[entry + 1], end = starts[rdc_smaller(entry + 2, escape + 1)];
        *intervals++ = start | middle << 16 | end << 32 | (uint64_t)entry << 48;
    }
}

static rdc_status make_intervals(rdc_tables *tables) {
    uint64_t total = 0;
    for (size_t t = 0; t < tables->count; t++) {
        const rdc_table *table = &tables->tables[t];
        const unsigned shift = choose_shift(tables->starts + table->first, table->escape, tables->precision);
        tables->decode_rows[t] = (rdc_decode_row){(uint32_t)total << 4 | shift, table->offset};
        total += 1u << (tables->precision - shift);
    }
    RDC_RETURN_IF(total >> 28, RDC_ERROR_MEMORY, 0, 0);
    tables->intervals = malloc(total * sizeof *tables->intervals);
    RDC_RETURN_IF(!tables->intervals, RDC_ERROR_MEMORY, 0, 0);
    for (size_t t = 0; t < tables->count; t++) {
        const rdc_table *table = &tables->tables[t];
        const uint32_t first_shift = tables->decode_rows[t].first_shift;
        fill_intervals(tables->intervals + (first_shift >> 4), tables->starts + table->first, table->escape, tables->precision,
                       first_shift & 15);
    }
    return rdc_ok();
}

/* ---- Entries for vectors ---- */

static rdc_status make_encode_rows(rdc_tables *tables) {
    uint64_t blocks = 0;
    for (size_t t = 0; t < tables->count; t++) blocks += tables->tables[t].escape / RDC_ENCODE_ALIGN + 1;
    if (blocks * RDC_ENCODE_ALIGN >> (32 - RDC_ENCODE_SHIFT)) return rdc_ok();
    tables->encode_rows = malloc(tables->count * sizeof *tables->encode_rows);
    tables->encode_entries = calloc(blocks * RDC_ENCODE_ALIGN, sizeof *tables->encode_entries);
    RDC_RETURN_IF(!tables->encode_rows || !tables->encode_entries, RDC_ERROR_MEMORY, 0, 0);
    uint32_t first = 0;
    for (size_t t = 0; t < tables->count; t++) {
        const rdc_table *table = &tables->tables[t];
        const uint16_t *starts = tables->starts + table->first;
        uint32_t *entries = tables->encode_entries + first;
        for (uint32_t s = 0; s <= table->escape; s++) entries[s] = starts[s] | (uint32_t)(starts[s + 1] - starts[s]) << 16;
        tables->encode_rows[t] = (rdc_encode_row){table->offset, first << RDC_ENCODE_SHIFT | table->escape};
        first += (table->escape / RDC_ENCODE_ALIGN + 1) * RDC_ENCODE_ALIGN;
    }
    return rdc_ok();
}

static int tables_are_few(const rdc_tables *tables) {
    if (!tables->encode_rows || tables->count > RDC_FEW_TABLES) return 0;
    for (size_t t = 0; t < tables->count; t++) {
        const rdc_table *table = &tables->tables[t];
        /* a symbol beyond int16 becomes its nearest end, which then lies outside the table too */
        if (table->offset <= INT16_MIN || (int64_t)table->offset + table->escape > INT16_MAX) return 0;
        if (tables->encode_rows[t].first_escape / RDC_ENCODE_ESCAPES > UINT16_MAX) return 0;
    }
    return 1;
}

static rdc_status make_few_rows(rdc_tables *tables) {
    if (!tables_are_few(tables)) return rdc_ok();
    tables->few_rows = calloc(1, sizeof *tables->few_rows);
    RDC_RETURN_IF(!tables->few_rows, RDC_ERROR_MEMORY, 0, 0);
    for (size_t t = 0; t < tables->count; t++) {
        tables->few_rows->offset[t] = (int16_t)tables->tables[t].offset;
        tables->few_rows->escape[t] = (uint16_t)tables->tables[t].escape;
        tables->few_rows->first[t] = (uint16_t)(tables->encode_rows[t].first_escape / RDC_ENCODE_ESCAPES);
    }
    return rdc_ok();
}

rdc_status rdc_tables_fill(rdc_tables *tables, const uint32_t *counts, const int32_t *offsets, const uint16_t *frequencies) {
    const size_t slots = tables->total + tables->count;
    tables->tables = malloc(tables->count * sizeof *tables->tables);
    tables->entries = calloc(slots, sizeof *tables->entries);
    tables->starts = malloc(slots * sizeof *tables->starts);
    tables->decode_rows = malloc(tables->count * sizeof *tables->decode_rows);
    RDC_RETURN_IF(!tables->tables || !tables->entries || !tables->starts || !tables->decode_rows, RDC_ERROR_MEMORY, 0, 0);

    size_t first = 0;
    for (size_t t = 0; t < tables->count; t++) {
        const int32_t offset = tables->wide && tables->wide[t].runs ? 0 : offsets[t];
        tables->tables[t] = (rdc_table){offset, (uint32_t)first, counts[t] - 1, rdc_escape_order(counts[t])};
        fill_entries(tables->entries + first, tables->starts + first, frequencies, counts[t], tables->precision);
        frequencies += counts[t];
        first += counts[t] + 1;
    }
    RDC_FORWARD_IF_ERROR(make_intervals(tables));
    RDC_FORWARD_IF_ERROR(make_encode_rows(tables));
    return make_few_rows(tables);
}
