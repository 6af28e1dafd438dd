/* The rANS kernels for AVX-512 (Ice Lake, Zen 4 and later). */
#include "base/cpu.h"

#if RDC_X86
#include <string.h>

#include "entropy/rans.h"
#include "entropy/rans_x86.h"

#define WIDE_TARGET RDC_TARGET_AVX512
#define WIDE_ENCODE rdc_rans_encode_avx512
#define WIDE_DECODE rdc_rans_decode_avx512
#define WIDE_HOLDS_FEW 1
#define WIDTH 16
typedef __m512i vec;

#define OP static inline RDC_TARGET_AVX512 __attribute__((always_inline))

OP vec wide_all(uint32_t value) { return _mm512_set1_epi32((int)value); }
OP vec wide_load(const void *from) { return _mm512_loadu_si512(from); }
OP void wide_store(void *to, vec a) { _mm512_storeu_si512(to, a); }
OP vec wide_and(vec a, vec b) { return _mm512_and_si512(a, b); }
OP vec wide_and_not(vec a, vec b) { return _mm512_andnot_si512(a, b); } /* ~a & b */
OP vec wide_select(vec mask, vec a, vec b) { return _mm512_ternarylogic_epi32(mask, a, b, 0xca); }
OP vec wide_add(vec a, vec b) { return _mm512_add_epi32(a, b); }
OP vec wide_sub(vec a, vec b) { return _mm512_sub_epi32(a, b); }
OP vec wide_multiply(vec a, vec b) { return _mm512_mullo_epi32(a, b); }
OP vec wide_smaller(vec a, vec b) { return _mm512_min_epu32(a, b); }
OP vec wide_sign(vec a) { return _mm512_srai_epi32(a, 31); }
OP vec wide_shift_left(vec a, unsigned bits) { return _mm512_sll_epi32(a, _mm_cvtsi32_si128((int)bits)); }
OP vec wide_shift_right(vec a, unsigned bits) { return _mm512_srl_epi32(a, _mm_cvtsi32_si128((int)bits)); }
OP vec wide_shift_right_each(vec a, vec bits) { return _mm512_srlv_epi32(a, bits); }
OP uint32_t wide_at_least(vec a, vec b) { return _mm512_cmpge_epu32_mask(a, b); }
OP vec wide_inverse(vec f) {
    return _mm512_castps_si512(_mm512_div_ps(_mm512_set1_ps(RDC_RANS_BELOW_ONE), _mm512_cvtepi32_ps(f)));
}
OP vec wide_estimate(vec x, vec inverse) {
    return _mm512_cvttps_epi32(_mm512_mul_ps(_mm512_cvtepu32_ps(x), _mm512_castsi512_ps(inverse)));
}

/* Pairs of 8 lanes each to their first and second halves. */
OP void split_pairs(__m512i a, __m512i b, vec *first, vec *second) {
    const vec even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    *first = _mm512_permutex2var_epi32(a, even, b);
    *second = _mm512_permutex2var_epi32(a, _mm512_or_si512(even, _mm512_set1_epi32(1)), b);
}

OP __m512i join_quarters(__m128i a, __m128i b, __m128i c, __m128i d) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1)),
                              _mm256_inserti128_si256(_mm256_castsi128_si256(c), d, 1), 1);
}

#define PAIRS(at, k) join_quarters(two_pairs(at(k), at(k + 1)), two_pairs(at(k + 2), at(k + 3)), two_pairs(at(k + 4), at(k + 5)), two_pairs(at(k + 6), at(k + 7)))

OP void wide_load_rows(const void *rows, rdc_index index, size_t i, vec *first, vec *second) {
#define AT(k) ((const uint8_t *)rows + 8 * rdc_index_at(index, i + (k)))
    split_pairs(PAIRS(AT, 0), PAIRS(AT, 8), first, second);
#undef AT
}

/* The rows of up to RDC_FEW_TABLES tables in registers, 32 a pair. */
typedef struct wide_few_rows {
    vec first[4], second[4];
} wide_few_rows;

OP wide_few_rows wide_keep_few_rows(const void *rows, size_t count) {
    uint64_t padded[RDC_FEW_TABLES] = {0};
    memcpy(padded, rows, count * sizeof *padded);
    wide_few_rows few;
    for (int k = 0; k < 4; k++) split_pairs(wide_load(padded + 16 * k), wide_load(padded + 16 * k + 8), &few.first[k], &few.second[k]);
    return few;
}

OP void wide_pick_few_rows(const wide_few_rows *few, const uint8_t *index, vec *first, vec *second) {
    const vec at = _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)index));
    const __mmask16 upper = _mm512_cmpge_epu32_mask(at, _mm512_set1_epi32(32));
    *first = _mm512_mask_mov_epi32(_mm512_permutex2var_epi32(few->first[0], at, few->first[1]), upper,
                                   _mm512_permutex2var_epi32(few->first[2], at, few->first[3]));
    *second = _mm512_mask_mov_epi32(_mm512_permutex2var_epi32(few->second[0], at, few->second[1]), upper,
                                    _mm512_permutex2var_epi32(few->second[2], at, few->second[3]));
}

