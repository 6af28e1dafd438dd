/* The search for a token's scale: the one whose tables give its levels the shortest code. */
#include "base/status.h"
#include "levels/grid.h"
#include "quant/trellis.h"

#define MOST_COST_LEVELS 65536 /* so that positions among the costs are 32 bits */
#define BLOCK 64               /* components between which positions wait for their costs */

/* From a component's scale to the row of its costs. It is clamped to least..most, which are the grid's first and last scale less
 * the token's; `stride` times that, and `shift`, lead from at[i] to the position of a cost, modulo 2^32. */
typedef struct cost_rows {
    int32_t least, most;
    uint32_t stride, shift;
} cost_rows;

/* Positions first, which compilers work out with vector instructions, then the costs. Wider vectors than every CPU has do not pay:
 * it is the costs that take the time, and gathering them takes longer still. */
static uint64_t sum_costs(const uint16_t *costs, const int32_t *scale, const uint32_t *at, size_t components, cost_rows rows) {
    uint64_t sum = 0;
    for (size_t block = 0; block < components; block += BLOCK) {
        const size_t n = components - block < BLOCK ? components - block : BLOCK;
        uint32_t position[BLOCK];
        for (size_t i = 0; i < n; i++) {
            int32_t clamped = scale[block + i];
            clamped = clamped > rows.least ? clamped : rows.least;
            clamped = clamped < rows.most ? clamped : rows.most;
            position[i] = at[block + i] + (uint32_t)clamped * rows.stride + rows.shift;
        }
        for (size_t i = 0; i < n; i++) sum += costs[position[i]];
    }
    return sum;
}

typedef struct scale_search {
    const rdc_level_grid *grid;
    const rdc_scale_costs *costs;
    size_t start; /* the candidate that changes least */
} scale_search;

void rdc_levels_find_costs(const rdc_level_grid *grid, const rdc_scale_costs *costs, const int32_t *levels, uint32_t *positions) {
    const uint32_t cost_levels = (uint32_t)costs->cost_levels, last = cost_levels - 1;
    unsigned state = 0;
    for (size_t i = 0; i < grid->components; i++) {
        const uint32_t magnitude = levels[i] < 0 ? 0u - (uint32_t)levels[i] : (uint32_t)levels[i];
        const uint32_t row = 2 * grid->component_shape[i] * grid->scales + rdc_trellis_odd(state);
        positions[i] = row * cost_levels + (magnitude < last ? magnitude : last);
        state = rdc_trellis_next(state, levels[i]);
    }
}

static int32_t within_int32(int64_t x) {
    return x < INT32_MIN ? INT32_MIN : x > INT32_MAX ? INT32_MAX : (int32_t)x;
}

static uint64_t cost_of(const scale_search *search, const uint32_t *at, int64_t token_scale) {
    const rdc_level_grid *grid = search->grid;
    const int64_t last = (int64_t)grid->scales - 1, least = within_int32(-token_scale);
    /* rows of scales that a component would need less than INT32_MIN for */
    const int64_t skipped = least + token_scale < 0 ? 0 : least + token_scale < last ? least + token_scale : last;
    const uint32_t stride = 2 * (uint32_t)search->costs->cost_levels;
    const cost_rows rows = {
        .least = (int32_t)least,
        .most = within_int32(last - token_scale),
        .stride = stride,
        .shift = (uint32_t)(skipped - least) * stride,
    };
    return sum_costs(search->costs->costs, grid->component_scale, at, grid->components, rows);
}

/* Downhill from the start: the cost has one valley, to all purposes. */
static int32_t best_candidate(const scale_search *search, const uint32_t *at, int64_t token_scale) {
    const int32_t *candidates = search->costs->candidates;
    size_t best = search->start;
    uint64_t least = cost_of(search, at, token_scale + candidates[best]);
    for (int direction = 1; direction >= -1 && best == search->start; direction -= 2) {
        while (direction > 0 ? best + 1 < search->costs->candidate_count : best > 0) {
            const size_t next = direction > 0 ? best + 1 : best - 1;
            const uint64_t cost = cost_of(search, at, token_scale + candidates[next]);
            if (cost >= least) break;
            least = cost;
            best = next;
        }
    }
    return (int32_t)best;
}

rdc_status rdc_scale_costs_check(const rdc_level_grid *grid, const rdc_scale_costs *costs) {
    RDC_FORWARD_IF_ERROR(rdc_grid_check_rows(grid, costs->rows));
    RDC_RETURN_IF(costs->cost_levels < 1 || costs->cost_levels > MOST_COST_LEVELS, RDC_ERROR_CANDIDATES, 0, costs->candidate_count);
    RDC_RETURN_IF(costs->candidate_count < 1, RDC_ERROR_CANDIDATES, 0, costs->candidate_count);
    return rdc_ok();
}

int32_t rdc_levels_fit_token(const rdc_level_grid *grid, const rdc_scale_costs *costs, const uint32_t *positions, int32_t token_scale) {
    scale_search search = {grid, costs, 0};
    while (search.start + 1 < costs->candidate_count && costs->candidates[search.start] < 0) search.start++;
    return best_candidate(&search, positions, token_scale);
}
