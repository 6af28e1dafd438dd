#include "net/matrix_variants.h"

#if RDC_ARM
#include <arm_neon.h>

#define TARGET
#define NAME rdc_matrix_neon
#define TILE_TOKENS 4
#define LANES 8
#define vec int16x8_t
#define acc int32x4_t
#define zero() vdupq_n_s32(0)
#define load(p) vld1q_s16(p)
#define widen(p) vmovl_s8(vld1_s8(p))
#define add_products(s, w, x) vmlal_high_s16(vmlal_s16(s, vget_low_s16(w), vget_low_s16(x)), w, x)
#define store_totals(p, s) vst1q_s32(p, vpaddq_s32(vpaddq_s32(s[0], s[1]), vpaddq_s32(s[2], s[3])))
#include "net/matrix_tiles.h"
#endif
