/* Plain loops that compilers turn into vector instructions, compiled once a class of CPUs. */
#include "estimators/distance_kernels.h"

#include "base/cpu.h"

static RDC_ALWAYS_INLINE size_t nearer_points(const double *point, const double *leaf, size_t dimensions, double bound,
                                              double *restrict distances) {
    double sums[RDC_LEAF] = {0};
    int64_t any = 0;
    for (size_t c = 0; c < dimensions; c++) {
        for (size_t i = 0; i < RDC_LEAF; i++) {
            const double difference = leaf[c * RDC_LEAF + i] - point[c];
            sums[i] += difference * difference;
        }
    }
    for (size_t i = 0; i < RDC_LEAF; i++) any |= sums[i] < bound;
    if (!any) return 0;
    size_t count = 0;
    for (size_t i = 0; i < RDC_LEAF; i++) { /* without branches that nothing could predict */
        distances[count] = sums[i];
        count += sums[i] < bound;
    }
    return count;
}

static RDC_ALWAYS_INLINE void gaps_to_box(const double *leaf, const double *box, size_t dimensions, double *restrict distances) {
    double sums[RDC_LEAF] = {0};
    for (size_t c = 0; c < dimensions; c++) {
        const double low = box[c], high = box[dimensions + c];
        for (size_t i = 0; i < RDC_LEAF; i++) {
            const double x = leaf[c * RDC_LEAF + i], below = low - x, above = x - high;
            const double outside = below > above ? below : above, gap = outside > 0 ? outside : 0;
            sums[i] += gap * gap;
        }
    }
    for (size_t i = 0; i < RDC_LEAF; i++) distances[i] = sums[i];
}

#define KERNELS(class, target)                                                                                    \
    target static size_t points_##class(const double *point, const double *leaf, size_t dimensions, double bound, \
                                     double *distances) {                                                         \
        return nearer_points(point, leaf, dimensions, bound, distances);                                          \
    }                                                                                                             \
    target static void box_##class(const double *leaf, const double *box, size_t dimensions, double *distances) { \
        gaps_to_box(leaf, box, dimensions, distances);                                                            \
    }

KERNELS(baseline, )
#if RDC_X86
KERNELS(avx2, RDC_TARGET_AVX2)
KERNELS(avx512, RDC_TARGET_AVX512)
#endif

static const rdc_distance_kernels kernels[RDC_CPU_LEVELS] = {
    [RDC_CPU_SCALAR] = {points_baseline, box_baseline},
    [RDC_CPU_NEON] = {points_baseline, box_baseline},
#if RDC_X86
    [RDC_CPU_AVX2] = {points_avx2, box_avx2},
    [RDC_CPU_AVX512] = {points_avx512, box_avx512},
#endif
};

const rdc_distance_kernels *rdc_distance_kernels_of(rdc_cpu_level level) {
    return &kernels[level];
}
