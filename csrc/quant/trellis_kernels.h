/* The search through the trellis, one a class of CPUs. All decide alike, so they give the same levels. Private to csrc/quant. */
#ifndef RDC_QUANT_TRELLIS_KERNELS_H
#define RDC_QUANT_TRELLIS_KERNELS_H

#include "rdc.h"

#define RDC_TRELLIS_MOST_LANES 8

/* Searches for as many tokens side by side as the kernel has lanes. `work` begins with the values, [components, lanes], which
 * the levels replace; rdc_trellis_work says how long it is. */
typedef struct rdc_trellis_kernel {
    size_t lanes;
    void (*search)(double *work, size_t components);
    void (*search_one)(double *work, size_t components); /* for a token on its own */
    /* The best way of a token for errors [components, 4] of the four subsets, [2 * odd + parity]: which subset it goes through. */
    void (*walk)(const double *errors, size_t components, uint8_t *subsets);
} rdc_trellis_kernel;

/* The values and, a byte a component, which of two predecessors each state has. */
static inline size_t rdc_trellis_work(size_t components, size_t lanes) {
    return (components + components / 8 + 1) * lanes;
}

const rdc_trellis_kernel *rdc_trellis_kernel_of(rdc_cpu_level level);

#endif
