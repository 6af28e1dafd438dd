#include "dense/exact_rows.h"

#include <string.h>

#include "base/cpu.h"

static void exact_row_scalar(const int32_t *a, const int32_t *b, size_t depth, int64_t *sums) {
    int64_t s[RDC_DENSE_COLUMNS] = {0};
    for (size_t k = 0; k < depth; k++) {
        for (size_t j = 0; j < RDC_DENSE_COLUMNS; j++) s[j] += (int64_t)a[k] * b[k * RDC_DENSE_COLUMNS + j];
    }
    memcpy(sums, s, sizeof s);
}

#if RDC_ARM
#include <arm_neon.h>

static void exact_row_neon(const int32_t *a, const int32_t *b, size_t depth, int64_t *sums) {
    enum { PAIRS = RDC_DENSE_COLUMNS / 2 };
    int64x2_t s[PAIRS];
    for (size_t j = 0; j < PAIRS; j++) s[j] = vdupq_n_s64(0);
    for (size_t k = 0; k < depth; k++) {
        const int32x2_t left = vdup_n_s32(a[k]);
        for (size_t j = 0; j < PAIRS; j++) s[j] = vmlal_s32(s[j], left, vld1_s32(b + k * RDC_DENSE_COLUMNS + 2 * j));
    }
    for (size_t j = 0; j < PAIRS; j++) vst1q_s64(sums + 2 * j, s[j]);
}
#endif

#if RDC_X86
#include <immintrin.h>

/* Products are of the lower halves of 64 bits, so even and odd columns have sums of their own, which take turns in the end. */
#define EXACT_ROW(name, target, vec, width, zero, load, splat, upper, multiply, add, store)                         \
    target static void name(const int32_t *a, const int32_t *b, size_t depth, int64_t *sums) {                      \
        enum { VECTORS = RDC_DENSE_COLUMNS / width };                                                               \
        vec even[VECTORS], odd[VECTORS];                                                                            \
        for (size_t j = 0; j < VECTORS; j++) even[j] = odd[j] = zero();                                             \
        for (size_t k = 0; k < depth; k++) {                                                                        \
            const vec left = splat(a[k]);                                                                           \
            for (size_t j = 0; j < VECTORS; j++) {                                                                  \
                const vec right = load((const void *)(b + k * RDC_DENSE_COLUMNS + j * width));                      \
                even[j] = add(even[j], multiply(left, right));                                                      \
                odd[j] = add(odd[j], multiply(left, upper(right, 32)));                                             \
            }                                                                                                       \
        }                                                                                                           \
        for (size_t j = 0; j < VECTORS; j++) {                                                                      \
            int64_t halves[2][width / 2];                                                                           \
            store((void *)halves[0], even[j]);                                                                      \
            store((void *)halves[1], odd[j]);                                                                       \
            for (size_t i = 0; i < width; i++) sums[j * width + i] = halves[i % 2][i / 2];                          \
        }                                                                                                           \
    }

EXACT_ROW(exact_row_avx2, RDC_TARGET_AVX2, __m256i, 8, _mm256_setzero_si256, _mm256_load_si256, _mm256_set1_epi32,
          _mm256_srli_epi64, _mm256_mul_epi32, _mm256_add_epi64, _mm256_storeu_si256)
#endif

rdc_exact_row_kernel *rdc_exact_row_kernel_of(rdc_cpu_level level) {
    switch (level) {
#if RDC_ARM
    case RDC_CPU_NEON: return exact_row_neon;
#endif
#if RDC_X86
    case RDC_CPU_AVX2:
    case RDC_CPU_AVX512: return exact_row_avx2; /* 24 columns are three vectors of these, and no whole number of wider ones */
#endif
    default: return exact_row_scalar;
    }
}
