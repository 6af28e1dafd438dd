#include "net/matrix_variants.h"

#if RDC_ARM
#include <arm_neon.h>

/* Of four rows: the products of even and odd columns, side by side, of the first two rows and of the others. */
#define TARGET
#define NAME rdc_matrix_neon
#define VECTOR_ROWS 4
#define TILE_VECTORS 2
#define TILE_TOKENS 4
#define vec int16x8_t
#define acc int32x4x2_t
#define zero() ((int32x4x2_t){{vdupq_n_s32(0), vdupq_n_s32(0)}})
#define load(p) vld1q_s16(p)
#define widen(p) vmovl_s8(vld1_s8(p))
#define pair(p) vreinterpretq_s16_s32(vdupq_n_s32(rdc_matrix_pair(p)))
#define add_products(s, w, x) ((int32x4x2_t){{vmlal_s16(s.val[0], vget_low_s16(w), vget_low_s16(x)), vmlal_high_s16(s.val[1], w, x)}})
#define add_sums(s, r) ((int32x4x2_t){{vaddq_s32(s.val[0], r.val[0]), vaddq_s32(s.val[1], r.val[1])}})
#define store_sums(p, s) store_pairs(p, s)

static inline void store_pairs(int32_t *sums, int32x4x2_t s) {
    vst1q_s32(sums, vpaddq_s32(s.val[0], s.val[1]));
}

#include "net/matrix_tiles.h"
#endif
