/* The scalar kernel, which defines the sums, and the choice among all. */
#include "net/matrix_kernels.h"

#include "net/matrix_variants.h"

static void matrix_scalar(const rdc_matrix *m, const int16_t *x, size_t tokens, int32_t *sums) {
    for (size_t t = 0; t < tokens; t++) {
        for (size_t r = 0; r < m->rows; r++) {
            int32_t sum = 0;
            for (size_t c = 0; c < m->columns; c++) {
                const size_t i = rdc_matrix_place(m->columns, r, c);
                sum += (m->wide ? ((const int16_t *)m->weights)[i] : ((const int8_t *)m->weights)[i]) * x[t * m->columns + c];
            }
            sums[t * m->rows + r] = sum;
        }
    }
}

rdc_matrix_kernel *rdc_matrix_kernel_of(rdc_cpu_level level) {
    switch (level) {
#if RDC_X86
    case RDC_CPU_AVX2: return rdc_matrix_avx2;
    case RDC_CPU_AVX512: return rdc_matrix_avx512;
#endif
#if RDC_ARM
    case RDC_CPU_NEON: return rdc_matrix_neon;
#endif
    default: return matrix_scalar;
    }
}
