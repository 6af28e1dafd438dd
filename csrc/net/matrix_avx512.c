#include "net/matrix_variants.h"

#if RDC_X86
#include <immintrin.h>

#define TARGET RDC_TARGET_AVX512
#define NAME rdc_matrix_avx512
#define VECTOR_ROWS 16
#define TILE_VECTORS 4
#define TILE_TOKENS 5
#define vec __m512i
#define acc __m512i
#define zero() _mm512_setzero_si512()
#define load(p) _mm512_loadu_si512(p)
#define widen(p) _mm512_cvtepi8_epi16(_mm256_loadu_si256((const void *)(p)))
#define pair(p) _mm512_set1_epi32(rdc_matrix_pair(p))
#define add_products(s, w, x) _mm512_dpwssd_epi32(s, w, x)
#define add_sums(s, r) _mm512_add_epi32(s, r)
#define store_sums(p, s) _mm512_storeu_si512(p, s)
#include "net/matrix_tiles.h"
#endif
