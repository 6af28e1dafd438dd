#include <math.h>

#include "base/status.h"
#include "entropy/symbol_code.h"

rdc_status rdc_block_ideal_bits(const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n, double *bits) {
    RDC_RETURN_IF(n > RDC_MAX_SYMBOLS, RDC_ERROR_SYMBOL_LIMIT, 0, n);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t t = rdc_index_at(index, i);
        const int32_t symbol = symbols[i];
        RDC_RETURN_IF(t >= tables->count, RDC_ERROR_INDEX, i, t);
        const rdc_symbol_code code = rdc_tables_code(tables, t, symbol);
        const uint16_t *start = tables->starts + tables->tables[t].first + code.entry;
        sum += tables->precision - log2(start[1] - start[0]) + code.bits;
    }
    *bits = sum;
    return rdc_ok();
}
