/* The vector kernels, each in a file of its own. Private to csrc/net. */
#ifndef RDC_NET_MATRIX_VARIANTS_H
#define RDC_NET_MATRIX_VARIANTS_H

#include <string.h>

#include "base/cpu.h"
#include "net/matrix_kernels.h"

/* The bytes of two inputs side by side. */
static inline int32_t rdc_matrix_pair(const int16_t *x) {
    int32_t both;
    memcpy(&both, x, sizeof both);
    return both;
}

#if RDC_X86
RDC_TARGET_AVX2 rdc_matrix_kernel rdc_matrix_avx2;
RDC_TARGET_AVX512 rdc_matrix_kernel rdc_matrix_avx512;
#endif
#if RDC_ARM
rdc_matrix_kernel rdc_matrix_neon;
#endif

#endif
