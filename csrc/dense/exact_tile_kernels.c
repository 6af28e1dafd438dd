#include "base/cpu.h"
#include "dense/exact_tiles.h"

#if RDC_X86
#include <immintrin.h>

/* Sums of a row of a tile are three vectors, each with a name of its own: compilers leave arrays of so many in memory. Vectors of 256
 * bits also where there are wider ones, for a row of pairs is three of these. */
#define FOUR_ROWS(each, ...) each(0, __VA_ARGS__) each(1, __VA_ARGS__) each(2, __VA_ARGS__) each(3, __VA_ARGS__)
#define EIGHT_ROWS(each, ...) \
    FOUR_ROWS(each, __VA_ARGS__) each(4, __VA_ARGS__) each(5, __VA_ARGS__) each(6, __VA_ARGS__) each(7, __VA_ARGS__)
#define BEGIN_ROW(i, zero) __m256i first##i = zero, second##i = zero, third##i = zero;
#define ADD_ROW(i, multiply_add)                         \
    left = _mm256_set1_epi32(values[i]);                 \
    first##i = multiply_add(first##i, left, right[0]);   \
    second##i = multiply_add(second##i, left, right[1]); \
    third##i = multiply_add(third##i, left, right[2]);
#define STORE_ROW(i, to)                                               \
    _mm256_store_si256(to + i * RDC_DENSE_COLUMNS / 8, first##i);      \
    _mm256_store_si256(to + i * RDC_DENSE_COLUMNS / 8 + 1, second##i); \
    _mm256_store_si256(to + i * RDC_DENSE_COLUMNS / 8 + 2, third##i);

/* A tile in blocks of rows whose sums stay in registers. */
#define TILE(name, target, rows, each_row, multiply_add)                                                           \
    target static void name(const int32_t *a, const uint32_t *which, size_t count, const void *b, int32_t *tile) { \
        for (size_t block = 0; block < RDC_DENSE_ROWS; block += rows) {                                            \
            each_row(BEGIN_ROW, _mm256_setzero_si256());                                                           \
            for (size_t k = 0; k < count; k++) {                                                                   \
                const int32_t *values = a + k * RDC_DENSE_ROWS + block;                                            \
                const __m256i *right = (const __m256i *)b + which[k] * RDC_DENSE_COLUMNS / 8;                      \
                __m256i left;                                                                                      \
                each_row(ADD_ROW, multiply_add);                                                                   \
            }                                                                                                      \
            __m256i *to = (void *)(tile + block * RDC_DENSE_COLUMNS);                                              \
            each_row(STORE_ROW, to);                                                                               \
        }                                                                                                          \
    }

RDC_TARGET_AVX2 static inline __m256i multiply_add(__m256i sums, __m256i left, __m256i right) {
    return _mm256_add_epi32(sums, _mm256_madd_epi16(left, right));
}

TILE(tile_avx2, RDC_TARGET_AVX2, 4, FOUR_ROWS, multiply_add)
TILE(tile_avx512, RDC_TARGET_AVX512, 8, EIGHT_ROWS, _mm256_dpwssd_epi32)
#endif

rdc_exact_tile_kernel *rdc_exact_tile_kernel_of(rdc_cpu_level level) {
    switch (level) {
#if RDC_X86
    case RDC_CPU_AVX2: return tile_avx2;
    case RDC_CPU_AVX512: return tile_avx512;
#endif
    default: return NULL;
    }
}
