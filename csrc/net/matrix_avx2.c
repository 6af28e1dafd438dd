#include "net/matrix_variants.h"

#if RDC_X86
#include <immintrin.h>

#define TARGET RDC_TARGET_AVX2
#define NAME rdc_matrix_avx2
#define VECTOR_ROWS 8
#define TILE_VECTORS 4
#define TILE_TOKENS 2
#define vec __m256i
#define acc __m256i
#define zero() _mm256_setzero_si256()
#define load(p) _mm256_loadu_si256((const void *)(p))
#define widen(p) _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)(p)))
#define pair(p) _mm256_set1_epi32(rdc_matrix_pair(p))
#define add_products(s, w, x) _mm256_add_epi32(s, _mm256_madd_epi16(w, x))
#define add_sums(s, r) _mm256_add_epi32(s, r)
#define store_sums(p, s) _mm256_storeu_si256((void *)(p), s)
#include "net/matrix_tiles.h"
#endif
