/* Which table codes which level. Private to csrc/levels.
 *
 * The table of a level is the clamped sum of its component's scale and its token's scale, for the component's shape and for
 * the quantiser that the trellis is in. All of it is integers that the decoder has. */
#ifndef RDC_LEVELS_GRID_H
#define RDC_LEVELS_GRID_H

#include "rdc.h"

/* The even quantiser's table; the odd one's follows it. */
static inline uint32_t rdc_grid_even_table(const rdc_level_grid *grid, size_t component, int64_t token_scale) {
    int64_t scale = grid->component_scale[component] + token_scale;
    if (scale < 0) scale = 0;
    if (scale >= (int64_t)grid->scales) scale = (int64_t)grid->scales - 1;
    return grid->first_table + 2 * (grid->component_shape[component] * grid->scales + (uint32_t)scale);
}

/* Whether `costs` are such as the search for scales takes. Errors: RDC_ERROR_GRID (at: component), RDC_ERROR_CANDIDATES. */
rdc_status rdc_scale_costs_check(const rdc_level_grid *grid, const rdc_scale_costs *costs);

/* Where the costs of a token's levels are for the grid's first scale, [components]; those for the next scales follow two rows apart. */
void rdc_levels_find_costs(const rdc_level_grid *grid, const rdc_scale_costs *costs, const int32_t *levels, uint32_t *positions);

/* The candidate for a token. */
int32_t rdc_levels_fit_token(const rdc_level_grid *grid, const rdc_scale_costs *costs, const uint32_t *positions, int32_t token_scale);

/* The tables of a token's levels. */
void rdc_levels_find_tables(const rdc_level_grid *grid, const int32_t *levels, int32_t token_scale, uint16_t *index);

/* After this every table number of the grid is a uint16. Errors: RDC_ERROR_GRID (at: component). */
rdc_status rdc_grid_check(const rdc_level_grid *grid);

/* Whether an array of `rows`, one a table of the grid, has one for each. Errors: RDC_ERROR_GRID (at: component). */
rdc_status rdc_grid_check_rows(const rdc_level_grid *grid, size_t rows);

/* Decodes the levels of one token, in the order of components. `index` is room for as many tables.
 * Errors: as rdc_block_decode. */
rdc_status rdc_levels_decode_token(const rdc_level_grid *grid, rdc_block_decoder *decoder, int32_t token_scale, uint16_t *index,
                                   int32_t *levels);

/* Their points. */
void rdc_levels_find_points(const int32_t *levels, size_t components, int64_t *points);

#endif
