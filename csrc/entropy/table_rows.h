/* What encoders and decoders look up, made from the frequencies of the tables. Private to csrc/entropy. */
#ifndef RDC_ENTROPY_TABLE_ROWS_H
#define RDC_ENTROPY_TABLE_ROWS_H

#include "entropy/tables.h"

/* Fills the arrays of tables whose precision, count, total and wide are set; frequencies are checked.
 * Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_tables_fill(rdc_tables *tables, const uint32_t *counts, const int32_t *offsets, const uint16_t *frequencies);

#endif
