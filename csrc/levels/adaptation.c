/* Gradient descent on the code length: what a level would have cost one grid step up and one down says where its component's scale
 * ought to be. */
#include "levels/adaptation.h"

#include "base/status.h"

/* The inverse of a curvature: a Gaussian component of deviation 1 under a scale of 2^(u / 8) takes u / 8 + 2^(-u / 4) / (2 ln 2) bits
 * and a constant, of which the second derivative at u = 0 is ln 2 / 32, one in 46 bits a squared grid step. The difference of costs
 * spans two steps, so this goes twice as far as Newton's method: where most levels are 0 the curvature is less. */
#define STEP 46
#define RATE_BITS 16
#define MOST_DIFFERENCE 4096 /* 16 bits: no single level turns a scale over */

size_t rdc_adaptation_size(const rdc_predictor *predictor) {
    return predictor->adaptation ? predictor->grid.components + 1 : 0;
}

rdc_status rdc_adaptation_check(const rdc_predictor *predictor, const int16_t *adapted) {
    const size_t size = rdc_adaptation_size(predictor);
    for (size_t i = 0; i < size; i++) {
        const int is_drift = i < predictor->grid.components;
        const int least = is_drift ? -RDC_MOST_DRIFT : 0, most = is_drift ? RDC_MOST_DRIFT : RDC_MOST_SEEN;
        RDC_RETURN_IF(adapted[i] < least || adapted[i] > most, RDC_ERROR_NET_STATE, i, adapted[i]);
    }
    return rdc_ok();
}

static int64_t within(int64_t x, int64_t most) {
    return x < -most ? -most : x > most ? most : x;
}

void rdc_adaptation_follow(const rdc_predictor *predictor, const rdc_level_grid *grid, int32_t token_scale, const uint32_t *positions,
                           int16_t *adapted) {
    if (!predictor->adaptation) return;
    const uint16_t *costs = predictor->costs.costs;
    const size_t stride = 2 * predictor->costs.cost_levels;
    const int64_t last = (int64_t)grid->scales - 1;
    int16_t *seen = adapted + grid->components;
    const int64_t rate = (STEP << RATE_BITS) / ((int64_t)predictor->adaptation + *seen);
    for (size_t i = 0; i < grid->components; i++) {
        const int64_t scale = (int64_t)grid->component_scale[i] + token_scale;
        if (scale <= 0 || scale >= last) continue; /* no table beyond that one */
        const uint16_t *below = costs + positions[i] + (size_t)(scale - 1) * stride;
        const int64_t difference = within((int64_t)below[2 * stride] - below[0], MOST_DIFFERENCE);
        const int64_t change = (difference * rate + (1 << (RATE_BITS - 1))) >> RATE_BITS;
        adapted[i] = (int16_t)within(adapted[i] - change, RDC_MOST_DRIFT);
    }
    if (*seen < RDC_MOST_SEEN) (*seen)++;
}
