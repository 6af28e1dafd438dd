/* Stream headers and frames. */
#ifndef RDC_PUBLIC_FRAMES_H
#define RDC_PUBLIC_FRAMES_H

#include "rdc/errors.h"
#include "rdc/limits.h"

RDC_BEGIN

/* What a stream holds: an array [rows, tokens, channels], or [tokens, channels] (rows = 1) without a batch axis. */
typedef struct rdc_header {
    rdc_float_type dtype;
    int batched;
    uint8_t codec_id[8];
    uint64_t channels; /* 1 to RDC_MAX_CHANNELS */
    uint64_t rows;
    uint64_t tokens;   /* a row; rows * tokens <= RDC_MAX_TOKENS */
} rdc_header;

#define RDC_HEADER_BOUND 44 /* bytes */

/* Writes a header into RDC_HEADER_BOUND bytes; *size of them are used. Errors: RDC_ERROR_BATCH_AXIS, RDC_ERROR_CHANNEL_LIMIT,
 * RDC_ERROR_TOKEN_LIMIT. */
rdc_status rdc_header_write(const rdc_header *header, uint8_t *bytes, size_t *size);

/* Reads the header at the start of bytes[0..size); *end is behind it. Errors: 100 to 299 (at: byte offset), the limits. */
rdc_status rdc_header_read(const uint8_t *bytes, size_t size, rdc_header *header, size_t *end);

/* The frames of a row are a chain: the checksum of each begins with that of the one before, so that none can be left out, repeated or
 * exchanged. A new start, which its number tells from those before, begins the chain anew. */
typedef struct rdc_frame {
    uint64_t tokens;     /* 0 to RDC_MAX_FRAME_TOKENS */
    int has_quality;
    int32_t quality;
    uint32_t restart;    /* number of the new start in its row, 0 for other frames; with a quality alone */
    const uint8_t *payload;
    size_t payload_size;
    uint32_t checksum;   /* found by writing and reading: what the next frame begins with */
} rdc_frame;

#define RDC_CHAIN_START UINT32_MAX /* what the first frame of a row begins with */

/* Bytes that are enough for a frame. */
size_t rdc_frame_bound(size_t payload_size);

/* Writes the frame after the one with the checksum `before` into rdc_frame_bound bytes; *size of them are used.
 * Errors: RDC_ERROR_FRAME_TOKEN_LIMIT, RDC_ERROR_PAYLOAD_LIMIT, RDC_ERROR_RESTART. */
rdc_status rdc_frame_write(rdc_frame *frame, uint32_t before, uint8_t *bytes, size_t *size);

/* Reads the frame at *at of bytes[0..size), the one after that with the checksum `before`, and moves *at behind it; the payload stays
 * where it is. A new start is read whatever came before it. Errors: 100 to 299 (at: byte offset), the limits. */
rdc_status rdc_frame_read(const uint8_t *bytes, size_t size, size_t *at, uint32_t before, rdc_frame *frame);

RDC_END

#endif
