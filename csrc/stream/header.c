/* The stream header (docs/format.md): magic, version, dtype, flags, codec id, sizes, checksum. */
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/status.h"
#include "base/varint.h"

static const uint8_t magic[4] = {'R', 'D', 'C', 0x9d};

#define CRC_START 0xffff

enum { AT_VERSION = 4, AT_DTYPE = 5, AT_FLAGS = 6, AT_CODEC_ID = 7, AT_SIZES = 15 };

static rdc_status rdc_header_check_sizes(const rdc_header *header) {
    const uint64_t rows = header->rows, tokens = header->tokens;
    RDC_RETURN_IF(header->channels < 1 || header->channels > RDC_MAX_CHANNELS, RDC_ERROR_CHANNEL_LIMIT, 0, header->channels);
    RDC_RETURN_IF(rows > RDC_MAX_TOKENS || tokens > RDC_MAX_TOKENS || rows * tokens > RDC_MAX_TOKENS, RDC_ERROR_TOKEN_LIMIT, 0, tokens);
    return rdc_ok();
}

rdc_status rdc_header_write(const rdc_header *header, uint8_t *bytes, size_t *size) {
    RDC_FORWARD_IF_ERROR(rdc_header_check_sizes(header));
    RDC_RETURN_IF(!header->batched && header->rows != 1, RDC_ERROR_BATCH_AXIS, 0, header->rows);
    memcpy(bytes, magic, sizeof magic);
    bytes[AT_VERSION] = RDC_FORMAT_VERSION;
    bytes[AT_DTYPE] = (uint8_t)header->dtype;
    bytes[AT_FLAGS] = header->batched ? 1 : 0;
    memcpy(bytes + AT_CODEC_ID, header->codec_id, sizeof header->codec_id);
    size_t at = AT_SIZES;
    at += rdc_varint_write(bytes + at, header->channels);
    at += rdc_varint_write(bytes + at, header->rows);
    at += rdc_varint_write(bytes + at, header->tokens);
    rdc_store16(bytes + at, rdc_crc16(CRC_START, bytes, at));
    *size = at + 2;
    return rdc_ok();
}

rdc_status rdc_header_read(const uint8_t *bytes, size_t size, rdc_header *header, size_t *end) {
    /* what is not ours or not of this version is said before what is damaged */
    const size_t magic_seen = size < sizeof magic ? size : sizeof magic;
    RDC_RETURN_IF(size && memcmp(bytes, magic, magic_seen) != 0, RDC_ERROR_MAGIC, 0, 0);
    RDC_RETURN_IF(size > AT_VERSION && bytes[AT_VERSION] != RDC_FORMAT_VERSION, RDC_ERROR_VERSION, AT_VERSION, bytes[AT_VERSION]);
    RDC_RETURN_IF(size < AT_SIZES, RDC_ERROR_TRUNCATED, size, 0);

    size_t at = AT_SIZES;
    RDC_FORWARD_IF_ERROR(rdc_varint_read(bytes, size, &at, &header->channels));
    const size_t rows_at = at;
    RDC_FORWARD_IF_ERROR(rdc_varint_read(bytes, size, &at, &header->rows));
    RDC_FORWARD_IF_ERROR(rdc_varint_read(bytes, size, &at, &header->tokens));
    RDC_RETURN_IF(size - at < 2, RDC_ERROR_TRUNCATED, size, 0);
    RDC_RETURN_IF(rdc_load16(bytes + at) != rdc_crc16(CRC_START, bytes, at), RDC_ERROR_HEADER_CHECKSUM, at, rdc_load16(bytes + at));

    RDC_RETURN_IF(bytes[AT_DTYPE] > RDC_BFLOAT16, RDC_ERROR_DTYPE, AT_DTYPE, bytes[AT_DTYPE]);
    RDC_RETURN_IF(bytes[AT_FLAGS] > 1, RDC_ERROR_HEADER_FLAGS, AT_FLAGS, bytes[AT_FLAGS]);
    header->dtype = (rdc_float_type)bytes[AT_DTYPE];
    header->batched = bytes[AT_FLAGS];
    memcpy(header->codec_id, bytes + AT_CODEC_ID, sizeof header->codec_id);
    RDC_RETURN_IF(!header->batched && header->rows != 1, RDC_ERROR_ROWS, rows_at, header->rows);
    RDC_FORWARD_IF_ERROR(rdc_header_check_sizes(header));
    *end = at + 2;
    return rdc_ok();
}
