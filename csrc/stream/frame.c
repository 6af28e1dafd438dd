/* Frames (docs/format.md): length, tokens, quality, number of a new start, payload, checksum. */
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/status.h"
#include "base/varint.h"

/* A body of at least so many bytes has four bytes of checksum, a shorter one two. */
#define LONG_BODY 1024

/* Tokens, quality and new start of a body, at most. */
#define BODY_HEAD_BYTES (3 * RDC_VARINT_BYTES)

/* Tokens of a new start are counted from here on. */
#define RESTART_TOKENS (RDC_MAX_FRAME_TOKENS + 1)

static size_t rdc_frame_checksum_size(size_t content) {
    return content + 2 < LONG_BODY ? 2 : 4;
}

static uint32_t rdc_frame_checksum(uint32_t before, const uint8_t *bytes, size_t size, size_t checksum_size) {
    return checksum_size == 2 ? rdc_crc16((uint16_t)before, bytes, size) : rdc_crc32(before, bytes, size);
}

static uint32_t rdc_frame_load_checksum(const uint8_t *bytes, size_t checksum_size) {
    return checksum_size == 2 ? rdc_load16(bytes) : rdc_load32(bytes);
}

static size_t rdc_frame_write_body_head(const rdc_frame *frame, uint8_t *bytes) {
    const uint64_t tokens = frame->tokens + (frame->restart ? RESTART_TOKENS : 0);
    size_t size = rdc_varint_write(bytes, tokens << 1 | (frame->has_quality ? 1 : 0));
    if (frame->has_quality) {
        const int64_t quality = frame->quality;
        size += rdc_varint_write(bytes + size, quality < 0 ? 2 * (uint64_t)-quality - 1 : 2 * (uint64_t)quality);
    }
    if (frame->restart) size += rdc_varint_write(bytes + size, frame->restart);
    return size;
}

size_t rdc_frame_bound(size_t payload_size) {
    return RDC_VARINT_BYTES + BODY_HEAD_BYTES + payload_size + 4;
}

rdc_status rdc_frame_write(rdc_frame *frame, uint32_t before, uint8_t *bytes, size_t *size) {
    RDC_RETURN_IF(frame->tokens > RDC_MAX_FRAME_TOKENS, RDC_ERROR_FRAME_TOKEN_LIMIT, 0, frame->tokens);
    RDC_RETURN_IF(frame->payload_size > RDC_MAX_PAYLOAD, RDC_ERROR_PAYLOAD_LIMIT, 0, frame->payload_size);
    RDC_RETURN_IF(frame->restart && !frame->has_quality, RDC_ERROR_RESTART, 0, frame->restart);
    uint8_t head[BODY_HEAD_BYTES];
    const size_t head_size = rdc_frame_write_body_head(frame, head);
    const size_t content = head_size + frame->payload_size;
    const size_t checksum_size = rdc_frame_checksum_size(content);

    size_t at = rdc_varint_write(bytes, content + checksum_size);
    memcpy(bytes + at, head, head_size);
    at += head_size;
    if (frame->payload_size) memcpy(bytes + at, frame->payload, frame->payload_size);
    at += frame->payload_size;
    frame->checksum = rdc_frame_checksum(frame->restart ? RDC_CHAIN_START : before, bytes, at, checksum_size);
    rdc_store16(bytes + at, frame->checksum);
    if (checksum_size == 4) rdc_store16(bytes + at + 2, frame->checksum >> 16);
    *size = at + checksum_size;
    return rdc_ok();
}

/* Reads the number of a new start, whose tokens were read. */
static rdc_status rdc_frame_read_restart(const uint8_t *bytes, size_t end, size_t *at, rdc_frame *frame) {
    const size_t restart_at = *at;
    uint64_t number;
    RDC_FORWARD_IF_ERROR(rdc_varint_read(bytes, end, at, &number));
    RDC_RETURN_IF(number < 1 || number > UINT32_MAX, RDC_ERROR_RESTART, restart_at, number);
    frame->restart = (uint32_t)number;
    return rdc_ok();
}

/* Reads what stands before the payload; *at moves behind it. */
static rdc_status rdc_frame_read_body_head(const uint8_t *bytes, size_t end, size_t *at, rdc_frame *frame) {
    uint64_t number;
    RDC_FORWARD_IF_ERROR(rdc_varint_read(bytes, end, at, &number));
    const uint64_t tokens = number >> 1;
    const int restarts = (number & 1) && tokens >= RESTART_TOKENS;
    *frame = (rdc_frame){.tokens = restarts ? tokens - RESTART_TOKENS : tokens, .has_quality = number & 1};
    RDC_RETURN_IF(frame->tokens > RDC_MAX_FRAME_TOKENS, RDC_ERROR_FRAME_TOKEN_LIMIT, 0, frame->tokens);
    if (!frame->has_quality) return rdc_ok();
    const size_t quality_at = *at;
    RDC_FORWARD_IF_ERROR(rdc_varint_read(bytes, end, at, &number));
    RDC_RETURN_IF(number > UINT32_MAX, RDC_ERROR_QUALITY, quality_at, 0);
    frame->quality = (int32_t)(number & 1 ? -(int64_t)(number >> 1) - 1 : (int64_t)(number >> 1));
    return restarts ? rdc_frame_read_restart(bytes, end, at, frame) : rdc_ok();
}

rdc_status rdc_frame_read(const uint8_t *bytes, size_t size, size_t *at, uint32_t before, rdc_frame *frame) {
    const size_t start = *at;
    size_t body_at = start;
    uint64_t length;
    RDC_FORWARD_IF_ERROR(rdc_varint_read(bytes, size, &body_at, &length));
    RDC_RETURN_IF(length > rdc_frame_bound(RDC_MAX_PAYLOAD), RDC_ERROR_PAYLOAD_LIMIT, 0, length);
    const size_t checksum_size = length < LONG_BODY ? 2 : 4;
    RDC_RETURN_IF(length < 1 + checksum_size || rdc_frame_checksum_size((size_t)length - checksum_size) != checksum_size,
                  RDC_ERROR_FRAME_LENGTH, start, length);
    RDC_RETURN_IF(length > size - body_at, RDC_ERROR_TRUNCATED, size, 0);

    /* what the head says counts only once the checksum is right; but a new start says there how its checksum begins */
    const size_t end = body_at + (size_t)length - checksum_size;
    rdc_frame read;
    const rdc_status head = rdc_frame_read_body_head(bytes, end, &body_at, &read);
    const uint32_t first = head.error == RDC_OK && read.restart ? RDC_CHAIN_START : before;
    const uint32_t checksum = rdc_frame_load_checksum(bytes + end, checksum_size);
    RDC_RETURN_IF(checksum != rdc_frame_checksum(first, bytes + start, end - start, checksum_size), RDC_ERROR_FRAME_CHECKSUM, end, checksum);
    RDC_FORWARD_IF_ERROR(head);

    read.payload = bytes + body_at;
    read.payload_size = end - body_at;
    read.checksum = checksum;
    RDC_RETURN_IF(read.payload_size > RDC_MAX_PAYLOAD, RDC_ERROR_PAYLOAD_LIMIT, 0, read.payload_size);
    *frame = read;
    *at = end + checksum_size;
    return rdc_ok();
}
