#include "levels/grid.h"

#include "base/status.h"

rdc_status rdc_grid_check(const rdc_level_grid *grid) {
    RDC_RETURN_IF(grid->scales < 1 || grid->scales > RDC_MAX_TABLES, RDC_ERROR_GRID, 0, grid->scales);
    RDC_RETURN_IF(grid->first_table > RDC_MAX_TABLES, RDC_ERROR_GRID, 0, grid->first_table);
    for (size_t i = 0; i < grid->components; i++) {
        const uint64_t last = grid->first_table + 2 * (grid->component_shape[i] + (uint64_t)1) * grid->scales;
        RDC_RETURN_IF(last > RDC_MAX_TABLES, RDC_ERROR_GRID, i, last);
    }
    return rdc_ok();
}

rdc_status rdc_grid_check_rows(const rdc_level_grid *grid, size_t rows) {
    RDC_FORWARD_IF_ERROR(rdc_grid_check(grid));
    for (size_t i = 0; i < grid->components; i++) {
        const size_t needed = 2 * (grid->component_shape[i] + (size_t)1) * grid->scales;
        RDC_RETURN_IF(needed > rows, RDC_ERROR_GRID, i, needed);
    }
    return rdc_ok();
}
