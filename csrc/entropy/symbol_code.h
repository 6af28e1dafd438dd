/* What a symbol is coded as in any table, wide or not, for those who count bits. Private to csrc/entropy. */
#ifndef RDC_ENTROPY_SYMBOL_CODE_H
#define RDC_ENTROPY_SYMBOL_CODE_H

#include "entropy/tables.h"

/* The entry of a symbol in a table, and what else it takes, in the escape section. */
typedef struct rdc_symbol_code {
    uint32_t entry;
    unsigned bits;
} rdc_symbol_code;

rdc_symbol_code rdc_tables_code(const rdc_tables *tables, size_t t, int32_t symbol);

#endif
