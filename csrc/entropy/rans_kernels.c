#include "base/cpu.h"
#include "entropy/rans.h"

static const rdc_rans_kernels kernels[] = {
    [RDC_CPU_SCALAR] = {rdc_rans_encode_scalar, rdc_rans_decode_scalar, rdc_index_copy_scalar},
#if RDC_ARM
    [RDC_CPU_NEON] = {rdc_rans_encode_neon, rdc_rans_decode_neon, rdc_index_copy_scalar},
#endif
#if RDC_X86
    [RDC_CPU_AVX2] = {rdc_rans_encode_avx2, rdc_rans_decode_avx2, rdc_index_copy_avx2},
    [RDC_CPU_AVX512] = {rdc_rans_encode_avx512, rdc_rans_decode_avx512, rdc_index_copy_avx512},
#endif
};

const rdc_rans_kernels *rdc_rans_kernels_of(rdc_cpu_level level) {
    return &kernels[level];
}
