#include "format.h"

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/varint.h"

#define LONG_BODY 1024
#define SIZES_AT 15 /* of a header */

rdc_status read_frame(const uint8_t *stream, size_t size, frame_place *place, rdc_frame *frame) {
    const rdc_status status = rdc_frame_read(stream, size, &place->at, place->before, frame);
    if (status.error == RDC_OK) place->before = frame->checksum;
    return status;
}

rdc_status write_frame(rdc_frame *frame, uint8_t *stream, frame_place *place) {
    size_t written = 0;
    const rdc_status status = rdc_frame_write(frame, place->before, stream + place->at, &written);
    place->at += written;
    if (status.error == RDC_OK) place->before = frame->checksum;
    return status;
}

/* A new start does not go on from the frame before. */
static uint32_t start_of(const uint8_t *body, size_t size, uint32_t before) {
    size_t at = 0;
    uint64_t number;
    const int is_restart = rdc_varint_read(body, size, &at, &number).error == RDC_OK && (number & 1) && number >> 1 > RDC_MAX_FRAME_TOKENS;
    return is_restart ? RDC_CHAIN_START : before;
}

void mend_frame(uint8_t *stream, size_t size, frame_place place) {
    size_t body = place.at;
    uint64_t length;
    if (rdc_varint_read(stream, size, &body, &length).error != RDC_OK || length > size - body || length < 4) return;
    const size_t checksum_size = length < LONG_BODY ? 2 : 4, end = body + (size_t)length - checksum_size;
    const uint32_t start = start_of(stream + body, end - body, place.before);
    if (checksum_size == 2) rdc_store16(stream + end, rdc_crc16((uint16_t)start, stream + place.at, end - place.at));
    else rdc_store32(stream + end, rdc_crc32(start, stream + place.at, end - place.at));
}

void mend_header(uint8_t *bytes, size_t size) {
    size_t end = SIZES_AT;
    uint64_t number;
    for (int k = 0; k < 3; k++) {
        if (size < SIZES_AT || rdc_varint_read(bytes, size, &end, &number).error != RDC_OK) return;
    }
    if (size - end >= 2) rdc_store16(bytes + end, rdc_crc16(0xffff, bytes, end));
}
