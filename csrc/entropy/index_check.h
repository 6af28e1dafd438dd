/* Whether indices name tables. Private to csrc/entropy. */
#ifndef RDC_ENTROPY_INDEX_CHECK_H
#define RDC_ENTROPY_INDEX_CHECK_H

#include "entropy/tables.h"

/* Errors: RDC_ERROR_INDEX (at: position of the first index that names no table). */
rdc_status rdc_tables_check_index(const rdc_tables *tables, rdc_index index, size_t n);

#endif
