#include "entropy/tables.h"

#include <stdlib.h>

#include "base/status.h"
#include "entropy/escape.h"

static rdc_status rdc_tables_check(unsigned precision, size_t table_count, const uint32_t *counts, const int32_t *offsets,
                                   const uint16_t *frequencies, size_t total) {
    RDC_RETURN_IF(precision < RDC_MIN_PRECISION || precision > RDC_MAX_PRECISION, RDC_ERROR_PRECISION, 0, precision);
    RDC_RETURN_IF(table_count < 1 || table_count > RDC_MAX_TABLES, RDC_ERROR_TABLE_COUNT, 0, table_count);
    size_t at = 0;
    for (size_t t = 0; t < table_count; t++) {
        const uint32_t count = counts[t];
        RDC_RETURN_IF(count < 2 || count > 1u << precision, RDC_ERROR_SYMBOL_COUNT, t, count);
        RDC_RETURN_IF(count > total - at, RDC_ERROR_FREQUENCY_COUNT, 0, total);
        RDC_RETURN_IF(offsets[t] > INT32_MAX - (int32_t)(count - 1), RDC_ERROR_OFFSET, t, offsets[t]);
        uint32_t sum = 0;
        for (size_t end = at + count; at < end; at++) {
            RDC_RETURN_IF(frequencies[at] == 0, RDC_ERROR_FREQUENCY_ZERO, at, 0);
            sum += frequencies[at];
        }
        RDC_RETURN_IF(sum != 1u << precision, RDC_ERROR_FREQUENCY_SUM, t, sum);
    }
    RDC_RETURN_IF(at != total, RDC_ERROR_FREQUENCY_COUNT, 0, total);
    return rdc_ok();
}

static void rdc_table_fill_entries(rdc_entry *entries, uint16_t *starts, const uint16_t *frequencies, uint32_t count,
                                   unsigned precision) {
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

static void rdc_table_fill_coarse(uint16_t *coarse, const uint16_t *starts, unsigned precision) {
    uint16_t entry = 0;
    for (uint32_t interval = 0; interval < 1u << RDC_COARSE_BITS; interval++) {
        while (starts[entry + 1] <= interval << (precision - RDC_COARSE_BITS)) entry++;
        coarse[interval] = entry;
    }
}

static rdc_status rdc_tables_fill(rdc_tables *tables, const uint32_t *counts, const int32_t *offsets,
                                  const uint16_t *frequencies) {
    const size_t slots = tables->total + tables->count;
    tables->tables = malloc(tables->count * sizeof *tables->tables);
    tables->entries = calloc(slots, sizeof *tables->entries);
    tables->starts = malloc(slots * sizeof *tables->starts);
    tables->coarse = malloc((tables->count << RDC_COARSE_BITS) * sizeof *tables->coarse);
    RDC_RETURN_IF(!tables->tables || !tables->entries || !tables->starts || !tables->coarse, RDC_ERROR_MEMORY, 0, 0);

    size_t first = 0;
    for (size_t t = 0; t < tables->count; t++) {
        tables->tables[t] = (rdc_table){offsets[t], (uint32_t)first, counts[t] - 1, rdc_escape_order(counts[t])};
        rdc_table_fill_entries(tables->entries + first, tables->starts + first, frequencies, counts[t], tables->precision);
        rdc_table_fill_coarse(tables->coarse + (t << RDC_COARSE_BITS), tables->starts + first, tables->precision);
        frequencies += counts[t];
        first += counts[t] + 1;
    }
    return rdc_ok();
}

rdc_status rdc_tables_create(rdc_tables **tables, unsigned precision, size_t table_count, const uint32_t *counts,
                             const int32_t *offsets, const uint16_t *frequencies, size_t total) {
    RDC_FORWARD_IF_ERROR(rdc_tables_check(precision, table_count, counts, offsets, frequencies, total));
    rdc_tables *made = calloc(1, sizeof *made);
    RDC_RETURN_IF(!made, RDC_ERROR_MEMORY, 0, 0);
    made->precision = precision;
    made->count = table_count;
    made->total = total;
    const rdc_status status = rdc_tables_fill(made, counts, offsets, frequencies);
    if (status.error != RDC_OK) {
        rdc_tables_free(made);
        return status;
    }
    *tables = made;
    return rdc_ok();
}

void rdc_tables_free(rdc_tables *tables) {
    if (!tables) return;
    free(tables->tables);
    free(tables->entries);
    free(tables->starts);
    free(tables->coarse);
    free(tables);
}

unsigned rdc_tables_precision(const rdc_tables *tables) {
    return tables->precision;
}

size_t rdc_tables_count(const rdc_tables *tables) {
    return tables->count;
}

size_t rdc_tables_total(const rdc_tables *tables) {
    return tables->total;
}

void rdc_tables_export(const rdc_tables *tables, uint32_t *counts, int32_t *offsets, uint16_t *frequencies) {
    for (size_t t = 0; t < tables->count; t++) {
        const rdc_table *table = &tables->tables[t];
        counts[t] = table->escape + 1;
        offsets[t] = table->offset;
        const uint16_t *starts = tables->starts + table->first;
        for (uint32_t s = 0; s <= table->escape; s++) *frequencies++ = (uint16_t)(starts[s + 1] - starts[s]);
    }
}

static size_t rdc_index_largest(rdc_index index, size_t n) {
    size_t largest = 0;
    if (index.width == 1) {
        uint8_t max = 0;
        const uint8_t *data = index.data;
        for (size_t i = 0; i < n; i++) max = data[i] > max ? data[i] : max;
        largest = max;
    } else {
        uint16_t max = 0;
        const uint16_t *data = index.data;
        for (size_t i = 0; i < n; i++) max = data[i] > max ? data[i] : max;
        largest = max;
    }
    return largest;
}

rdc_status rdc_tables_check_index(const rdc_tables *tables, rdc_index index, size_t n) {
    if (n == 0 || rdc_index_largest(index, n) < tables->count) return rdc_ok();
    size_t at = 0;
    while (rdc_index_at(index, at) < tables->count) at++;
    return rdc_fail(RDC_ERROR_INDEX, at, (int64_t)rdc_index_at(index, at));
}
