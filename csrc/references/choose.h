/* Which earlier tokens a token refers to, and how it is predicted from them. Private to the core. */
#ifndef RDC_REFERENCES_CHOOSE_H
#define RDC_REFERENCES_CHOOSE_H

#include "references/ring.h"

#define RDC_WEIGHT_BITS 3 /* weights are eighths */

/* Chooses distances and weights [rules->most], 0 where there are no more, one after the other: each takes what it can from `left`
 * [components], features of what is not predicted yet. `query` is room for [columns]. The same on every machine. */
void rdc_references_choose(rdc_cpu_level cpu, const rdc_ring *ring, int16_t *left, int16_t *query, int32_t *distance, int32_t *weight);

/* sum [components]: what references predict, in eighths of features.
 * Errors: RDC_ERROR_REFERENCE (at: position; got: a distance that the ring does not reach), RDC_ERROR_REFERENCE_WEIGHT. */
rdc_status rdc_references_predict(const rdc_ring *ring, const int32_t *distance, const int32_t *weight, int32_t *sum);

#endif
