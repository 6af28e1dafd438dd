#include "base/blake2b.h"

#include <string.h>

#include "base/bytes.h"

#define ROUNDS 12

static const uint64_t start[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                  0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

static const uint8_t order[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static uint64_t rotated(uint64_t x, unsigned right) {
    return x >> right | x << (64 - right);
}

static void mix(uint64_t *v, size_t a, size_t b, size_t c, size_t d, uint64_t x, uint64_t y) {
    v[a] += v[b] + x;
    v[d] = rotated(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = rotated(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = rotated(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotated(v[b] ^ v[c], 63);
}

static void take_block(rdc_blake2b *hash, const uint8_t *block, size_t size, int is_last) {
    uint64_t v[16], m[16];
    hash->taken += size;
    for (size_t i = 0; i < 16; i++) m[i] = rdc_load32(block + 8 * i) | (uint64_t)rdc_load32(block + 8 * i + 4) << 32;
    for (size_t i = 0; i < 8; i++) {
        v[i] = hash->state[i];
        v[i + 8] = start[i];
    }
    v[12] ^= hash->taken;
    if (is_last) v[14] = ~v[14];
    for (size_t round = 0; round < ROUNDS; round++) {
        const uint8_t *s = order[round % 10];
        for (size_t i = 0; i < 4; i++) mix(v, i, i + 4, i + 8, i + 12, m[s[2 * i]], m[s[2 * i + 1]]);
        for (size_t i = 0; i < 4; i++) mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]], m[s[9 + 2 * i]]);
    }
    for (size_t i = 0; i < 8; i++) hash->state[i] ^= v[i] ^ v[i + 8];
}

void rdc_blake2b_begin(rdc_blake2b *hash, size_t digest_size) {
    *hash = (rdc_blake2b){.digest_size = digest_size};
    memcpy(hash->state, start, sizeof start);
    hash->state[0] ^= 0x01010000 ^ digest_size;
}

/* The last block is kept back: it is another one. */
void rdc_blake2b_add(rdc_blake2b *hash, const void *bytes, size_t size) {
    for (const uint8_t *from = bytes; size;) {
        if (hash->filled == RDC_BLAKE2B_BLOCK) {
            take_block(hash, hash->block, RDC_BLAKE2B_BLOCK, 0);
            hash->filled = 0;
        }
        const size_t room = RDC_BLAKE2B_BLOCK - hash->filled, part = size < room ? size : room;
        memcpy(hash->block + hash->filled, from, part);
        hash->filled += part;
        from += part;
        size -= part;
    }
}

void rdc_blake2b_end(rdc_blake2b *hash, uint8_t *digest) {
    memset(hash->block + hash->filled, 0, RDC_BLAKE2B_BLOCK - hash->filled);
    take_block(hash, hash->block, hash->filled, 1);
    for (size_t i = 0; i < hash->digest_size; i++) digest[i] = (uint8_t)(hash->state[i / 8] >> 8 * (i % 8));
}
