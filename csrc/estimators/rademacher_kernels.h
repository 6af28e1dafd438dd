/* Sums of rows with random signs, one loop a class of CPUs. Private to csrc/estimators. */
#ifndef RDC_ESTIMATORS_RADEMACHER_KERNELS_H
#define RDC_ESTIMATORS_RADEMACHER_KERNELS_H

#include "rdc.h"

#define RDC_SIGN_ROWS 32    /* rows whose signs fill a word */
#define RDC_SIGN_COLUMNS 64 /* of a strip */
#define RDC_SIGN_GROUPS 8   /* of 4 rows, whose 16 signed sums are looked up */

typedef struct rdc_rademacher_kernels {
    /* table [RDC_SIGN_GROUPS, 16, RDC_SIGN_COLUMNS]: all signed sums of each 4 of the rows [RDC_SIGN_ROWS, RDC_SIGN_COLUMNS];
     * bit i of an entry's number says that row i is negative. */
    void (*fill)(const float *rows, float *table);
    /* Adds to sums [draws, RDC_SIGN_COLUMNS] what the signs of each draw select. */
    void (*add)(const float *table, const uint32_t *signs, size_t draws, float *sums);
    /* maxima[draw] = max(maxima[draw], |sums|). */
    void (*reduce)(const float *sums, size_t draws, float *maxima);
} rdc_rademacher_kernels;

const rdc_rademacher_kernels *rdc_rademacher_kernels_of(rdc_cpu_level level);

#endif
