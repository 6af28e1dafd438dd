/* Histograms of levels, a row a table. One pass that counts straight into the result: as neighbouring components differ in
 * table and level often enough, partial histograms against repeated symbols cost more to clear and add up than they save. */
#include <string.h>

#include "base/status.h"
#include "levels/grid.h"
#include "quant/trellis.h"

rdc_status rdc_levels_count(const rdc_level_grid *grid, const int32_t *levels, const int32_t *token_scale, size_t tokens,
                            uint32_t reach, size_t rows, int64_t *counts) {
    RDC_FORWARD_IF_ERROR(rdc_grid_check_rows(grid, rows));
    const size_t width = 2 * (size_t)reach + 1;
    memset(counts, 0, rows * width * sizeof *counts);
    for (size_t t = 0; t < tokens; t++) {
        unsigned state = 0;
        for (size_t i = 0; i < grid->components; i++) {
            const int32_t level = levels[t * grid->components + i];
            const size_t row = rdc_grid_even_table(grid, i, token_scale[t]) - grid->first_table + rdc_trellis_odd(state);
            const uint64_t column = (uint64_t)((int64_t)level + reach); /* one below -reach is beyond the width as well */
            if (column < width) counts[row * width + column]++;
            state = rdc_trellis_next(state, level);
        }
    }
    return rdc_ok();
}
