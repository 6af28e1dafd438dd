#include "net/matrix_variants.h"

#if RDC_X86
#include "net/matrix_x86.h"

static RDC_ALWAYS_INLINE RDC_TARGET_AVX512 __m256i sum_of_halves(__m512i s) {
    return _mm256_add_epi32(_mm512_castsi512_si256(s), _mm512_extracti64x4_epi64(s, 1));
}

#define TARGET RDC_TARGET_AVX512
#define NAME rdc_matrix_avx512
#define TILE_TOKENS 4
#define LANES 32
#define vec __m512i
#define acc __m512i
#define zero() _mm512_setzero_si512()
#define load(p) _mm512_loadu_si512(p)
#define widen(p) _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(p)))
#define add_products(s, w, x) _mm512_dpwssd_epi32(s, w, x)
#define store_totals(p, s) \
    store_sums_of_8(p, sum_of_halves(s[0]), sum_of_halves(s[1]), sum_of_halves(s[2]), sum_of_halves(s[3]))
#include "net/matrix_tiles.h"
#endif
