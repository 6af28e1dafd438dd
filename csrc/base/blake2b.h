/* BLAKE2b (RFC 7693) without a key. */
#ifndef RDC_BASE_BLAKE2B_H
#define RDC_BASE_BLAKE2B_H

#include <stddef.h>
#include <stdint.h>

#define RDC_BLAKE2B_BLOCK 128 /* bytes */

/* The fields are private. */
typedef struct rdc_blake2b {
    uint64_t state[8];
    uint64_t taken; /* bytes that are in the state */
    uint8_t block[RDC_BLAKE2B_BLOCK];
    size_t filled;
    size_t digest_size;
} rdc_blake2b;

/* For a digest of 1 to 64 bytes. */
void rdc_blake2b_begin(rdc_blake2b *hash, size_t digest_size);
void rdc_blake2b_add(rdc_blake2b *hash, const void *bytes, size_t size);
void rdc_blake2b_end(rdc_blake2b *hash, uint8_t *digest);

#endif
