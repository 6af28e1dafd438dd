/* Integer networks as they are run. Private to csrc/net. */
#ifndef RDC_NET_NET_H
#define RDC_NET_NET_H

#include "net/matrix_kernels.h"

#define RDC_NET_CHUNK 64 /* tokens that go through all layers at a time */

typedef struct rdc_net_stage {
    rdc_matrix matrix; /* [outputs, taps * inputs], padded */
    const int32_t *bias; /* with what lets the shift round */
    const uint8_t *shift;
    const int16_t *table; /* one entry for each value, or NULL */
    size_t inputs, outputs, taps, dilation;
    size_t past; /* tokens before the current one that it looks at */
    int32_t lowest, highest;
} rdc_net_stage;

struct rdc_net {
    rdc_net_stage *stages;
    size_t count;
    int32_t input_limit;
    size_t widest_row, most_rows; /* of a stage's matrix */
    size_t history;               /* int16 that a state holds */
    void *memory;                 /* of all arrays */
};

/* windows: of each stage in turn, what lies before the next token first; rows and sums: of one chunk, no memory of anything. */
struct rdc_net_state {
    const rdc_net *net;
    int16_t *windows;
    int16_t *rows;
    int32_t *sums;
};

/* int16 that the window of a stage takes: what lies before the chunk, and the chunk. */
static inline size_t rdc_net_window(const rdc_net_stage *stage) {
    return (stage->past + RDC_NET_CHUNK) * stage->inputs;
}

/* What is added to a sum so that a shift rounds: half a unit of the last place. */
static inline int32_t rdc_net_half(unsigned shift) {
    return (int32_t)((1u << shift) >> 1);
}

#endif
