/* Counts in the order that entropy estimators need them: how many classes were seen how often. Private to csrc/estimators. */
#ifndef RDC_ESTIMATORS_SPECTRUM_H
#define RDC_ESTIMATORS_SPECTRUM_H

#include "rdc.h"

typedef struct rdc_count_group {
    double count;   /* above 0, rising from group to group */
    double classes; /* that were seen so often */
} rdc_count_group;

typedef struct rdc_spectrum {
    rdc_count_group *groups;
    size_t size;
    double samples;
    double seen; /* classes */
} rdc_spectrum;

/* Errors: RDC_ERROR_COUNT, RDC_ERROR_COUNT_SUM, RDC_ERROR_COUNT_SAMPLES, RDC_ERROR_MEMORY. */
rdc_status rdc_spectrum_make(rdc_spectrum *spectrum, const int64_t *counts, size_t classes);
void rdc_spectrum_free(rdc_spectrum *spectrum);

#endif
