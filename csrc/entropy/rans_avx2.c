/* The rANS kernels for AVX2 (Haswell, Zen and later). */
#include "base/cpu.h"

#if RDC_X86
#include <string.h>

#include "entropy/lane_ranks.h"
#include "entropy/rans.h"
#include "entropy/rans_x86.h"

#define WIDE_TARGET RDC_TARGET_AVX2
#define WIDE_ENCODE rdc_rans_encode_avx2
#define WIDE_DECODE rdc_rans_decode_avx2
#define WIDE_HOLDS_FEW 0
#define WIDTH 8
typedef __m256i vec;

#define OP static inline RDC_TARGET_AVX2 __attribute__((always_inline))

OP vec wide_all(uint32_t value) { return _mm256_set1_epi32((int)value); }
OP vec wide_load(const void *from) { return _mm256_loadu_si256(from); }
OP void wide_store(void *to, vec a) { _mm256_storeu_si256(to, a); }
OP vec wide_and(vec a, vec b) { return _mm256_and_si256(a, b); }
OP vec wide_and_not(vec a, vec b) { return _mm256_andnot_si256(a, b); } /* ~a & b */
OP vec wide_select(vec mask, vec a, vec b) { return _mm256_blendv_epi8(b, a, mask); }
OP vec wide_add(vec a, vec b) { return _mm256_add_epi32(a, b); }
OP vec wide_sub(vec a, vec b) { return _mm256_sub_epi32(a, b); }
OP vec wide_multiply(vec a, vec b) { return _mm256_mullo_epi32(a, b); }
OP vec wide_smaller(vec a, vec b) { return _mm256_min_epu32(a, b); }
OP vec wide_sign(vec a) { return _mm256_srai_epi32(a, 31); }
OP vec wide_shift_left(vec a, unsigned bits) { return _mm256_sll_epi32(a, _mm_cvtsi32_si128((int)bits)); }
OP vec wide_shift_right(vec a, unsigned bits) { return _mm256_srl_epi32(a, _mm_cvtsi32_si128((int)bits)); }
OP vec wide_shift_right_each(vec a, vec bits) { return _mm256_srlv_epi32(a, bits); }
OP vec wide_at_least_mask(vec a, vec b) { return _mm256_cmpeq_epi32(_mm256_max_epu32(a, b), a); }
OP uint32_t wide_at_least(vec a, vec b) { return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(wide_at_least_mask(a, b))); }
OP vec wide_inverse(vec f) {
    return _mm256_castps_si256(_mm256_div_ps(_mm256_set1_ps(RDC_RANS_BELOW_ONE), _mm256_cvtepi32_ps(f)));
}

/* There is no conversion of unsigned numbers; both halves convert exactly, and their sum is rounded once. */
OP vec wide_estimate(vec x, vec inverse) {
    const __m256 upper = _mm256_cvtepi32_ps(_mm256_srli_epi32(x, 16)), lower = _mm256_cvtepi32_ps(_mm256_and_si256(x, wide_all(0xffff)));
    const __m256 value = _mm256_add_ps(_mm256_mul_ps(upper, _mm256_set1_ps(65536.0f)), lower);
    return _mm256_cvttps_epi32(_mm256_mul_ps(value, _mm256_castsi256_ps(inverse)));
}

/* Pairs of the lanes 0, 1, 4, 5 and 2, 3, 6, 7 to their first and second halves. */
OP void split_pairs(__m256i a, __m256i b, vec *first, vec *second) {
    *first = _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88));
    *second = _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0xdd));
}

#define PAIRS(at, k) \
    _mm256_inserti128_si256(_mm256_castsi128_si256(two_pairs(at(k), at(k + 1))), two_pairs(at(k + 4), at(k + 5)), 1)

OP void wide_load_rows(const void *rows, rdc_index index, size_t i, vec *first, vec *second) {
#define AT(k) ((const uint8_t *)rows + 8 * rdc_index_at(index, i + (k)))
    split_pairs(PAIRS(AT, 0), PAIRS(AT, 2), first, second);
#undef AT
}

OP void wide_look_up_intervals(const uint64_t *intervals, vec at, vec *bounds, vec *end_entry) {
    uint32_t place[WIDTH];
    wide_store(place, at);
    IN_MEMORY(place);
#define AT(k) (intervals + place[k])
    split_pairs(PAIRS(AT, 0), PAIRS(AT, 2), bounds, end_entry);
#undef AT
}

OP vec wide_look_up_places(const uint32_t *entries, const uint32_t *places) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(four_entries(entries, places)), four_entries(entries, places + 4), 1);
}

static const uint64_t expand[256] = {RDC_256_SETS(RDC_EXPAND_LANE)};
static const uint64_t pack[256] = {RDC_256_SETS(RDC_PACK_LANE)};

OP vec lanes_of(uint64_t bytes) {
    return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((int64_t)bytes));
}

/* Puts the low halves of the states that have reached their limits before `next`, in the order of the lanes. */
OP uint8_t *wide_put_words(vec *x, const vec *limit, uint8_t *next) {
    _Pragma("GCC unroll 4") for (int r = 32 / WIDTH - 1; r >= 0; r--) {
        const vec due = wide_at_least_mask(x[r], limit[r]);
        const uint32_t set = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(due));
        const vec packed = _mm256_permutevar8x32_epi32(_mm256_and_si256(x[r], wide_all(0xffff)), lanes_of(pack[set]));
        const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(packed), _mm256_extracti128_si256(packed, 1));
        _mm_storeu_si128((void *)(next - 16), words);
        next -= 2 * _mm_popcnt_u32(set);
        x[r] = _mm256_srlv_epi32(x[r], _mm256_and_si256(due, wide_all(16)));
    }
    return next;
}

/* Appends words to the states that are due one, in the order of the lanes, as long as there are any before `stop`. */
OP const uint8_t *wide_take_words(vec *x, const uint8_t *next, const uint8_t *stop) {
    _Pragma("GCC unroll 4") for (int r = 0; r < 32 / WIDTH; r++) {
        uint8_t room[16] = {0};
        const size_t left = (size_t)(stop - next);
        const uint8_t *from = next;
        uint32_t set = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_srli_epi32(x[r], 16), _mm256_setzero_si256())));
        if (left < sizeof room) {
            memcpy(room, next, left);
            from = room;
            set = _pdep_u32((1u << left / 2) - 1, set);
        }
        const vec words = _mm256_permutevar8x32_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)from)), lanes_of(expand[set]));
        const vec bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        const vec due = _mm256_cmpeq_epi32(_mm256_and_si256(wide_all(set), bit), bit);
        x[r] = _mm256_blendv_epi8(x[r], _mm256_or_si256(_mm256_slli_epi32(x[r], 16), words), due);
        next += 2 * _mm_popcnt_u32(set);
    }
    return next;
}

#include "entropy/rans_wide.h"
#endif
