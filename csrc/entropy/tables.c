#include <stdlib.h>

#include "base/status.h"
#include "entropy/table_rows.h"
#include "entropy/wide.h"

static int is_wide(const rdc_wide_arrays *wide, size_t t) {
    return wide && wide->run_counts[t] > 0;
}

static rdc_status rdc_tables_check(unsigned precision, size_t table_count, const uint32_t *counts, const int32_t *offsets,
                                   const uint16_t *frequencies, size_t total, const rdc_wide_arrays *wide) {
    RDC_RETURN_IF(precision < RDC_MIN_PRECISION || precision > RDC_MAX_PRECISION, RDC_ERROR_PRECISION, 0, precision);
    RDC_RETURN_IF(table_count < 1 || table_count > RDC_MAX_TABLES, RDC_ERROR_TABLE_COUNT, 0, table_count);
    size_t at = 0;
    for (size_t t = 0; t < table_count; t++) {
        const uint32_t count = counts[t];
        RDC_RETURN_IF(count < 2 || count > 1u << precision, RDC_ERROR_SYMBOL_COUNT, t, count);
        RDC_RETURN_IF(count > total - at, RDC_ERROR_FREQUENCY_COUNT, 0, total);
        RDC_RETURN_IF(offsets[t] > INT32_MAX - (int32_t)(count - 2) && !is_wide(wide, t), RDC_ERROR_OFFSET, t, offsets[t]);
        uint32_t sum = 0;
        for (size_t end = at + count; at < end; at++) {
            RDC_RETURN_IF(frequencies[at] == 0, RDC_ERROR_FREQUENCY_ZERO, at, 0);
            sum += frequencies[at];
        }
        RDC_RETURN_IF(sum != 1u << precision, RDC_ERROR_FREQUENCY_SUM, t, sum);
    }
    RDC_RETURN_IF(at != total, RDC_ERROR_FREQUENCY_COUNT, 0, total);
    return wide ? rdc_wide_check(wide, table_count, counts, offsets) : rdc_ok();
}

rdc_status rdc_tables_create(rdc_tables **tables, unsigned precision, size_t table_count, const uint32_t *counts,
                             const int32_t *offsets, const uint16_t *frequencies, size_t total, const rdc_wide_arrays *wide) {
    RDC_FORWARD_IF_ERROR(rdc_tables_check(precision, table_count, counts, offsets, frequencies, total, wide));
    rdc_tables *made = calloc(1, sizeof *made);
    RDC_RETURN_IF(!made, RDC_ERROR_MEMORY, 0, 0);
    made->precision = precision;
    made->count = table_count;
    made->total = total;
    rdc_status status = wide ? rdc_wide_fill(made, wide, counts, offsets) : rdc_ok();
    if (status.error == RDC_OK) status = rdc_tables_fill(made, counts, offsets, frequencies);
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
    free(tables->decode_rows);
    free(tables->intervals);
    free(tables->encode_rows);
    free(tables->encode_entries);
    free(tables->few_rows);
    rdc_wide_free(tables);
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
        offsets[t] = tables->wide ? tables->wide[t].offset : table->offset;
        const uint16_t *starts = tables->starts + table->first;
        for (uint32_t s = 0; s <= table->escape; s++) *frequencies++ = (uint16_t)(starts[s + 1] - starts[s]);
    }
}
