/* Weights, inputs and networks biased to the extremes. */
#ifndef NET_INPUTS_H
#define NET_INPUTS_H

#include "check.h"

/* n values of magnitudes up to `most` (32768 for all int16), in a buffer: ends, zeros, any. */
int16_t *make_values(rng *r, size_t n, int32_t most);

/* Weights [rows, columns] in a buffer, many or few of them not 0: any int16 if `wide`, else any int8. */
int16_t *make_weights(rng *r, size_t rows, size_t columns, int wide);

/* The largest sum of a row's magnitudes. */
int64_t largest_row(const int16_t *weights, size_t rows, size_t columns);

/* Of one to three layers, the largest sums of which just stay within 32 bits. Its arrays lie in buffers. */
typedef struct network {
    rdc_net *net; /* for the caller to free */
    size_t count; /* of layers */
    int uses_context;
} network;

network make_network(rng *r);
network make_network_between(rng *r, uint32_t inputs, uint32_t outputs);

/* Runs it on inputs at every level, in calls of any number of tokens. */
void check_network(rng *r, const network *n);

#endif
