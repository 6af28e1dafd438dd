/* One token times a panel of an exact matrix whose integers have 16 bits, a kernel a class of CPUs. Private to csrc/dense.
 *
 * A value is cut in two, value = high * 2^RDC_PAIR_BITS + low, so that products fit what processors multiply fastest: pairs of 16 bits. */
#ifndef RDC_DENSE_EXACT_PAIRS_H
#define RDC_DENSE_EXACT_PAIRS_H

#include "dense/dense_kernels.h"

#define RDC_PAIR_BITS 11
#define RDC_PAIR_LIMIT 4194304.0  /* 2^22, the largest magnitude of values: |high| <= 2^11, 0 <= low < 2^11 */
#define RDC_PAIR_COLUMNS (2 * RDC_DENSE_COLUMNS)

static inline void rdc_pair_cut(int32_t value, int16_t *high, int16_t *low) {
    const int32_t rest = value & ((1 << RDC_PAIR_BITS) - 1);
    *low = (int16_t)rest;
    *high = (int16_t)((value - rest) / (1 << RDC_PAIR_BITS));
}

/* sums [RDC_DENSE_COLUMNS] = the values of high and low, [2 * pairs] each, times b [pairs, RDC_DENSE_COLUMNS, 2], of magnitudes below
 * 2^15. b is rdc_aligned. */
typedef void rdc_exact_pair_kernel(const int16_t *high, const int16_t *low, const int16_t *b, size_t pairs, int64_t *sums);

rdc_exact_pair_kernel *rdc_exact_pair_kernel_of(rdc_cpu_level level);

#endif
