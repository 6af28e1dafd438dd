/* The rANS kernels for 64-bit ARM. */
#include "base/cpu.h"

#if RDC_ARM
#include <arm_neon.h>
#include <string.h>

#include "entropy/rans.h"

#define WIDE_TARGET
#define WIDE_ENCODE rdc_rans_encode_neon
#define WIDE_DECODE rdc_rans_decode_neon
#define WIDE_HOLDS_FEW 0
#define WIDTH 4
typedef uint32x4_t vec;

#define OP static inline __attribute__((always_inline))

OP vec wide_all(uint32_t value) { return vdupq_n_u32(value); }
OP vec wide_load(const void *from) { return vld1q_u32(from); }
OP void wide_store(void *to, vec a) { vst1q_u32(to, a); }
OP vec wide_and(vec a, vec b) { return vandq_u32(a, b); }
OP vec wide_and_not(vec a, vec b) { return vbicq_u32(b, a); } /* ~a & b */
OP vec wide_select(vec mask, vec a, vec b) { return vbslq_u32(mask, a, b); }
OP vec wide_add(vec a, vec b) { return vaddq_u32(a, b); }
OP vec wide_sub(vec a, vec b) { return vsubq_u32(a, b); }
OP vec wide_multiply(vec a, vec b) { return vmulq_u32(a, b); }
OP vec wide_smaller(vec a, vec b) { return vminq_u32(a, b); }
OP vec wide_sign(vec a) { return vreinterpretq_u32_s32(vshrq_n_s32(vreinterpretq_s32_u32(a), 31)); }
OP vec wide_shift_left(vec a, unsigned bits) { return vshlq_u32(a, vdupq_n_s32((int)bits)); }
OP vec wide_shift_right(vec a, unsigned bits) { return vshlq_u32(a, vdupq_n_s32(-(int)bits)); }
OP vec wide_shift_right_each(vec a, vec bits) { return vshlq_u32(a, vnegq_s32(vreinterpretq_s32_u32(bits))); }
OP vec wide_inverse(vec f) {
    return vreinterpretq_u32_f32(vdivq_f32(vdupq_n_f32(RDC_RANS_BELOW_ONE), vcvtq_f32_u32(f)));
}
OP vec wide_estimate(vec x, vec inverse) {
    return vcvtq_u32_f32(vmulq_f32(vcvtq_f32_u32(x), vreinterpretq_f32_u32(inverse)));
}

/* The set of lanes whose mask is on, a bit each. */
OP uint32_t set_of(vec mask) {
    const uint32_t bits[4] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(mask, vld1q_u32(bits)));
}
OP uint32_t wide_at_least(vec a, vec b) { return set_of(vcgeq_u32(a, b)); }

/* The lower and the upper halves of four 8-byte values, of any type. */
OP void look_up_pairs(const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d, vec *first, vec *second) {
    const vec low = vreinterpretq_u32_u8(vcombine_u8(vld1_u8(a), vld1_u8(b)));
    const vec high = vreinterpretq_u32_u8(vcombine_u8(vld1_u8(c), vld1_u8(d)));
    *first = vuzp1q_u32(low, high);
    *second = vuzp2q_u32(low, high);
}

OP void wide_load_rows(const void *rows, rdc_index index, size_t i, vec *first, vec *second) {
#define AT(k) ((const uint8_t *)rows + 8 * rdc_index_at(index, i + (k)))
    look_up_pairs(AT(0), AT(1), AT(2), AT(3), first, second);
#undef AT
}

OP void wide_look_up_intervals(const uint64_t *intervals, vec at, vec *bounds, vec *end_entry) {
#define AT(k) ((const uint8_t *)(intervals + vgetq_lane_u32(at, k)))
    look_up_pairs(AT(0), AT(1), AT(2), AT(3), bounds, end_entry);
#undef AT
}

OP vec wide_look_up_places(const uint32_t *entries, const uint32_t *places) {
    const uint32_t values[4] = {entries[places[0]], entries[places[1]], entries[places[2]], entries[places[3]]};
    return vld1q_u32(values);
}

/* Bytes to take for four words of two bytes, by set of lanes: of which lane for packing to the upper end, of which word in order
 * for expanding. Lanes without a word get any. */
static const uint64_t pack[16] = {
    0x0706050403020100, 0x0100050403020100, 0x0302050403020100, 0x0302010003020100, 0x0504050403020100, 0x0504010003020100,
    0x0504030203020100, 0x0504030201000100, 0x0706050403020100, 0x0706010003020100, 0x0706030203020100, 0x0706030201000100,
    0x0706050403020100, 0x0706050401000100, 0x0706050403020100, 0x0706050403020100,
};
static const uint64_t expand[16] = {
    0x0000000000000000, 0x0000000000000100, 0x0000000001000000, 0x0000000003020100, 0x0000010000000000, 0x0000030200000100,
    0x0000030201000000, 0x0000050403020100, 0x0100000000000000, 0x0302000000000100, 0x0302000001000000, 0x0504000003020100,
    0x0302010000000000, 0x0504030200000100, 0x0504030201000000, 0x0706050403020100,
};

/* Puts the low halves of the states that have reached their limits before `next`, in the order of the lanes. */
OP uint8_t *wide_put_words(vec *x, const vec *limit, uint8_t *next) {
    _Pragma("GCC unroll 8") for (int r = 32 / WIDTH - 1; r >= 0; r--) {
        const vec due = vcgeq_u32(x[r], limit[r]);
        const uint32_t set = set_of(due);
        vst1_u8(next - 8, vtbl1_u8(vreinterpret_u8_u16(vmovn_u32(x[r])), vcreate_u8(pack[set])));
        next -= 2 * __builtin_popcount(set);
        x[r] = vbslq_u32(due, vshrq_n_u32(x[r], 16), x[r]);
    }
    return next;
}

/* Appends words to the states that are due one, in the order of the lanes, as long as there are any before `stop`. */
OP const uint8_t *wide_take_words(vec *x, const uint8_t *next, const uint8_t *stop) {
    const uint32_t bits[4] = {1, 2, 4, 8};
    _Pragma("GCC unroll 8") for (int r = 0; r < 32 / WIDTH; r++) {
        uint8_t room[8] = {0};
        const size_t left = (size_t)(stop - next);
        const uint8_t *from = next;
        uint32_t set = set_of(vcltq_u32(x[r], vdupq_n_u32(RDC_RANS_LOW)));
        if (left < sizeof room) {
            memcpy(room, next, left);
            from = room;
            while ((size_t)__builtin_popcount(set) > left / 2) set &= ~(1u << (31 - __builtin_clz(set)));
        }
        const vec words = vmovl_u16(vreinterpret_u16_u8(vtbl1_u8(vld1_u8(from), vcreate_u8(expand[set]))));
        const vec due = vtstq_u32(vdupq_n_u32(set), vld1q_u32(bits));
        x[r] = vbslq_u32(due, vorrq_u32(vshlq_n_u32(x[r], 16), words), x[r]);
        next += 2 * __builtin_popcount(set);
    }
    return next;
}

#include "entropy/rans_wide.h"
#endif
