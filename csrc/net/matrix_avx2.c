#include "net/matrix_variants.h"

#if RDC_X86
#include <immintrin.h>

static inline RDC_TARGET_AVX2 int32_t sum_of_8(__m256i s) {
    __m128i x = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
    x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(x, _mm_shuffle_epi32(x, 0xb1)));
}

#define TARGET RDC_TARGET_AVX2
#define NAME rdc_matrix_avx2
#define TILE_TOKENS 2
#define LANES 16
#define vec __m256i
#define acc __m256i
#define zero() _mm256_setzero_si256()
#define load(p) _mm256_loadu_si256((const __m256i *)(p))
#define widen(p) _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(p)))
#define add_products(s, w, x) _mm256_add_epi32(s, _mm256_madd_epi16(w, x))
#define total(s) sum_of_8(s)
#include "net/matrix_tiles.h"
#endif
