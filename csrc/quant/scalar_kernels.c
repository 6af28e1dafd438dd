/* Plain loops that compilers turn into vector instructions, compiled once a class of CPUs. Where a loop chooses by masks it is
 * because some compilers move a floating-point operation into the branches of a choice, and then leave the loop scalar. */
#include "quant/scalar_kernels.h"

#include <float.h>
#include <math.h>

#include "base/cpu.h"
#include "quant/float_types.h"

#define LARGEST_SYMBOL 2147483647.0

static RDC_ALWAYS_INLINE int quantise_rows(const void *values, rdc_float_type type, size_t rows, size_t n, const double *steps,
                                           double offset, int32_t *restrict symbols) {
    uint32_t beyond = 0;
    for (size_t row = 0; row < rows; row++) {
        for (size_t c = 0; c < n; c++) {
            const size_t i = row * n + c;
            const float x = rdc_float_at(values, type, i);
            const double quotient = fabs((double)x / steps[c]) + offset;
            /* what is not below the largest, NaN too, becomes it; the conversion is floor(), for it rounds towards 0 */
            const int32_t magnitude = (int32_t)(quotient < LARGEST_SYMBOL ? quotient : LARGEST_SYMBOL);
            beyond |= magnitude == INT32_MAX;
            symbols[i] = x < 0 ? -magnitude : magnitude;
        }
    }
    return !beyond;
}

/* A loop for each type. */
static RDC_ALWAYS_INLINE int quantise_any(const void *values, rdc_float_type type, size_t rows, size_t n, const double *steps,
                                          double offset, int32_t *symbols) {
    switch (type) {
    case RDC_FLOAT16: return quantise_rows(values, RDC_FLOAT16, rows, n, steps, offset, symbols);
    case RDC_BFLOAT16: return quantise_rows(values, RDC_BFLOAT16, rows, n, steps, offset, symbols);
    default: return quantise_rows(values, RDC_FLOAT32, rows, n, steps, offset, symbols);
    }
}

static RDC_ALWAYS_INLINE void dequantise_rows(const int32_t *symbols, size_t rows, size_t n, const double *steps,
                                              const double *inward, float *restrict values) {
    const double largest = FLT_MAX, one = inward[0], more = inward[1];
    for (size_t row = 0; row < rows; row++) {
        for (size_t c = 0; c < n; c++) {
            const size_t i = row * n + c;
            const double magnitude = fabs((double)symbols[i]);
            const double point = (magnitude - (magnitude > 1 ? more : one)) * steps[c];
            const uint64_t bits = rdc_double_as_bits(point < largest ? point : largest);
            const uint64_t sign = (uint64_t)(symbols[i] < 0) << 63, is_zero = UINT64_C(0) - (symbols[i] == 0);
            values[i] = (float)rdc_bits_as_double(sign | (bits & ~is_zero));
        }
    }
}

#define KERNELS(class, target)                                                                                              \
    target static int quantise_##class(const void *values, rdc_float_type type, size_t rows, size_t n, const double *steps, \
                                       double offset, int32_t *symbols) {                                                   \
        return quantise_any(values, type, rows, n, steps, offset, symbols);                                                 \
    }                                                                                                                       \
    target static void dequantise_##class(const int32_t *symbols, size_t rows, size_t n, const double *steps,               \
                                          const double *inward, float *values) {                                            \
        dequantise_rows(symbols, rows, n, steps, inward, values);                                                           \
    }

KERNELS(baseline, )
#if RDC_X86
KERNELS(avx2, RDC_TARGET_AVX2)
KERNELS(avx512, RDC_TARGET_AVX512)
#endif

static const rdc_scalar_kernels kernels[RDC_CPU_LEVELS] = {
    [RDC_CPU_SCALAR] = {quantise_baseline, dequantise_baseline},
    [RDC_CPU_NEON] = {quantise_baseline, dequantise_baseline},
#if RDC_X86
    [RDC_CPU_AVX2] = {quantise_avx2, dequantise_avx2},
    [RDC_CPU_AVX512] = {quantise_avx512, dequantise_avx512},
#endif
};

const rdc_scalar_kernels *rdc_scalar_kernels_of(rdc_cpu_level level) {
    return &kernels[level];
}
