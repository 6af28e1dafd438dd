#include "entropy/rans.h"

static const rdc_rans_kernels kernels[] = {
    [RDC_CPU_SCALAR] = {rdc_rans_encode_scalar, rdc_rans_decode_scalar},
    [RDC_CPU_NEON] = {rdc_rans_encode_scalar, rdc_rans_decode_scalar},
    [RDC_CPU_AVX2] = {rdc_rans_encode_scalar, rdc_rans_decode_scalar},
    [RDC_CPU_AVX512] = {rdc_rans_encode_scalar, rdc_rans_decode_scalar},
};

const rdc_rans_kernels *rdc_rans_kernels_of(rdc_cpu_level level) {
    return &kernels[level];
}
