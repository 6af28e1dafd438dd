#include <math.h>

#include "base/status.h"
#include "entropy/escape.h"

rdc_status rdc_block_ideal_bits(const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n, double *bits) {
    RDC_RETURN_IF(n > RDC_MAX_SYMBOLS, RDC_ERROR_SYMBOL_LIMIT, 0, n);
    RDC_FORWARD_IF_ERROR(rdc_tables_check_index(tables, index, n));
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const rdc_table *table = &tables->tables[rdc_index_at(index, i)];
        const uint32_t entry = rdc_table_entry(table, symbols[i]);
        const uint16_t *start = tables->starts + table->first + entry;
        sum += tables->precision - log2(start[1] - start[0]);
        if (entry == table->escape) sum += rdc_escape_bits(table, symbols[i]);
    }
    *bits = sum;
    return rdc_ok();
}
