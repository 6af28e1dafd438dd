/* Levels of the dependent quantiser under the scale grid, a token at a time. */
#include "levels/grid.h"
#include "quant/trellis.h"

void rdc_levels_find_tables(const rdc_level_grid *grid, const int32_t *levels, int32_t token_scale, uint16_t *index) {
    unsigned state = 0;
    for (size_t i = 0; i < grid->components; i++) {
        index[i] = (uint16_t)(rdc_grid_even_table(grid, i, token_scale) + rdc_trellis_odd(state));
        state = rdc_trellis_next(state, levels[i]);
    }
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
