#include "format.h"

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/varint.h"

#define LONG_BODY 1024
#define SIZES_AT 15 /* of a header */

frame_place first_frame(const uint8_t *stream, size_t at) {
    (void)stream;
    return (frame_place){at};
}

rdc_status read_frame(const uint8_t *stream, size_t size, frame_place *place, rdc_frame *frame) {
    return rdc_frame_read(stream, size, &place->at, frame);
}

rdc_status write_frame(const rdc_frame *frame, uint8_t *stream, frame_place *place) {
    size_t written = 0;
    const rdc_status status = rdc_frame_write(frame, stream + place->at, &written);
    place->at += written;
    return status;
}

void mend_frame(uint8_t *stream, size_t size, frame_place place) {
    size_t body = place.at;
    uint64_t length;
    if (rdc_varint_read(stream, size, &body, &length).error != RDC_OK || length > size - body || length < 4) return;
    const size_t checksum_size = length < LONG_BODY ? 2 : 4, end = body + (size_t)length - checksum_size;
    if (checksum_size == 2) rdc_store16(stream + end, rdc_crc16(stream + place.at, end - place.at));
    else rdc_store32(stream + end, rdc_crc32(stream + place.at, end - place.at));
}

void mend_header(uint8_t *bytes, size_t size) {
    size_t end = SIZES_AT;
    uint64_t number;
    for (int k = 0; k < 3; k++) {
        if (size < SIZES_AT || rdc_varint_read(bytes, size, &end, &number).error != RDC_OK) return;
    }
    if (size - end >= 2) rdc_store16(bytes + end, rdc_crc16(bytes, end));
}
