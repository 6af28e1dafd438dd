/* The encoder's side of the dependent quantiser: the path through the trellis of least squared error (Viterbi).
 *
 * Tokens are independent, so threads share them out and the levels do not depend on their number. All arithmetic is plain
 * IEEE double in one order: the same levels on every machine. */
#include "quant/trellis.h"

#include <math.h>
#include <stdlib.h>

#include "base/status.h"

#ifdef _OPENMP
#include <omp.h>
#endif

#define LARGEST_VALUE 536870912.0 /* 2^29: levels and points stay well within int32 */
#define TOKENS_WORTH_THREADS 16

/* The nearest point in each of the four subsets, [2 * odd + parity]. */
typedef struct candidates {
    double cost[4]; /* squared error */
    int32_t level[4];
} candidates;

/* What the way back needs of a component: its candidates' levels, and which of two predecessors each state has, a bit a state. */
typedef struct trellis_step {
    int32_t level[4];
    uint8_t second;
} trellis_step;

/* Nearest integer, ties to even, for |x| < 2^51: faster than rint() where that is a call. */
static inline double nearest(double x) {
    const double shift = 6755399441055744.0; /* 1.5 * 2^52 */
    return (x + shift) - shift;
}

static inline double squared(double x) {
    return x * x;
}

static inline void find_candidates(double x, candidates *c) {
    for (int parity = 0; parity < 2; parity++) {
        const double m = nearest((x - 2 * parity) * 0.25);
        c->cost[parity] = squared(x - (4 * m + 2 * parity));
        c->level[parity] = 2 * (int32_t)m + parity;
    }
    const double a = fabs(x);
    const int32_t sign = x < 0 ? -1 : 1;
    double m = nearest((a - 3) * 0.25);
    m = m > 0 ? m : 0;
    const double zero = squared(a), away = squared(a - (4 * m + 3));
    c->cost[2] = zero < away ? zero : away;
    c->level[2] = zero < away ? 0 : sign * (2 * (int32_t)m + 2);
    m = nearest((a - 1) * 0.25);
    m = m > 0 ? m : 0;
    c->cost[3] = squared(a - (4 * m + 1));
    c->level[3] = sign * (2 * (int32_t)m + 1);
}

/* The two branches into every state: from where, and through which subset. rdc_trellis_next read backwards. */
static const struct {
    uint8_t state, subset;
} into[RDC_TRELLIS_STATES][2] = {
    {{0, 0}, {4, 1}}, {{2, 0}, {6, 1}}, {{0, 1}, {4, 0}}, {{2, 1}, {6, 0}},
    {{3, 2}, {7, 3}}, {{1, 2}, {5, 3}}, {{3, 3}, {7, 2}}, {{1, 3}, {5, 2}},
};

static void quantise_token(const double *values, size_t components, trellis_step *steps, int32_t *levels) {
    double cost[RDC_TRELLIS_STATES];
    for (int s = 0; s < RDC_TRELLIS_STATES; s++) cost[s] = s ? HUGE_VAL : 0;
    for (size_t i = 0; i < components; i++) {
        candidates c;
        find_candidates(values[i], &c);
        double next[RDC_TRELLIS_STATES];
        unsigned second = 0;
        for (int s = 0; s < RDC_TRELLIS_STATES; s++) {
            const double a = cost[into[s][0].state] + c.cost[into[s][0].subset];
            const double b = cost[into[s][1].state] + c.cost[into[s][1].subset];
            second |= (unsigned)(b < a) << s;
            next[s] = b < a ? b : a;
        }
        for (int s = 0; s < RDC_TRELLIS_STATES; s++) cost[s] = next[s];
        for (int k = 0; k < 4; k++) steps[i].level[k] = c.level[k];
        steps[i].second = (uint8_t)second;
    }
    unsigned state = 0;
    for (unsigned s = 1; s < RDC_TRELLIS_STATES; s++) {
        if (cost[s] < cost[state]) state = s;
    }
    for (size_t i = components; i-- > 0;) {
        const unsigned branch = (steps[i].second >> state) & 1;
        levels[i] = steps[i].level[into[state][branch].subset];
        state = into[state][branch].state;
    }
}

rdc_status rdc_trellis_quantise(const double *values, size_t tokens, size_t components, int32_t *levels) {
    for (size_t i = 0; i < tokens * components; i++) {
        RDC_RETURN_IF(!(fabs(values[i]) < LARGEST_VALUE), RDC_ERROR_QUANTISE_RANGE, i, 0);
    }
    int threads = 1;
#ifdef _OPENMP
    if (tokens >= TOKENS_WORTH_THREADS) threads = omp_get_max_threads();
#endif
    trellis_step *steps = malloc((size_t)threads * (components ? components : 1) * sizeof *steps);
    RDC_RETURN_IF(!steps, RDC_ERROR_MEMORY, 0, 0);
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(static)
#endif
    for (int64_t t = 0; t < (int64_t)tokens; t++) {
        size_t thread = 0;
#ifdef _OPENMP
        thread = (size_t)omp_get_thread_num();
#endif
        quantise_token(values + (size_t)t * components, components, steps + thread * components, levels + (size_t)t * components);
    }
    free(steps);
    return rdc_ok();
}

void rdc_trellis_odd_levels(const int32_t *levels, size_t tokens, size_t components, uint8_t *odd) {
    for (size_t t = 0; t < tokens; t++) {
        unsigned state = 0;
        for (size_t i = t * components; i < (t + 1) * components; i++) {
            odd[i] = (uint8_t)rdc_trellis_odd(state);
            state = rdc_trellis_next(state, levels[i]);
        }
    }
}
