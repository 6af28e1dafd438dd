#include "dense/exact_pairs.h"

#include <string.h>

#include "base/cpu.h"

static void exact_pairs_scalar(const int16_t *high, const int16_t *low, const int16_t *b, size_t pairs, int64_t *sums) {
    int64_t s[RDC_DENSE_COLUMNS] = {0};
    for (size_t p = 0; p < pairs; p++, b += RDC_PAIR_COLUMNS) {
        const int64_t first = high[2 * p] * (1 << RDC_PAIR_BITS) + low[2 * p], second = high[2 * p + 1] * (1 << RDC_PAIR_BITS) + low[2 * p + 1];
        for (size_t j = 0; j < RDC_DENSE_COLUMNS; j++) s[j] += first * b[2 * j] + second * b[2 * j + 1];
    }
    memcpy(sums, s, sizeof s);
}

/* Pairs whose sums of products stay within 32 bits: each adds 2 * 2^11 * 2^15 at most. */
#define SAFE_PAIRS 8

#if RDC_ARM
#include <arm_neon.h>

enum { GROUPS = RDC_DENSE_COLUMNS / 4 };

/* Adds the products of up to SAFE_PAIRS pairs. */
static void add_pairs_neon(const int16_t *a, const int16_t *b, size_t pairs, int32x4_t *sums) {
    for (size_t p = 0; p < pairs; p++, b += RDC_PAIR_COLUMNS) {
        const int16x4_t first = vdup_n_s16(a[2 * p]), second = vdup_n_s16(a[2 * p + 1]);
        for (size_t j = 0; j < GROUPS; j++) {
            const int16x4x2_t right = vld2_s16(b + 8 * j);
            sums[j] = vmlal_s16(vmlal_s16(sums[j], first, right.val[0]), second, right.val[1]);
        }
    }
}

static void exact_pairs_neon(const int16_t *high, const int16_t *low, const int16_t *b, size_t pairs, int64_t *sums) {
    int64x2_t s[2 * GROUPS];
    for (size_t j = 0; j < 2 * GROUPS; j++) s[j] = vdupq_n_s64(0);
    for (size_t p = 0; p < pairs; p += SAFE_PAIRS) {
        const size_t n = pairs - p < SAFE_PAIRS ? pairs - p : SAFE_PAIRS;
        int32x4_t of_high[GROUPS], of_low[GROUPS];
        for (size_t j = 0; j < GROUPS; j++) of_high[j] = of_low[j] = vdupq_n_s32(0);
        add_pairs_neon(high + 2 * p, b + p * RDC_PAIR_COLUMNS, n, of_high);
        add_pairs_neon(low + 2 * p, b + p * RDC_PAIR_COLUMNS, n, of_low);
        for (size_t j = 0; j < GROUPS; j++) {
            s[2 * j] = vaddq_s64(s[2 * j], vaddw_s32(vshll_n_s32(vget_low_s32(of_high[j]), RDC_PAIR_BITS), vget_low_s32(of_low[j])));
            s[2 * j + 1] = vaddq_s64(s[2 * j + 1], vaddw_s32(vshll_n_s32(vget_high_s32(of_high[j]), RDC_PAIR_BITS), vget_high_s32(of_low[j])));
        }
    }
    for (size_t j = 0; j < 2 * GROUPS; j++) vst1q_s64(sums + 2 * j, s[j]);
}
#endif

#if RDC_X86
#include <immintrin.h>

enum { VECTORS = RDC_DENSE_COLUMNS / 8 };

/* Two numbers of 16 bits, in all lanes. */
RDC_TARGET_AVX2 static __m256i pair_avx2(const int16_t *a) {
    int32_t both;
    memcpy(&both, a, sizeof both);
    return _mm256_set1_epi32(both);
}

/* high * 2^RDC_PAIR_BITS + low of four columns, in 64 bits. */
RDC_TARGET_AVX2 static __m256i joined_avx2(__m128i high, __m128i low) {
    return _mm256_add_epi64(_mm256_slli_epi64(_mm256_cvtepi32_epi64(high), RDC_PAIR_BITS), _mm256_cvtepi32_epi64(low));
}

RDC_TARGET_AVX2 static void exact_pairs_avx2(const int16_t *high, const int16_t *low, const int16_t *b, size_t pairs, int64_t *sums) {
    __m256i s[2 * VECTORS];
    for (size_t j = 0; j < 2 * VECTORS; j++) s[j] = _mm256_setzero_si256();
    for (size_t p = 0; p < pairs; p += SAFE_PAIRS) {
        const size_t end = pairs - p < SAFE_PAIRS ? pairs : p + SAFE_PAIRS;
        __m256i of_high[VECTORS], of_low[VECTORS];
        for (size_t j = 0; j < VECTORS; j++) of_high[j] = of_low[j] = _mm256_setzero_si256();
        for (size_t k = p; k < end; k++) {
            const __m256i left_high = pair_avx2(high + 2 * k), left_low = pair_avx2(low + 2 * k);
            for (size_t j = 0; j < VECTORS; j++) {
                const __m256i right = _mm256_loadu_si256((const void *)(b + k * RDC_PAIR_COLUMNS + 16 * j));
                of_high[j] = _mm256_add_epi32(of_high[j], _mm256_madd_epi16(left_high, right));
                of_low[j] = _mm256_add_epi32(of_low[j], _mm256_madd_epi16(left_low, right));
            }
        }
        for (size_t j = 0; j < VECTORS; j++) {
            s[2 * j] = _mm256_add_epi64(s[2 * j], joined_avx2(_mm256_castsi256_si128(of_high[j]), _mm256_castsi256_si128(of_low[j])));
            s[2 * j + 1] = _mm256_add_epi64(s[2 * j + 1], joined_avx2(_mm256_extracti128_si256(of_high[j], 1), _mm256_extracti128_si256(of_low[j], 1)));
        }
    }
    for (size_t j = 0; j < 2 * VECTORS; j++) _mm256_storeu_si256((void *)(sums + 4 * j), s[j]);
}
#endif

rdc_exact_pair_kernel *rdc_exact_pair_kernel_of(rdc_cpu_level level) {
    switch (level) {
#if RDC_ARM
    case RDC_CPU_NEON: return exact_pairs_neon;
#endif
#if RDC_X86
    case RDC_CPU_AVX2:
    case RDC_CPU_AVX512: return exact_pairs_avx2; /* 24 columns are three vectors of these, and no whole number of wider ones */
#endif
    default: return exact_pairs_scalar;
    }
}
