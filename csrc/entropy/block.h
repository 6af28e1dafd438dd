/* What the writer and the reader of blocks share. Private to csrc/entropy. */
#ifndef RDC_ENTROPY_BLOCK_H
#define RDC_ENTROPY_BLOCK_H

#include "base/varint.h"

#define RDC_BLOCK_LANES 7u    /* first byte: log2 of the lanes */
#define RDC_BLOCK_ESCAPES 32u /* an escape section is there */
#define RDC_BLOCK_UNUSED 192u

/* First byte, escape length, tail length, states; at most. */
#define RDC_BLOCK_HEAD_BYTES (1 + 2 * RDC_VARINT_BYTES + 4 * RDC_MAX_LANES)

static inline size_t rdc_smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

#endif
