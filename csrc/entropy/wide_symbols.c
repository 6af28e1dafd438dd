/* Between the symbols of wide tables and their entries. */
#include "base/status.h"
#include "entropy/wide.h"

#define NO_PLACE UINT32_MAX

/* The last of n > 0 spans in rising order that begins at `key` or before, the first one if none does. */
static rdc_span find_span(const rdc_span *spans, uint32_t n, uint32_t key) {
    uint32_t at = 0;
    for (uint32_t half; (half = n / 2) > 0; n -= half) at += half & (0u - (spans[at + half].from <= key)); /* no CPU can foresee a branch */
    return spans[at];
}

static uint32_t place_of(const rdc_wide *wide, int32_t symbol) {
    const uint32_t distance = (uint32_t)symbol - (uint32_t)wide->offset; /* a symbol below the table is far above it */
    const rdc_span run = find_span(wide->runs_to_places, wide->runs, distance);
    return distance >= run.from && distance - run.from < run.length ? run.to + (distance - run.from) : NO_PLACE;
}

static int32_t symbol_at(const rdc_wide *wide, uint32_t place) {
    const rdc_span run = find_span(wide->places_to_runs, wide->runs, place);
    return (int32_t)((uint32_t)wide->offset + run.to + (place - run.from));
}

/* The entry that stands for a place. */
static uint32_t entry_of(const rdc_wide *wide, uint32_t escape, uint32_t place) {
    uint32_t at = 0, n = escape;
    for (uint32_t half; (half = n / 2) > 0; n -= half) at += half & (0u - (wide->places[at + half] <= place));
    return at;
}

rdc_wide_code rdc_wide_find(const rdc_wide *wide, uint32_t escape, int32_t symbol) {
    const uint32_t place = place_of(wide, symbol);
    if (place == NO_PLACE) return (rdc_wide_code){escape, 0, 0};
    const uint32_t entry = entry_of(wide, escape, place);
    return (rdc_wide_code){entry, wide->raw_bits[entry], place - wide->places[entry]};
}

void rdc_wide_entries(const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n, int32_t *entries) {
    for (size_t i = 0; i < n; i++) {
        const size_t t = rdc_index_at(index, i);
        const rdc_wide *wide = &tables->wide[t];
        entries[i] = wide->runs ? (int32_t)rdc_wide_find(wide, tables->tables[t].escape, symbols[i]).entry : symbols[i];
    }
}

/* ---- Escapes: where symbols are missing in between, a bit says whether one of these is meant; it stands as it is ---- */

static int in_gap(const rdc_wide *wide, int32_t symbol) {
    return symbol >= wide->offset && (uint32_t)symbol - (uint32_t)wide->offset <= wide->last;
}

unsigned rdc_wide_escape_bits(const rdc_wide *wide, int32_t symbol) {
    if (in_gap(wide, symbol)) return 1 + wide->gap_bits;
    return (wide->gap_bits > 0) + rdc_escape_bits(wide->outside, symbol);
}

static void write_escape(rdc_bit_writer *writer, const rdc_wide *wide, int32_t symbol) {
    const int gap = in_gap(wide, symbol);
    if (wide->gap_bits) rdc_bits_write(writer, (uint64_t)gap, 1);
    if (gap) rdc_bits_write(writer, (uint32_t)symbol - (uint32_t)wide->offset, wide->gap_bits);
    else rdc_escape_write_code(writer, wide->outside, symbol);
}

/* The next `bits` of the section. */
static rdc_status read_raw(rdc_bit_reader *reader, unsigned bits, uint32_t *raw) {
    RDC_RETURN_IF(reader->bits - reader->position < bits, RDC_ERROR_RAW_BITS, reader->position / 8, bits);
    *raw = (uint32_t)rdc_bits_read(reader, bits);
    return rdc_ok();
}

static rdc_status read_escape(rdc_bit_reader *reader, const rdc_wide *wide, int32_t *symbol) {
    const uint64_t from = reader->position;
    uint32_t gap = 0, distance;
    if (wide->gap_bits) RDC_FORWARD_IF_ERROR(read_raw(reader, 1, &gap));
    if (!gap) return rdc_escape_read_code(reader, wide->outside, symbol);
    RDC_FORWARD_IF_ERROR(read_raw(reader, wide->gap_bits, &distance));
    *symbol = (int32_t)((uint32_t)wide->offset + distance);
    RDC_RETURN_IF(distance > wide->last || place_of(wide, *symbol) != NO_PLACE, RDC_ERROR_ESCAPE_GAP, from / 8,
                  (int64_t)wide->offset + distance);
    return rdc_ok();
}

/* ---- The escape section ---- */

/* As in rdc_escape_write, symbols and index are read once and may be others than those that were coded. */
void rdc_wide_write(rdc_bit_writer *writer, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const size_t t = rdc_index_at(index, i);
        const int32_t symbol = symbols[i];
        if (t >= tables->count) continue;
        const rdc_table *table = &tables->tables[t];
        const rdc_wide *wide = &tables->wide[t];
        if (!wide->runs) {
            if (rdc_table_entry(table, symbol) == table->escape) rdc_escape_write_code(writer, rdc_table_outside(table), symbol);
            continue;
        }
        const rdc_wide_code code = rdc_wide_find(wide, table->escape, symbol);
        if (code.entry == table->escape) write_escape(writer, wide, symbol);
        else rdc_bits_write(writer, code.raw, code.raw_bits);
    }
}

static rdc_status read_symbol(rdc_bit_reader *reader, const rdc_wide *wide, uint32_t escape, int32_t *symbol) {
    const uint32_t entry = (uint32_t)*symbol;
    if (entry == escape) return read_escape(reader, wide, symbol);
    uint32_t raw;
    RDC_FORWARD_IF_ERROR(read_raw(reader, wide->raw_bits[entry], &raw));
    *symbol = symbol_at(wide, wide->places[entry] + raw);
    return rdc_ok();
}

rdc_status rdc_wide_read(rdc_bit_reader *reader, const rdc_tables *tables, rdc_index index, size_t n, int32_t *symbols) {
    for (size_t i = 0; i < n; i++) {
        const size_t t = rdc_index_at(index, i);
        const rdc_table *table = &tables->tables[t];
        const rdc_wide *wide = &tables->wide[t];
        if (wide->runs) RDC_FORWARD_IF_ERROR(read_symbol(reader, wide, table->escape, &symbols[i]));
        else RDC_FORWARD_IF_ERROR(rdc_escape_read(reader, tables, rdc_index_from(index, i), 1, &symbols[i]));
    }
    return rdc_ok();
}
