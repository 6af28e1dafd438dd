/* Plain loops that compilers turn into vector instructions, compiled once a class of CPUs. Looking up sums of four rows takes a
 * quarter of the additions, and a table stays in the first-level cache while all draws pass. */
#include "estimators/rademacher_kernels.h"

#include <math.h>

#include "base/cpu.h"

#define COLUMNS RDC_SIGN_COLUMNS

static RDC_ALWAYS_INLINE void fill_table(const float *rows, float *restrict table) {
    for (size_t group = 0; group < RDC_SIGN_GROUPS; group++) {
        const float *r = rows + group * 4 * COLUMNS;
        for (size_t entry = 0; entry < 16; entry++) {
            const float a = entry & 1 ? -1.0f : 1.0f, b = entry & 2 ? -1.0f : 1.0f;
            const float c = entry & 4 ? -1.0f : 1.0f, d = entry & 8 ? -1.0f : 1.0f;
            float *to = table + (group * 16 + entry) * COLUMNS;
            for (size_t j = 0; j < COLUMNS; j++) {
                to[j] = (a * r[j] + b * r[COLUMNS + j]) + (c * r[2 * COLUMNS + j] + d * r[3 * COLUMNS + j]);
            }
        }
    }
}

static RDC_ALWAYS_INLINE void add_entries(const float *table, const uint32_t *signs, size_t draws, float *restrict sums) {
    for (size_t draw = 0; draw < draws; draw++) {
        const uint32_t word = signs[draw];
        const float *entries[RDC_SIGN_GROUPS];
        for (size_t g = 0; g < RDC_SIGN_GROUPS; g++) entries[g] = table + (g * 16 + (word >> (4 * g) & 15)) * COLUMNS;
        float *to = sums + draw * COLUMNS;
        for (size_t j = 0; j < COLUMNS; j++) {
            to[j] += ((entries[0][j] + entries[1][j]) + (entries[2][j] + entries[3][j])) +
                     ((entries[4][j] + entries[5][j]) + (entries[6][j] + entries[7][j]));
        }
    }
}

static RDC_ALWAYS_INLINE void keep_maxima(const float *sums, size_t draws, float *restrict maxima) {
    for (size_t draw = 0; draw < draws; draw++) {
        float lanes[16] = {0}, largest = maxima[draw];
        for (size_t j = 0; j < COLUMNS; j++) {
            const float magnitude = fabsf(sums[draw * COLUMNS + j]);
            lanes[j % 16] = magnitude > lanes[j % 16] ? magnitude : lanes[j % 16];
        }
        for (size_t j = 0; j < 16; j++) largest = lanes[j] > largest ? lanes[j] : largest;
        maxima[draw] = largest;
    }
}

#define KERNELS(class, target)                                                                                              \
    target static void fill_##class(const float *rows, float *table) { fill_table(rows, table); }                           \
    target static void add_##class(const float *table, const uint32_t *signs, size_t draws, float *sums) {                  \
        add_entries(table, signs, draws, sums);                                                                             \
    }                                                                                                                       \
    target static void reduce_##class(const float *sums, size_t draws, float *maxima) { keep_maxima(sums, draws, maxima); }

KERNELS(baseline, )
#if RDC_X86
KERNELS(avx2, RDC_TARGET_AVX2)
KERNELS(avx512, RDC_TARGET_AVX512)
#endif

static const rdc_rademacher_kernels kernels[RDC_CPU_LEVELS] = {
    [RDC_CPU_SCALAR] = {fill_baseline, add_baseline, reduce_baseline},
    [RDC_CPU_NEON] = {fill_baseline, add_baseline, reduce_baseline},
#if RDC_X86
    [RDC_CPU_AVX2] = {fill_avx2, add_avx2, reduce_avx2},
    [RDC_CPU_AVX512] = {fill_avx512, add_avx512, reduce_avx512},
#endif
};

const rdc_rademacher_kernels *rdc_rademacher_kernels_of(rdc_cpu_level level) {
    return &kernels[level];
}
