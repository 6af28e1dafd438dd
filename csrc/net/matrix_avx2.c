#include "net/matrix_variants.h"

#if RDC_X86
#include "net/matrix_x86.h"

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
#define store_totals(p, s) store_sums_of_8(p, s[0], s[1], s[2], s[3])
#include "net/matrix_tiles.h"
#endif
