#include <math.h>

#include "base/status.h"
#include "entropy/escape.h"

rdc_status rdc_block_ideal_bits(const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n, double *bits) {
    RDC_RETURN_IF(n > RDC_MAX_SYMBOLS, RDC_ERROR_SYMBOL_LIMIT, 0, n);
    RDC_FORWARD_IF_ERROR(rdc_tables_check_index(tables, index, n));
    double sum = (double)rdc_escape_measure(tables, symbols, index, n);
    for (size_t i = 0; i < n; i++) {
        const rdc_table *table = &tables->tables[rdc_index_at(index, i)];
        const uint16_t *start = tables->starts + table->first + rdc_table_entry(table, symbols[i]);
        sum += tables->precision - log2(start[1] - start[0]);
    }
    *bits = sum;
    return rdc_ok();
}
