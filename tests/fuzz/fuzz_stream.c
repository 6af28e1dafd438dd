/* Streams: a header and frames, damaged, with checksums that are mended or not; and any bytes. */

#include "format.h"
#include "targets.h"

#define MOST_FRAMES 5
#define MOST_PAYLOAD 40
#define MOST_BYTES 120

static uint64_t any_size(rng *r, uint64_t limit) {
    switch (rng_below(r, 4)) {
    case 0: return limit - 1 + rng_below(r, 3);
    case 1: return (uint64_t)rng_next(r) << rng_below(r, 31);
    default: return rng_below(r, 300);
    }
}

static rdc_header make_header(rng *r) {
    rdc_header header = {.dtype = (rdc_float_type)rng_below(r, 3), .batched = (int)rng_below(r, 2)};
    for (size_t i = 0; i < sizeof header.codec_id; i++) header.codec_id[i] = (uint8_t)rng_below(r, 256);
    header.channels = any_size(r, RDC_MAX_CHANNELS);
    header.rows = rng_one_in(r, 2) ? 1 : any_size(r, RDC_MAX_TOKENS);
    header.tokens = any_size(r, RDC_MAX_TOKENS);
    return header;
}

/* The bytes of a stream, in a buffer of its size; none where the header cannot be. */
static const uint8_t *make_stream(rng *r, size_t *size) {
    const rdc_header header = make_header(r);
    uint8_t *room = buffer_take(RDC_HEADER_BOUND + MOST_FRAMES * rdc_frame_bound(MOST_PAYLOAD));
    *size = 0;
    if (rdc_header_write(&header, room, size).error != RDC_OK) return room;
    frame_place place = {*size, RDC_CHAIN_START};
    for (uint32_t k = rng_below(r, MOST_FRAMES + 1); k; k--) {
        rdc_frame frame = {.tokens = rng_below(r, 100), .has_quality = (int)rng_below(r, 2), .quality = (int32_t)rng_below(r, 64)};
        if (!frame.has_quality) frame.quality = 0;
        else frame.restart = rng_below(r, 4) / 3;
        frame.payload = take_any_bytes(r, MOST_PAYLOAD, &frame.payload_size);
        check_that(write_frame(&frame, room, &place).error == RDC_OK, "a frame can be written");
    }
    *size = place.at;
    return room;
}

static void check_header_is_written(const rdc_header *header, const uint8_t *bytes, size_t size) {
    uint8_t *again = buffer_take(RDC_HEADER_BOUND);
    size_t written;
    check_that(rdc_header_write(header, again, &written).error == RDC_OK && written == size, "as many bytes are written");
    check_same(bytes, again, size, "header");
}

/* Reads what can be read; a frame is mended before. */
static void read_stream(rng *r, uint8_t *bytes, size_t size) {
    rdc_header header;
    rdc_frame frame;
    size_t end;
    if (!rng_one_in(r, 4)) mend_header(bytes, size);
    if (rdc_header_read(bytes, size, &header, &end).error != RDC_OK) return;
    check_that(end <= size, "a header ends within its bytes");
    check_header_is_written(&header, bytes, end);
    const int mend = !rng_one_in(r, 4);
    for (frame_place place = {end, RDC_CHAIN_START}; place.at < size;) {
        const size_t start = place.at;
        if (mend) mend_frame(bytes, size, place);
        if (read_frame(bytes, size, &place, &frame).error != RDC_OK) return;
        check_that(place.at > start && place.at <= size, "a frame ends within its bytes");
        check_that(frame.payload >= bytes + start && frame.payload + frame.payload_size <= bytes + place.at, "and so does its payload");
    }
}

void fuzz_stream(rng *r) {
    size_t size;
    if (rng_one_in(r, 4)) {
        uint8_t *any = take_any_bytes(r, MOST_BYTES, &size);
        read_stream(r, any, size);
    } else {
        const uint8_t *stream = make_stream(r, &size);
        uint8_t *damaged = take_damaged(r, stream, &size);
        read_stream(r, damaged, size);
    }
}
