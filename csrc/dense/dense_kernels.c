#include "dense/dense_kernels.h"

#include <string.h>

#include "base/cpu.h"

/* One row of a tile, of a [depth], `stride` apart. */
static void dense_row(const double *a, size_t stride, const double *b, size_t depth, double *row) {
    double sums[RDC_DENSE_COLUMNS] = {0};
    for (size_t k = 0; k < depth; k++) {
        for (size_t j = 0; j < RDC_DENSE_COLUMNS; j++) sums[j] += a[k * stride] * b[k * RDC_DENSE_COLUMNS + j];
    }
    memcpy(row, sums, sizeof sums);
}

static void multiply_baseline(const double *a, const double *b, size_t depth, double *tile) {
    for (size_t i = 0; i < RDC_DENSE_ROWS; i++) dense_row(a + i, RDC_DENSE_ROWS, b, depth, tile + i * RDC_DENSE_COLUMNS);
}

/* A tile in blocks of `rows` rows by 3 vectors, which stay in registers. A vector product and a vector sum go to different units, so
 * that fusing them would gain little; and estimators would round otherwise. */
#define ROWS_3_VECTORS(name, target, vec, width, rows, zero, load, splat, multiply, add, store)                               \
    target static void name(const double *a, const double *b, size_t depth, double *tile) {                                \
        for (size_t block = 0; block < RDC_DENSE_ROWS; block += rows) {                                                    \
            for (size_t from = 0; from < RDC_DENSE_COLUMNS; from += 3 * width) {                                           \
                vec sums[rows][3];                                                                                         \
                for (size_t i = 0; i < rows; i++)                                                                          \
                    for (size_t j = 0; j < 3; j++) sums[i][j] = zero();                                                    \
                for (size_t k = 0; k < depth; k++) {                                                                       \
                    vec right[3];                                                                                          \
                    for (size_t j = 0; j < 3; j++) right[j] = load(b + k * RDC_DENSE_COLUMNS + from + j * width);          \
                    for (size_t i = 0; i < rows; i++) {                                                                    \
                        const vec left = splat(a[k * RDC_DENSE_ROWS + block + i]);                                         \
                        for (size_t j = 0; j < 3; j++) sums[i][j] = add(sums[i][j], multiply(left, right[j]));             \
                    }                                                                                                      \
                }                                                                                                          \
                for (size_t i = 0; i < rows; i++)                                                                          \
                    for (size_t j = 0; j < 3; j++)                                                                         \
                        store(tile + (block + i) * RDC_DENSE_COLUMNS + from + j * width, sums[i][j]);                      \
            }                                                                                                              \
        }                                                                                                                  \
    }

#if RDC_ARM
#include <arm_neon.h>

#define zero_neon() vdupq_n_f64(0)

ROWS_3_VECTORS(multiply_neon, , float64x2_t, 2, 8, zero_neon, vld1q_f64, vdupq_n_f64, vmulq_f64, vaddq_f64, vst1q_f64)
#endif

#if RDC_X86
#include <immintrin.h>

ROWS_3_VECTORS(multiply_avx2, RDC_TARGET_AVX2, __m256d, 4, 4, _mm256_setzero_pd, _mm256_load_pd, _mm256_set1_pd,
               _mm256_mul_pd, _mm256_add_pd, _mm256_store_pd)
ROWS_3_VECTORS(multiply_avx512, RDC_TARGET_AVX512, __m512d, 8, 8, _mm512_setzero_pd, _mm512_load_pd, _mm512_set1_pd,
               _mm512_mul_pd, _mm512_add_pd, _mm512_store_pd)
#endif

rdc_dense_kernel *rdc_dense_kernel_of(rdc_cpu_level level) {
    switch (level) {
#if RDC_ARM
    case RDC_CPU_NEON: return multiply_neon;
#endif
#if RDC_X86
    case RDC_CPU_AVX2: return multiply_avx2;
    case RDC_CPU_AVX512: return multiply_avx512;
#endif
    default: return multiply_baseline;
    }
}
