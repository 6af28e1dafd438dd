/* Philox4x32-10 of J. Salmon, M. Moraes, R. Dror and D. Shaw, Parallel random numbers: as easy as 1, 2, 3, 2011. */
#include "estimators/random_signs.h"

#define ROUNDS 10

void rdc_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]}, k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++) {
        const uint64_t p0 = UINT64_C(0xD2511F53) * c[0], p1 = UINT64_C(0xCD9E8D57) * c[2];
        const uint32_t next[4] = {(uint32_t)(p1 >> 32) ^ c[1] ^ k0, (uint32_t)p1, (uint32_t)(p0 >> 32) ^ c[3] ^ k1, (uint32_t)p0};
        for (int i = 0; i < 4; i++) c[i] = next[i];
        k0 += UINT32_C(0x9E3779B9);
        k1 += UINT32_C(0xBB67AE85);
    }
    for (int i = 0; i < 4; i++) out[i] = c[i];
}

void rdc_random_bits(uint64_t seed, uint64_t draw, uint64_t block, uint32_t bits[4]) {
    const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)draw, (uint32_t)(draw >> 32)};
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    rdc_philox(counter, key, bits);
}

void rdc_random_signs(uint64_t seed, uint64_t draw, size_t n, double *signs) {
    uint32_t bits[4] = {0};
    for (size_t i = 0; i < n; i++) {
        if (i % 128 == 0) rdc_random_bits(seed, draw, i / 128, bits);
        signs[i] = bits[i % 128 / 32] >> (i % 32) & 1 ? -1 : 1;
    }
}
