/* Integer networks (docs/integer-networks.md). */
#ifndef RDC_PUBLIC_NETWORKS_H
#define RDC_PUBLIC_NETWORKS_H

#include "rdc/cpu_levels.h"

RDC_BEGIN

/* A causal convolution over tokens; with one tap, a linear layer. For output o of a token
 *
 *     out = clip((sum + bias[o] + half) >> shift[o], lowest, highest)
 *
 * with the sum over taps and inputs of weight times input, the input of tap j being that of the token j * dilation before (zero
 * before the first), and half of 1 << shift[o] so that the shift rounds; then, if there is a table, out = table[out - lowest]. */
typedef struct rdc_net_layer {
    const int16_t *weights; /* [outputs, taps, inputs] */
    const int32_t *bias;    /* [outputs] */
    const uint8_t *shift;   /* [outputs], 0 to 30 */
    const int16_t *table;   /* [highest - lowest + 1] or NULL */
    uint32_t inputs, outputs, taps, dilation;
    int16_t lowest, highest;
} rdc_net_layer;

typedef struct rdc_net rdc_net;

/* Makes a chain of layers whose inputs are clipped to magnitudes of input_limit. Everything that could overflow is refused, and
 * whatever would make a token or a state take too much, before memory is taken for it.
 * Errors: RDC_ERROR_NET_* (at: layer), RDC_ERROR_MEMORY. */
rdc_status rdc_net_make(rdc_net **net, const rdc_net_layer *layers, size_t count, int32_t input_limit);
void rdc_net_free(rdc_net *net);
size_t rdc_net_inputs(const rdc_net *net);
size_t rdc_net_outputs(const rdc_net *net);

/* What a network remembers of earlier tokens, and room to work in. It is for one thread at a time; the network must outlive it. */
typedef struct rdc_net_state rdc_net_state;

rdc_status rdc_net_state_make(rdc_net_state **state, const rdc_net *net);
rdc_status rdc_net_state_copy(rdc_net_state **copy, const rdc_net_state *state);
void rdc_net_state_free(rdc_net_state *state);

/* What a state of the network remembers as rdc_net_state_size numbers, and back. Numbers from elsewhere are to be checked before.
 * Errors: RDC_ERROR_NET_STATE (at: position of the first number that no run of the network leaves behind). */
size_t rdc_net_state_size(const rdc_net *net);
void rdc_net_state_save(const rdc_net_state *state, int16_t *to);
rdc_status rdc_net_state_check(const rdc_net *net, const int16_t *saved);
void rdc_net_state_restore(rdc_net_state *state, const int16_t *saved);

/* The next tokens: x [tokens, inputs] to out [tokens, outputs]. The same values however tokens are cut into calls. */
void rdc_net_run(rdc_cpu_level cpu, rdc_net_state *state, const int16_t *x, size_t tokens, int16_t *out);

/* Tokens that do not know of each other, shared out among threads.
 * Errors: RDC_ERROR_NET_MEMORY (a layer uses context), RDC_ERROR_MEMORY. */
rdc_status rdc_net_apply(rdc_cpu_level cpu, const rdc_net *net, const int16_t *x, size_t tokens, int16_t *out);

/* For each token the output of the greatest sum and bias, the first among equals, in a network of one layer.
 * Errors: RDC_ERROR_NET_MEMORY, RDC_ERROR_NET_LAYERS, RDC_ERROR_MEMORY. */
rdc_status rdc_net_best_row(rdc_cpu_level cpu, const rdc_net *net, const int16_t *x, size_t tokens, int32_t *rows);

RDC_END

#endif
