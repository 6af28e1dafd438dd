/* The search of trellis_kernels.c for one token with the states in the lanes of two vectors, 0 to 3 and 4 to 7: the same operations
 * in the same order. Included there once. */
#include <immintrin.h>

#define TARGET RDC_TARGET_AVX2
#define INLINE TARGET static RDC_ALWAYS_INLINE

/* find_errors, each error in a lane of its own. */
INLINE __m256d errors_of(double value) {
    const __m256d sign = _mm256_set1_pd(-0.0), nearest = _mm256_set1_pd(NEAREST_OF_4);
    const __m256d x = _mm256_set1_pd(value), a = _mm256_andnot_pd(sign, x);
    const __m256d from = _mm256_blend_pd(x, _mm256_sub_pd(a, _mm256_set1_pd(1)), 12); /* x, x, |x| - 1, |x| - 1 */
    const __m256d near = _mm256_sub_pd(from, _mm256_sub_pd(_mm256_add_pd(from, nearest), nearest));
    const __m256d other = _mm256_sub_pd(_mm256_set1_pd(2), _mm256_andnot_pd(sign, near));
    const __m256d distance = _mm256_blend_pd(near, other, 6), error = _mm256_mul_pd(distance, distance);
    return _mm256_blend_pd(error, _mm256_min_pd(_mm256_mul_pd(a, a), error), 4);
}

typedef struct state_costs {
    __m256d low, high;
} state_costs;

/* The table `into`, written out. Returns which predecessor each state has, a bit a state. */
INLINE unsigned advance_states(__m256d error, state_costs *cost) {
    const __m256d a = _mm256_add_pd(_mm256_permute4x64_pd(cost->low, 0x88), _mm256_permute4x64_pd(error, 0x50));  /* 0 2 0 2, 0 0 1 1 */
    const __m256d b = _mm256_add_pd(_mm256_permute4x64_pd(cost->high, 0x88), _mm256_permute4x64_pd(error, 0x05)); /* 4 6 4 6, 1 1 0 0 */
    const __m256d c = _mm256_add_pd(_mm256_permute4x64_pd(cost->low, 0x77), _mm256_permute4x64_pd(error, 0xfa));  /* 3 1 3 1, 2 2 3 3 */
    const __m256d d = _mm256_add_pd(_mm256_permute4x64_pd(cost->high, 0x77), _mm256_permute4x64_pd(error, 0xaf)); /* 7 5 7 5, 3 3 2 2 */
    const int low = _mm256_movemask_pd(_mm256_cmp_pd(b, a, _CMP_LT_OQ)), high = _mm256_movemask_pd(_mm256_cmp_pd(d, c, _CMP_LT_OQ));
    *cost = (state_costs){_mm256_min_pd(b, a), _mm256_min_pd(d, c)};
    return (unsigned)(low | high << 4);
}

#define START {_mm256_setr_pd(0, HUGE_VAL, HUGE_VAL, HUGE_VAL), _mm256_set1_pd(HUGE_VAL)}

INLINE void trace_states_back(const state_costs *cost, uint8_t *seconds, size_t components) {
    double costs[RDC_TRELLIS_STATES];
    _mm256_storeu_pd(costs, cost->low);
    _mm256_storeu_pd(costs + 4, cost->high);
    trace_back(costs, seconds, components);
}

TARGET static void walk_states(const double *errors, size_t components, uint8_t *subsets) {
    state_costs cost = START;
    for (size_t i = 0; i < components; i++) subsets[i] = (uint8_t)advance_states(_mm256_loadu_pd(errors + 4 * i), &cost);
    trace_states_back(&cost, subsets, components);
}

TARGET static void search_states(double *work, size_t components) {
    uint8_t *const seconds = (uint8_t *)(work + components);
    state_costs cost = START;
    for (size_t i = 0; i < components; i++) seconds[i] = (uint8_t)advance_states(errors_of(work[i]), &cost);
    trace_states_back(&cost, seconds, components);
    size_t i = 0;
    for (; i + 4 <= components; i += 4) {
        int32_t four;
        memcpy(&four, seconds + i, sizeof four);
        const __m256i subset = _mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four));
        reals_4 x;
        memcpy(&x, work + i, sizeof x);
        x = nearest_level_4(x, (masks_4)subset > 1, ((masks_4)subset & 1) != 0);
        memcpy(work + i, &x, sizeof x);
    }
    for (; i < components; i++) work[i] = nearest_level(work[i], seconds[i] >> 1, seconds[i] & 1);
}

#undef START
#undef INLINE
#undef TARGET
