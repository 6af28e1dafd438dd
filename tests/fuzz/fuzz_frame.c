/* Frames: what is written is read; what is damaged and has a right checksum is refused, or is what a writer writes. */

#include "format.h"
#include "targets.h"

#define MOST_SMALL 140
#define MOST_PAYLOAD 70000

/* About where lengths and checksums become longer, or any. */
static size_t payload_size(rng *r) {
    static const size_t ends[] = {0, 124, 1016, 16380};
    if (rng_one_in(r, 8)) return rng_below(r, MOST_PAYLOAD);
    return rng_one_in(r, 2) ? rng_below(r, MOST_SMALL) : ends[rng_below(r, 4)] + rng_below(r, 12);
}

static rdc_frame make_frame(rng *r) {
    rdc_frame frame = {.tokens = rng_one_in(r, 4) ? rng_below(r, RDC_MAX_FRAME_TOKENS + 3) : rng_below(r, 130)};
    frame.has_quality = (int)rng_below(r, 2);
    if (frame.has_quality) frame.quality = wild_int32(r, 64);
    if (rng_one_in(r, 4)) frame.restart = (uint32_t)wild_int32(r, 1);
    frame.payload_size = payload_size(r);
    uint8_t *payload = buffer_take(frame.payload_size);
    for (size_t i = 0; i < frame.payload_size && i < 64; i++) payload[i] = (uint8_t)rng_below(r, 256);
    frame.payload = frame.payload_size ? payload : NULL;
    return frame;
}

static void check_same_frame(const rdc_frame *expected, const rdc_frame *got) {
    check_that(expected->tokens == got->tokens && expected->has_quality == got->has_quality && expected->quality == got->quality,
               "a frame says what it was given");
    check_that(expected->restart == got->restart && expected->checksum == got->checksum, "and how its chain goes on");
    check_that(expected->payload_size == got->payload_size, "a payload keeps its size");
    if (got->payload_size) check_same(expected->payload, got->payload, got->payload_size, "payload");
}

/* A frame that is read is the one that these bytes are written for. */
static void check_bytes_are_written(const uint8_t *bytes, size_t size, rdc_frame *frame, uint32_t before) {
    uint8_t *again = buffer_take(rdc_frame_bound(frame->payload_size));
    frame_place place = {0, before};
    check_that(write_frame(frame, again, &place).error == RDC_OK && place.at == size, "as many bytes are written");
    check_same(bytes, again, size, "frame");
}

static void check_damaged_frame(rng *r, const uint8_t *bytes, size_t size, uint32_t before) {
    uint8_t *damaged = take_damaged(r, bytes, &size);
    frame_place place = {0, before};
    if (!rng_one_in(r, 4)) mend_frame(damaged, size, place);
    rdc_frame frame;
    if (read_frame(damaged, size, &place, &frame).error != RDC_OK) return;
    check_that(place.at <= size, "a frame ends where its bytes do");
    check_bytes_are_written(damaged, place.at, &frame, before);
}

void fuzz_frame(rng *r) {
    rdc_frame frame = make_frame(r), read;
    const uint32_t before = rng_one_in(r, 2) ? RDC_CHAIN_START : rng_next(r);
    uint8_t *room = buffer_take(rdc_frame_bound(frame.payload_size));
    frame_place place = {0, before};
    const rdc_status status = write_frame(&frame, room, &place);
    const int is_right = frame.tokens <= RDC_MAX_FRAME_TOKENS && (frame.has_quality || !frame.restart);
    check_that((status.error == RDC_OK) == is_right, "a frame has at most so many tokens, and a new start has a quality");
    if (!is_right) return;
    const size_t size = place.at;
    const uint8_t *bytes = buffer_copy(room, size);
    place = (frame_place){0, before};
    check_that(read_frame(bytes, size, &place, &read).error == RDC_OK && place.at == size, "a frame is read");
    check_same_frame(&frame, &read);
    check_damaged_frame(r, bytes, size, before);
}