OP void wide_look_up_intervals(const uint64_t *intervals, vec at, vec *bounds, vec *end_entry) {
    uint32_t place[WIDTH];
    wide_store(place, at);
    IN_MEMORY(place);
#define AT(k) (intervals + place[k])
    split_pairs(PAIRS(AT, 0), PAIRS(AT, 8), bounds, end_entry);
#undef AT
}

/* As wide_find_places, 32 symbols at a time in 16 bits: differences saturate, so that what is outside a table stays outside. */
OP uint32_t wide_find_few_places(const rdc_tables *tables, const uint8_t *index, const int32_t *symbols, size_t n, uint32_t *places) {
    const rdc_few_rows *rows = tables->few_rows;
    const __m512i offset0 = wide_load(rows->offset), offset1 = wide_load(rows->offset + 32);
    const __m512i escape0 = wide_load(rows->escape), escape1 = wide_load(rows->escape + 32);
    const __m512i first0 = wide_load(rows->first), first1 = wide_load(rows->first + 32);
    uint32_t escaped = 0;
    for (size_t i = 0; i < n; i += 32) {
        const __m512i at = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const void *)(index + i)));
        const __m512i offset = _mm512_permutex2var_epi16(offset0, at, offset1), escape = _mm512_permutex2var_epi16(escape0, at, escape1);
        const __m512i first = _mm512_permutex2var_epi16(first0, at, first1);
        const __m256i symbols0 = _mm512_cvtsepi32_epi16(wide_load(symbols + i)), symbols1 = _mm512_cvtsepi32_epi16(wide_load(symbols + i + 16));
        const __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(symbols0), symbols1, 1);
        const __m512i distance = _mm512_subs_epi16(both, offset), entry = _mm512_min_epu16(distance, escape);
        escaped |= (uint32_t)(_mm512_cmpge_epu16_mask(distance, escape) != 0) << i / RDC_RANS_GROUP;
        for (int half = 0; half < 2; half++) {
            const __m256i its_first = half ? _mm512_extracti64x4_epi64(first, 1) : _mm512_castsi512_si256(first);
            const __m256i its_entry = half ? _mm512_extracti64x4_epi64(entry, 1) : _mm512_castsi512_si256(entry);
            const vec start = _mm512_slli_epi32(_mm512_cvtepu16_epi32(its_first), 4);
            wide_store(places + i + 16 * half, wide_add(start, _mm512_cvtepu16_epi32(its_entry)));
        }
    }
    return escaped;
}

OP vec wide_look_up_places(const uint32_t *entries, const uint32_t *places) {
    return join_quarters(four_entries(entries, places), four_entries(entries, places + 4), four_entries(entries, places + 8),
                         four_entries(entries, places + 12));
}

static const uint16_t ranks[64] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
};

/* Puts the low halves of the states that have reached their limits before `next`, in the order of the lanes. */
OP uint8_t *wide_put_words(vec *x, const vec *limit, uint8_t *next) {
    const __mmask16 due0 = _mm512_cmpge_epu32_mask(x[0], limit[0]), due1 = _mm512_cmpge_epu32_mask(x[1], limit[1]);
    const __mmask32 due = _mm512_kunpackw(due1, due0);
    const unsigned count = (unsigned)_mm_popcnt_u32(due);
    const __m512i words = _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(x[0])), _mm512_cvtepi32_epi16(x[1]), 1);
    const __m512i packed = _mm512_maskz_compress_epi16(due, words);
    _mm512_storeu_si512(next - 64, _mm512_permutexvar_epi16(_mm512_loadu_si512(ranks + count), packed)); /* to the upper end */
    x[0] = _mm512_mask_srli_epi32(x[0], due0, x[0], 16);
    x[1] = _mm512_mask_srli_epi32(x[1], due1, x[1], 16);
    return next - 2 * count;
}

/* Appends words to the states that are due one, in the order of the lanes, as long as there are any before `stop`. */
OP const uint8_t *wide_take_words(vec *x, const uint8_t *next, const uint8_t *stop) {
    const vec low = _mm512_set1_epi32(RDC_RANS_LOW);
    __mmask32 due = _mm512_kunpackw(_mm512_cmplt_epu32_mask(x[1], low), _mm512_cmplt_epu32_mask(x[0], low));
    __m512i words;
    if (stop - next >= 64) {
        words = _mm512_loadu_si512(next);
    } else {
        const uint32_t there = (1u << (stop - next) / 2) - 1;
        words = _mm512_maskz_loadu_epi16(there, next);
        due = _pdep_u32(there, due);
    }
    words = _mm512_maskz_expand_epi16(due, words);
    const vec words0 = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(words)), words1 = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(words, 1));
    x[0] = _mm512_mask_or_epi32(x[0], (__mmask16)due, _mm512_slli_epi32(x[0], 16), words0);
    x[1] = _mm512_mask_or_epi32(x[1], (__mmask16)(due >> 16), _mm512_slli_epi32(x[1], 16), words1);
    return next + 2 * (size_t)_mm_popcnt_u32(due);
}

#include "entropy/rans_wide.h"
#endif
