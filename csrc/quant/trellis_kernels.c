/* The path through the trellis of least squared error (Viterbi). All arithmetic is plain IEEE double in one order, and the ways
 * that err the same are chosen between alike: the same levels on every machine. */
#include "quant/trellis_kernels.h"

#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "base/rounding.h"
#include "quant/trellis.h"

/* 4 times RDC_NEAREST, which rounds to a multiple of 4. */
#define NEAREST_OF_4 27021597764222976.0

/* Squared error of the nearest point in each of the four subsets, [2 * odd + parity]. Points of a subset are 4 apart, those of
 * the other parity half way between; of the odd quantiser this holds for magnitudes, where 0 stands in for -1. */
static void find_errors(double x, double *error) {
    const double even = x - ((x + NEAREST_OF_4) - NEAREST_OF_4), even_other = 2 - fabs(even);
    error[0] = even * even;
    error[1] = even_other * even_other;
    const double a = fabs(x), b = a - 1;
    const double odd = b - ((b + NEAREST_OF_4) - NEAREST_OF_4), odd_other = 2 - fabs(odd);
    const double zero = a * a, away = odd_other * odd_other;
    error[2] = zero < away ? zero : away;
    error[3] = odd * odd;
}

/* The level of the nearest point in a subset. */
static double nearest_level(double x, unsigned odd, unsigned parity) {
    const double a = fabs(x), from = odd ? a : x, first = odd ? 3 - 2 * (double)parity : 2 * (double)parity;
    const double m = ((from - first) * 0.25 + RDC_NEAREST) - RDC_NEAREST;
    if (!odd) return 2 * m + parity;
    const double away = a - (4 * m + first);
    if (!parity && a * a < away * away) return 0;
    const double magnitude = 2 * m + 2 - parity;
    return x < 0 ? -magnitude : magnitude;
}

/* The two branches into every state: from where, and through which subset. rdc_trellis_next read backwards. */
static const struct {
    uint8_t state, subset;
} into[RDC_TRELLIS_STATES][2] = {
    {{0, 0}, {4, 1}}, {{2, 0}, {6, 1}}, {{0, 1}, {4, 0}}, {{2, 1}, {6, 0}},
    {{3, 2}, {7, 3}}, {{1, 2}, {5, 3}}, {{3, 3}, {7, 2}}, {{1, 3}, {5, 2}},
};

static void start(double *cost) {
    for (int s = 0; s < RDC_TRELLIS_STATES; s++) cost[s] = s ? HUGE_VAL : 0;
}

/* Moves the costs on by a component. Returns which predecessor each state has, a bit a state. */
static uint8_t advance(const double *error, double *cost) {
    double next[RDC_TRELLIS_STATES];
    unsigned second = 0;
    for (int s = 0; s < RDC_TRELLIS_STATES; s++) {
        const double a = cost[into[s][0].state] + error[into[s][0].subset];
        const double b = cost[into[s][1].state] + error[into[s][1].subset];
        second |= (unsigned)(b < a) << s;
        next[s] = b < a ? b : a;
    }
    memcpy(cost, next, sizeof next);
    return (uint8_t)second;
}

/* Replaces each byte by the subset that the best way goes through. */
static void trace_back(const double *cost, uint8_t *seconds, size_t components) {
    unsigned state = 0;
    for (unsigned s = 1; s < RDC_TRELLIS_STATES; s++) {
        if (cost[s] < cost[state]) state = s;
    }
    for (size_t i = components; i-- > 0;) {
        const unsigned branch = (seconds[i] >> state) & 1;
        seconds[i] = into[state][branch].subset;
        state = into[state][branch].state;
    }
}

static void search_scalar(double *work, size_t components) {
    uint8_t *const seconds = (uint8_t *)(work + components);
    double cost[RDC_TRELLIS_STATES], error[4];
    start(cost);
    for (size_t i = 0; i < components; i++) {
        find_errors(work[i], error);
        seconds[i] = advance(error, cost);
    }
    trace_back(cost, seconds, components);
    for (size_t i = 0; i < components; i++) work[i] = nearest_level(work[i], seconds[i] >> 1, seconds[i] & 1);
}

static void walk_scalar(const double *errors, size_t components, uint8_t *subsets) {
    double cost[RDC_TRELLIS_STATES];
    start(cost);
    for (size_t i = 0; i < components; i++) subsets[i] = advance(errors + 4 * i, cost);
    trace_back(cost, subsets, components);
}

#if RDC_ARM
#define LANES 2
#define NAME(name) name##_2
#define TARGET
#include "quant/trellis_lanes.h"
#endif
#if RDC_X86
#define LANES 4
#define NAME(name) name##_4
#define TARGET RDC_TARGET_AVX2
#include "quant/trellis_lanes.h"
#define LANES 8
#define NAME(name) name##_8
#define TARGET RDC_TARGET_AVX512
#include "quant/trellis_lanes.h"
#endif

#if RDC_X86
#include "quant/trellis_states.h"
#endif

static const rdc_trellis_kernel kernels[RDC_CPU_LEVELS] = {
    [RDC_CPU_SCALAR] = {1, search_scalar, search_scalar, walk_scalar},
#if RDC_ARM
    [RDC_CPU_NEON] = {2, search_2, search_scalar, walk_scalar},
#endif
#if RDC_X86
    [RDC_CPU_AVX2] = {4, search_4, search_states, walk_states},
    [RDC_CPU_AVX512] = {8, search_8, search_states, walk_states},
#endif
};

const rdc_trellis_kernel *rdc_trellis_kernel_of(rdc_cpu_level level) {
    return &kernels[level];
}
