/* What the x86 kernels share. Private to csrc/net. */
#ifndef RDC_NET_MATRIX_X86_H
#define RDC_NET_MATRIX_X86_H

#include <immintrin.h>

#include "net/matrix_variants.h"

/* The sums of the elements of four vectors, to sums[0] to sums[3]. */
static RDC_ALWAYS_INLINE RDC_TARGET_AVX2 void store_sums_of_8(int32_t *sums, __m256i a, __m256i b, __m256i c, __m256i d) {
    const __m256i quarters = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    const __m128i totals = _mm_add_epi32(_mm256_castsi256_si128(quarters), _mm256_extracti128_si256(quarters, 1));
    _mm_storeu_si128((__m128i *)(void *)sums, totals);
}

#endif
