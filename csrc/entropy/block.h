/* What the writer and the reader of blocks share. Private to csrc/entropy. */
#ifndef RDC_ENTROPY_BLOCK_H
#define RDC_ENTROPY_BLOCK_H

#include "base/varint.h"

#define RDC_BLOCK_LANES 7u    /* first byte: log2 of the lanes */
#define RDC_BLOCK_ESCAPES 32u /* an escape section is there */
#define RDC_BLOCK_UNUSED 192u

/* First byte, escape length, tail length, states; at most. */
#define RDC_BLOCK_HEAD_BYTES (1 + 2 * RDC_VARINT_BYTES + 4 * RDC_MAX_LANES)

#define RDC_KERNEL_SLACK 2 /* bytes that an encoder may touch below its words */

static inline size_t rdc_smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static inline rdc_index rdc_index_from(rdc_index index, size_t i) {
    return (rdc_index){(const uint8_t *)index.data + i * index.width, index.width};
}

#endif
