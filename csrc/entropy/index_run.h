/* The indices of a run, out of reach of threads that may change the caller's array meanwhile: what is checked is what kernels use.
 * Private to csrc/entropy. */
#ifndef RDC_ENTROPY_INDEX_RUN_H
#define RDC_ENTROPY_INDEX_RUN_H

#include "entropy/rans.h"

typedef union rdc_index_run {
    uint8_t narrow[RDC_RANS_RUN];
    uint16_t wide[RDC_RANS_RUN];
} rdc_index_run;

/* Copies n <= RDC_RANS_RUN indices; *taken are the copies. Errors: RDC_ERROR_INDEX (at: position in the run). */
rdc_status rdc_index_run_take(rdc_index_run *run, const rdc_rans_kernels *kernels, const rdc_tables *tables, rdc_index index, size_t n,
                              rdc_index *taken);

#endif
