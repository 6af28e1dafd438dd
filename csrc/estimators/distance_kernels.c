/* Plain loops that compilers turn into vector instructions, compiled once a class of CPUs; one of them by hand. */
#include "estimators/distance_kernels.h"

#include <math.h>

#include "base/cpu.h"
#if RDC_X86
#include <immintrin.h>
#endif

/* The squared distances that are below the bound. */
static RDC_ALWAYS_INLINE size_t nearer_points(const double *point, const double *leaf, size_t dimensions, size_t skipped,
                                              double bound, double *restrict distances) {
    double sums[RDC_LEAF] = {0};
    int64_t any = 0;
    for (size_t c = 0; c < dimensions; c++) {
        for (size_t i = 0; i < RDC_LEAF; i++) {
            const double difference = leaf[c * RDC_LEAF + i] - point[c];
            sums[i] += difference * difference;
        }
    }
    if (skipped < RDC_LEAF) sums[skipped] = INFINITY;
    for (size_t i = 0; i < RDC_LEAF; i++) any |= sums[i] < bound;
    if (!any) return 0;
    size_t count = 0;
    for (size_t i = 0; i < RDC_LEAF; i++) { /* without branches that nothing could predict */
        distances[count] = sums[i];
        count += sums[i] < bound;
    }
    return count;
}

/* Without branches that nothing could predict. */
static RDC_ALWAYS_INLINE void insert(double *nearest, size_t k, double distance) {
    for (size_t i = k - 1; i > 0; i--) {
        const double here = nearest[i] < distance ? nearest[i] : distance;
        nearest[i] = nearest[i - 1] > here ? nearest[i - 1] : here;
    }
    nearest[0] = nearest[0] < distance ? nearest[0] : distance;
}

static RDC_ALWAYS_INLINE void scan(const double *point, const double *leaf, size_t dimensions, size_t skipped, double *nearest,
                                   size_t k) {
    double distances[RDC_LEAF];
    const size_t count = nearer_points(point, leaf, dimensions, skipped, nearest[k - 1], distances);
    for (size_t j = 0; j < count; j++) {
        if (distances[j] < nearest[k - 1]) insert(nearest, k, distances[j]);
    }
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

#define KERNELS(class, target)                                                                                              \
    target static void scan_##class(const double *point, const double *leaf, size_t dimensions, size_t skipped,             \
                                    double *nearest, size_t k) {                                                            \
        scan(point, leaf, dimensions, skipped, nearest, k);                                                                 \
    }                                                                                                                       \
    target static void box_##class(const double *leaf, const double *box, size_t dimensions, double *distances) {           \
        gaps_to_box(leaf, box, dimensions, distances);                                                                      \
    }

KERNELS(baseline, )
#if RDC_X86
KERNELS(avx2, RDC_TARGET_AVX2)
KERNELS(avx512, RDC_TARGET_AVX512)

#define VECTORS (RDC_LEAF / 8) /* of a leaf's points */

/* Holds the nearest in a vector: each takes the place behind it where the new one is smaller. */
RDC_TARGET_AVX512 static void scan_for_few(const double *point, const double *leaf, size_t dimensions, size_t skipped,
                                           double *nearest, size_t k) {
    if (k > RDC_NEAREST) {
        scan_avx512(point, leaf, dimensions, skipped, nearest, k);
        return;
    }
    __m512d sums[VECTORS] = {_mm512_setzero_pd(), _mm512_setzero_pd(), _mm512_setzero_pd(), _mm512_setzero_pd()};
    for (size_t c = 0; c < dimensions; c++) {
        const __m512d own = _mm512_set1_pd(point[c]);
        for (int v = 0; v < VECTORS; v++) {
            const __m512d difference = _mm512_sub_pd(_mm512_loadu_pd(leaf + c * RDC_LEAF + 8 * v), own);
            sums[v] = _mm512_add_pd(sums[v], _mm512_mul_pd(difference, difference));
        }
    }
    const __m512d bound = _mm512_set1_pd(nearest[k - 1]);
    uint32_t nearer = 0;
    for (int v = 0; v < VECTORS; v++) nearer |= (uint32_t)_mm512_cmp_pd_mask(sums[v], bound, _CMP_LT_OQ) << 8 * v;
    if (skipped < RDC_LEAF) nearer &= ~(UINT32_C(1) << skipped);
    if (!nearer) return;
    double distances[RDC_LEAF];
    for (int v = 0; v < VECTORS; v++) _mm512_storeu_pd(distances + 8 * v, sums[v]);
    const __m512i before = _mm512_set_epi64(6, 5, 4, 3, 2, 1, 0, 0);
    const __m512d least = _mm512_set1_pd(-INFINITY);
    __m512d list = _mm512_loadu_pd(nearest);
    for (; nearer; nearer &= nearer - 1) {
        const __m512d here = _mm512_min_pd(list, _mm512_set1_pd(distances[__builtin_ctz(nearer)]));
        list = _mm512_max_pd(here, _mm512_mask_permutexvar_pd(least, 0xfe, before, list));
    }
    _mm512_storeu_pd(nearest, list);
}
#endif

static const rdc_distance_kernels kernels[RDC_CPU_LEVELS] = {
    [RDC_CPU_SCALAR] = {scan_baseline, box_baseline},
    [RDC_CPU_NEON] = {scan_baseline, box_baseline},
#if RDC_X86
    [RDC_CPU_AVX2] = {scan_avx2, box_avx2},
    [RDC_CPU_AVX512] = {scan_for_few, box_avx512},
#endif
};

const rdc_distance_kernels *rdc_distance_kernels_of(rdc_cpu_level level) {
    return &kernels[level];
}
