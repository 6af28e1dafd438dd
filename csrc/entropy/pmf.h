/* From probabilities to integer frequencies. Private to csrc/entropy. */
#ifndef RDC_ENTROPY_PMF_H
#define RDC_ENTROPY_PMF_H

#include "rdc.h"

typedef struct rdc_pmf {
    const double *p;
    uint32_t symbols;
    double missing; /* 1 - sum of the probabilities, at least 0: of the symbols that are not shown */
    unsigned precision;
} rdc_pmf;

/* A heap of entries by the gain of their next unit. */
typedef struct rdc_gain {
    double gain;
    uint32_t entry;
} rdc_gain;

/* Optimal frequencies of `count` <= 2^precision probabilities whose sum is above 0. `heap` has room for them. */
void rdc_round_support(const double *p, uint32_t count, unsigned precision, uint32_t *f, rdc_gain *heap);

/* Expected bits of the entries. */
double rdc_entry_bits(const double *p, const uint32_t *f, uint32_t count, unsigned precision);

/* The best wide table with its symbols in their own order or, `by_size`, in that of their probabilities, and what it takes.
 * Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_pmf_round_wide(const rdc_pmf *pmf, int by_size, rdc_rounded *rounded, double *bits);

#endif
