/* Loads that the kernels for AVX2 and AVX-512 share. Private to csrc/entropy. */
#ifndef RDC_ENTROPY_RANS_X86_H
#define RDC_ENTROPY_RANS_X86_H

#include <immintrin.h>

#include "base/cpu.h"

/* Keeps the compiler from reading an array, which a vector was just stored to, by shuffles instead of loads: those are slower. */
#define IN_MEMORY(array) __asm__("" : "+m"(array))

/* Two pairs from memory: loads that fill halves, without a shuffle. */
static inline RDC_TARGET_AVX2 __attribute__((always_inline)) __m128i two_pairs(const void *low, const void *high) {
    return _mm_castps_si128(_mm_loadh_pi(_mm_castsi128_ps(_mm_loadl_epi64(low)), high));
}

/* Loads and shuffles, since gathers are microcode on many CPUs. */
static inline RDC_TARGET_AVX2 __attribute__((always_inline)) __m128i four_entries(const uint32_t *entries, const uint32_t *places) {
    const __m128i low = _mm_unpacklo_epi32(_mm_loadu_si32(entries + places[0]), _mm_loadu_si32(entries + places[1]));
    const __m128i high = _mm_unpacklo_epi32(_mm_loadu_si32(entries + places[2]), _mm_loadu_si32(entries + places[3]));
    return _mm_unpacklo_epi64(low, high);
}

#endif
