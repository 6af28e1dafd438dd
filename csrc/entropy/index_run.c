#include "entropy/index_run.h"

#include <string.h>

#include "base/cpu.h"
#include "base/status.h"
#include "entropy/index_check.h"

#define ALL_BELOW(name, type)                                                                  \
    static int name(const type *numbers, size_t n, size_t count) {                             \
        type largest = 0;                                                                      \
        for (size_t i = 0; i < n; i++) largest = numbers[i] > largest ? numbers[i] : largest;  \
        return n == 0 || largest < count;                                                      \
    }

ALL_BELOW(narrow_below, uint8_t)
ALL_BELOW(wide_below, uint16_t)

int rdc_index_copy_scalar(void *to, rdc_index index, size_t n, size_t count) {
    memcpy(to, index.data, index.width * n);
    RDC_FORGET_MEMORY(); /* that is, which array the copy is of */
    return index.width == 1 ? narrow_below(to, n, count) : wide_below(to, n, count);
}

#if RDC_X86
#include <immintrin.h>

/* Keeps a vector in its register: a compiler may load it a second time instead, from memory that has changed since. */
#define LOADED(v) __asm__("" : "+v"(v))

RDC_TARGET_AVX2 int rdc_index_copy_avx2(void *to, rdc_index index, size_t n, size_t count) {
    const size_t bytes = index.width * n, whole = bytes - bytes % 32;
    __m256i largest = _mm256_setzero_si256();
    for (size_t i = 0; i < whole; i += 32) {
        __m256i v = _mm256_loadu_si256((const void *)((const uint8_t *)index.data + i));
        LOADED(v);
        _mm256_storeu_si256((void *)((uint8_t *)to + i), v);
        largest = index.width == 1 ? _mm256_max_epu8(largest, v) : _mm256_max_epu16(largest, v);
    }
    const rdc_index rest = {(const uint8_t *)index.data + whole, index.width};
    const int rest_below = rdc_index_copy_scalar((uint8_t *)to + whole, rest, n - whole / index.width, count);
    uint8_t maxima[32];
    _mm256_storeu_si256((void *)maxima, largest);
    return rest_below && (index.width == 1 ? narrow_below(maxima, 32, count) : wide_below((const void *)maxima, 16, count));
}

RDC_TARGET_AVX512 int rdc_index_copy_avx512(void *to, rdc_index index, size_t n, size_t count) {
    const size_t bytes = index.width * n, whole = bytes - bytes % 64;
    const __mmask64 there = _bzhi_u64(UINT64_MAX, (unsigned)(bytes - whole));
    __m512i rest = _mm512_maskz_loadu_epi8(there, (const uint8_t *)index.data + whole);
    LOADED(rest);
    _mm512_mask_storeu_epi8((uint8_t *)to + whole, there, rest);
    __m512i largest = rest;
    for (size_t i = 0; i < whole; i += 64) {
        __m512i v = _mm512_loadu_si512((const uint8_t *)index.data + i);
        LOADED(v);
        _mm512_storeu_si512((uint8_t *)to + i, v);
        largest = index.width == 1 ? _mm512_max_epu8(largest, v) : _mm512_max_epu16(largest, v);
    }
    if (index.width == 1) return count > UINT8_MAX || _mm512_cmpge_epu8_mask(largest, _mm512_set1_epi8((char)count)) == 0;
    return count > UINT16_MAX || _mm512_cmpge_epu16_mask(largest, _mm512_set1_epi16((short)count)) == 0;
}
#endif

rdc_status rdc_index_run_take(rdc_index_run *run, const rdc_rans_kernels *kernels, const rdc_tables *tables, rdc_index index, size_t n,
                              rdc_index *taken) {
    *taken = (rdc_index){run, index.width};
    return kernels->copy_index(run, index, n, tables->count) ? rdc_ok() : rdc_tables_check_index(tables, *taken, n);
}
