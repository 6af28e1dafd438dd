#include "entropy/symbol_code.h"

#include "entropy/wide.h"

rdc_symbol_code rdc_tables_code(const rdc_tables *tables, size_t t, int32_t symbol) {
    const rdc_table *table = &tables->tables[t];
    if (tables->wide && tables->wide[t].runs) {
        const rdc_wide_code code = rdc_wide_find(&tables->wide[t], table->escape, symbol);
        return (rdc_symbol_code){code.entry, code.entry == table->escape ? rdc_wide_escape_bits(&tables->wide[t], symbol) : code.raw_bits};
    }
    const uint32_t entry = rdc_table_entry(table, symbol);
    return (rdc_symbol_code){entry, entry == table->escape ? rdc_escape_bits(rdc_table_outside(table), symbol) : 0};
}
