/* Memory on boundaries of vectors and cache lines. */
#ifndef RDC_BASE_ALIGNED_H
#define RDC_BASE_ALIGNED_H

#include <stddef.h>
#include <stdint.h>

#define RDC_ALIGNMENT 64 /* bytes */

/* The first boundary in memory that was taken with RDC_ALIGNMENT bytes to spare. */
static inline void *rdc_aligned(void *memory) {
    return (uint8_t *)memory + (RDC_ALIGNMENT - (uintptr_t)memory % RDC_ALIGNMENT);
}

/* So many bytes and those behind them up to a boundary. */
static inline size_t rdc_aligned_size(size_t bytes) {
    return (bytes + RDC_ALIGNMENT - 1) / RDC_ALIGNMENT * RDC_ALIGNMENT;
}

#endif
