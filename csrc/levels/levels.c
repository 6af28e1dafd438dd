/* Levels of the dependent quantiser under the scale grid. Blocks hold them component by component, each for all tokens of the
 * frame: the trellis then leaves the tokens of a component independent. */
#include <stdlib.h>

#include "base/status.h"
#include "levels/grid.h"
#include "quant/trellis.h"

void rdc_levels_find_tables(const rdc_level_grid *grid, const int32_t *levels, int32_t token_scale, size_t stride, uint16_t *index) {
    unsigned state = 0;
    for (size_t i = 0; i < grid->components; i++) {
        index[i * stride] = (uint16_t)(rdc_grid_even_table(grid, i, token_scale) + rdc_trellis_odd(state));
        state = rdc_trellis_next(state, levels[i]);
    }
}

rdc_status rdc_levels_order(const rdc_level_grid *grid, const int32_t *levels, const int32_t *token_scale, size_t tokens,
                            int32_t *symbols, uint16_t *index) {
    RDC_FORWARD_IF_ERROR(rdc_grid_check(grid));
    for (size_t t = 0; t < tokens; t++) {
        const int32_t *of_token = levels + t * grid->components;
        rdc_levels_find_tables(grid, of_token, token_scale[t], tokens, index + t);
        for (size_t i = 0; i < grid->components; i++) symbols[i * tokens + t] = of_token[i];
    }
    return rdc_ok();
}

rdc_status rdc_levels_decode_token(const rdc_level_grid *grid, rdc_block_decoder *decoder, int32_t token_scale, uint16_t *index,
                                   int32_t *levels) {
    const rdc_parity_register follows = {0, RDC_TRELLIS_FEEDBACK, RDC_TRELLIS_INPUT};
    for (size_t i = 0; i < grid->components; i++) index[i] = (uint16_t)rdc_grid_even_table(grid, i, token_scale);
    return rdc_block_decode_following(decoder, index, follows, grid->components, levels);
}

void rdc_levels_find_points(const int32_t *levels, size_t components, int64_t *points) {
    unsigned state = 0;
    for (size_t i = 0; i < components; i++) {
        points[i] = rdc_trellis_point(levels[i], rdc_trellis_odd(state));
        state = rdc_trellis_next(state, levels[i]);
    }
}

rdc_status rdc_levels_decode(const rdc_level_grid *grid, rdc_block_decoder *decoder, const int32_t *token_scale, size_t tokens,
                             int64_t *points) {
    RDC_FORWARD_IF_ERROR(rdc_grid_check(grid));
    uint8_t *states = calloc(tokens + 1, 1);
    uint16_t *index = malloc((tokens + 1) * sizeof *index);
    int32_t *levels = malloc((tokens + 1) * sizeof *levels);
    rdc_status status = states && index && levels ? rdc_ok() : rdc_fail(RDC_ERROR_MEMORY, 0, 0);
    for (size_t i = 0; i < grid->components && status.error == RDC_OK; i++) {
        for (size_t t = 0; t < tokens; t++) {
            index[t] = (uint16_t)(rdc_grid_even_table(grid, i, token_scale[t]) + rdc_trellis_odd(states[t]));
        }
        status = rdc_block_decode(decoder, (rdc_index){index, 2}, tokens, levels);
        if (status.error != RDC_OK) break;
        for (size_t t = 0; t < tokens; t++) {
            points[t * grid->components + i] = rdc_trellis_point(levels[t], rdc_trellis_odd(states[t]));
            states[t] = (uint8_t)rdc_trellis_next(states[t], levels[t]);
        }
    }
    free(states);
    free(index);
    free(levels);
    return status;
}
