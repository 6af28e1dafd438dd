/* The path through the trellis of least squared error and code length together, for a token whose tables are known. As
 * trellis_kernels.c, plain IEEE double in one order: the same levels on every machine. */
#include <math.h>

#include "base/rounding.h"
#include "base/status.h"
#include "quant/trellis.h"
#include "quant/trellis_kernels.h"

#define SUBSETS 4
#define LAST (RDC_RATED_MAGNITUDES - 1)

/* A token's way through its components: errors and magnitudes of the best level of each subset, [components, SUBSETS], and the
 * subsets that the way goes through, in memory of so many doubles. */
typedef struct rated_work {
    double *errors;
    int32_t *magnitudes;
    uint8_t *subsets;
} rated_work;

size_t rdc_trellis_rated_room(size_t components) {
    return components * SUBSETS + components * SUBSETS / 2 + components / 8 + 1;
}

static rated_work work_in(double *memory, size_t components) {
    double *const magnitudes = memory + components * SUBSETS;
    return (rated_work){memory, (int32_t *)(void *)magnitudes, (uint8_t *)(magnitudes + components * SUBSETS / 2)};
}

static inline double square(double x) {
    return x * x;
}

/* Prices of the levels 0 and 1 alone, which are the nearest ones of all subsets where a value is within half a step. */
static inline void find_small_prices(double a, const uint16_t *even, const uint16_t *odd, double weight, double *errors,
                                     int32_t *magnitudes) {
    errors[0] = square(a) + weight * even[0];
    errors[1] = square(2 - a) + weight * even[1];
    errors[2] = square(a) + weight * odd[0];
    errors[3] = square(1 - a) + weight * odd[1];
    for (int subset = 0; subset < SUBSETS; subset++) magnitudes[subset] = subset & 1;
}

/* Squared error of a level of this magnitude, and what it costs. */
static inline double price_of(double a, double magnitude, double odd, const uint16_t *costs, double weight) {
    const double point = 2 * magnitude - (magnitude > 0 ? odd : 0);
    return square(point - a) + weight * costs[magnitude < LAST ? (size_t)magnitude : LAST];
}

/* The nearest level of each subset or the next one towards 0, which costs less: among equals it is taken. */
static void find_prices(double a, const uint16_t *even, const uint16_t *odd, double weight, double *errors, int32_t *magnitudes) {
    for (int subset = 0; subset < SUBSETS; subset++) {
        const double is_odd = subset >> 1, parity = subset & 1;
        const uint16_t *const costs = subset < 2 ? even : odd;
        const double near = parity + 2 * ((((a + is_odd) * 0.5 - parity) * 0.5 + RDC_NEAREST) - RDC_NEAREST);
        const double inner = near < 2 ? near : near - 2;
        const double outwards = price_of(a, near, is_odd, costs, weight);
        const double inwards = price_of(a, inner, is_odd, costs, weight);
        errors[subset] = inwards <= outwards ? inwards : outwards;
        magnitudes[subset] = (int32_t)(inwards <= outwards ? inner : near);
    }
}

rdc_status rdc_trellis_quantise_rated(rdc_cpu_level cpu, const double *values, size_t components, const rdc_level_rates *rates,
                                      double *memory, int32_t *levels) {
    const rated_work work = work_in(memory, components);
    for (size_t i = 0; i < components; i++) {
        const double a = fabs(values[i]);
        RDC_RETURN_IF(!(a < RDC_TRELLIS_LARGEST), RDC_ERROR_QUANTISE_RANGE, i, 0);
        const uint16_t *const even = rates->costs + (size_t)2 * RDC_RATED_MAGNITUDES * rates->rows[i];
        const uint16_t *const odd = even + RDC_RATED_MAGNITUDES;
        double *const errors = work.errors + SUBSETS * i;
        int32_t *const magnitudes = work.magnitudes + SUBSETS * i;
        if (a < 1) {
            find_small_prices(a, even, odd, rates->weight, errors, magnitudes);
        } else {
            find_prices(a, even, odd, rates->weight, errors, magnitudes);
        }
    }
    rdc_trellis_kernel_of(cpu)->walk(work.errors, components, work.subsets);
    for (size_t i = 0; i < components; i++) {
        const int32_t magnitude = work.magnitudes[SUBSETS * i + work.subsets[i]];
        levels[i] = values[i] < 0 ? -magnitude : magnitude;
    }
    return rdc_ok();
}
