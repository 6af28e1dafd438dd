/* Levels of the dependent quantiser under the scale grid. Blocks hold them component by component, each for all tokens of the
 * frame: the trellis then leaves the tokens of a component independent. */
#include <stdlib.h>

#include "base/status.h"
#include "levels/grid.h"
#include "quant/trellis.h"

#ifdef _OPENMP
#include <omp.h>
#endif

#define TOKENS_WORTH_THREADS 16

rdc_status rdc_levels_order(const rdc_level_grid *grid, const int32_t *levels, const int32_t *token_scale, size_t tokens,
                            int32_t *symbols, uint16_t *index) {
    RDC_FORWARD_IF_ERROR(rdc_grid_check(grid));
    for (size_t t = 0; t < tokens; t++) {
        unsigned state = 0;
        for (size_t i = 0; i < grid->components; i++) {
            const int32_t level = levels[t * grid->components + i];
            symbols[i * tokens + t] = level;
            index[i * tokens + t] = (uint16_t)(rdc_grid_even_table(grid, i, token_scale[t]) + rdc_trellis_odd(state));
            state = rdc_trellis_next(state, level);
        }
    }
    return rdc_ok();
}

/* Searching the best scale. */
typedef struct scale_search {
    const rdc_level_grid *grid;
    const uint16_t *costs;
    size_t cost_levels;
    const int32_t *candidates;
    size_t candidate_count;
    size_t start; /* the candidate that changes least */
} scale_search;

/* What a level costs: costs[at], where the clamped scale with the candidate moves `at` from row to row. */
typedef struct level_site {
    int64_t scale;
    size_t at; /* for scale 0 */
} level_site;

/* All that does not depend on the candidate. */
static void find_sites(const scale_search *search, const int32_t *levels, int64_t token_scale, level_site *sites) {
    const rdc_level_grid *grid = search->grid;
    const uint32_t last = (uint32_t)search->cost_levels - 1;
    unsigned state = 0;
    for (size_t i = 0; i < grid->components; i++) {
        const uint32_t magnitude = levels[i] < 0 ? 0u - (uint32_t)levels[i] : (uint32_t)levels[i];
        const size_t row = 2 * (size_t)grid->component_shape[i] * grid->scales + rdc_trellis_odd(state);
        sites[i].scale = grid->component_scale[i] + token_scale;
        sites[i].at = row * search->cost_levels + (magnitude < last ? magnitude : last);
        state = rdc_trellis_next(state, levels[i]);
    }
}

static uint64_t cost_of(const scale_search *search, const level_site *sites, size_t candidate) {
    const int64_t added = search->candidates[candidate], last = (int64_t)search->grid->scales - 1;
    const size_t stride = 2 * search->cost_levels;
    uint64_t sum = 0;
    for (size_t i = 0; i < search->grid->components; i++) {
        int64_t scale = sites[i].scale + added;
        scale = scale > 0 ? scale : 0;
        scale = scale < last ? scale : last;
        sum += search->costs[sites[i].at + (size_t)scale * stride];
    }
    return sum;
}

/* Downhill from the start: the cost has one valley, to all purposes. */
static int32_t best_candidate(const scale_search *search, const level_site *sites) {
    size_t best = search->start;
    uint64_t least = cost_of(search, sites, best);
    for (int direction = 1; direction >= -1 && best == search->start; direction -= 2) {
        while (direction > 0 ? best + 1 < search->candidate_count : best > 0) {
            const size_t next = direction > 0 ? best + 1 : best - 1;
            const uint64_t cost = cost_of(search, sites, next);
            if (cost >= least) break;
            least = cost;
            best = next;
        }
    }
    return (int32_t)best;
}

rdc_status rdc_levels_fit_scale(const rdc_level_grid *grid, const uint16_t *costs, size_t rows, size_t cost_levels,
                                const int32_t *levels, const int32_t *token_scale, size_t tokens, const int32_t *candidates,
                                size_t candidate_count, int32_t *choice) {
    RDC_FORWARD_IF_ERROR(rdc_grid_check_rows(grid, rows));
    RDC_RETURN_IF(cost_levels < 1 || candidate_count < 1, RDC_ERROR_CANDIDATES, 0, candidate_count);
    scale_search search = {grid, costs, cost_levels, candidates, candidate_count, 0};
    while (search.start + 1 < candidate_count && candidates[search.start] < 0) search.start++;
    int threads = 1;
#ifdef _OPENMP
    if (tokens >= TOKENS_WORTH_THREADS) threads = omp_get_max_threads();
#endif
    level_site *sites = malloc((size_t)threads * (grid->components + 1) * sizeof *sites);
    RDC_RETURN_IF(!sites, RDC_ERROR_MEMORY, 0, 0);
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(static)
#endif
    for (int64_t t = 0; t < (int64_t)tokens; t++) {
        level_site *own = sites;
#ifdef _OPENMP
        own += (size_t)omp_get_thread_num() * grid->components;
#endif
        find_sites(&search, levels + (size_t)t * grid->components, token_scale[t], own);
        choice[t] = best_candidate(&search, own);
    }
    free(sites);
    return rdc_ok();
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
