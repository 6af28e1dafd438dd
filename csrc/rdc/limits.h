/* Limits of the format. */
#ifndef RDC_PUBLIC_LIMITS_H
#define RDC_PUBLIC_LIMITS_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define RDC_MIN_PRECISION 12        /* bits: the frequencies of a table sum to 2^precision */
#define RDC_MAX_PRECISION 15
#define RDC_MAX_TABLES 65535        /* a table index is a uint16 */
#define RDC_MAX_LANES 32            /* a power of two */
#define RDC_MAX_SYMBOLS (1u << 30)  /* in a block */
#define RDC_FORMAT_VERSION 1
#define RDC_MAX_CHANNELS 65536
#define RDC_MAX_TOKENS (1u << 31)       /* in a stream, all rows together */
#define RDC_MAX_FRAME_TOKENS 4096
#define RDC_MAX_PAYLOAD (1u << 26)      /* bytes in a frame */

/* So no size within these limits overflows. */
static_assert(sizeof(size_t) >= 8, "rdcodec needs a 64-bit machine");

#endif
