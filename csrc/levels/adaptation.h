/* Scales of components that follow the levels which encoder and decoder both have, at no bits. Private to csrc/levels. */
#ifndef RDC_LEVELS_ADAPTATION_H
#define RDC_LEVELS_ADAPTATION_H

#include "rdc.h"

#define RDC_DRIFT_BITS 8                      /* fractional bits of a drift, which is in grid steps */
#define RDC_MOST_DRIFT (24 << RDC_DRIFT_BITS) /* three octaves */
#define RDC_MOST_SEEN 2048

/* What is remembered, as so many numbers: the drift of each component, then the tokens seen, up to RDC_MOST_SEEN. Nothing where scales
 * stay. */
size_t rdc_adaptation_size(const rdc_predictor *predictor);

/* Errors: RDC_ERROR_NET_STATE (at: position of the first number that no coding leaves behind). */
rdc_status rdc_adaptation_check(const rdc_predictor *predictor, const int16_t *adapted);

/* What a drift adds to a component's scale, in grid steps. */
static inline int32_t rdc_adaptation_steps(int16_t drift) {
    return (drift + (1 << (RDC_DRIFT_BITS - 1))) >> RDC_DRIFT_BITS;
}

/* After a token that was coded with the scales of `grid` and a token scale: `positions` [components] are those of its levels' costs. */
void rdc_adaptation_follow(const rdc_predictor *predictor, const rdc_level_grid *grid, int32_t token_scale, const uint32_t *positions,
                           int16_t *adapted);

#endif
