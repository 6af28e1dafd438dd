#include "links.h"

#include <string.h>

#include "checkpoint_inputs.h"

#define MOST_VALUES 64

/* Made before anything may fail. */
static struct {
    saved_codec saved[2];       /* calibrated and learned */
    rdc_checkpoint *checkpoint; /* of the latter */
    rdc_encoder *encoder;
    rdc_decoder *decoder;
    float h[MOST_VALUES];
    uint16_t halves[MOST_VALUES];
} given;

static rdc_status load(const saved_codec *saved, uint8_t *out) {
    rdc_checkpoint *made = NULL;
    rdc_message message;
    const rdc_status status = rdc_checkpoint_read(&made, NULL, 0, saved->bytes, saved->size, &message);
    check_that((status.error == RDC_OK) == (made != NULL), "a codec is loaded or not");
    if (made) memcpy(out, rdc_checkpoint_describe(made)->codec_id, 8);
    rdc_checkpoint_free(made);
    return status;
}

rdc_status load_calibrated(uint8_t *out) {
    return load(&given.saved[0], out);
}

rdc_status load_learned(uint8_t *out) {
    return load(&given.saved[1], out);
}

rdc_status make_encoder(uint8_t *out) {
    rdc_encoder *made = NULL, *twin = NULL;
    rdc_status status = rdc_encoder_make(&made, given.checkpoint, 0);
    check_that((status.error == RDC_OK) == (made != NULL), "an encoder is made or not");
    if (made) status = rdc_encoder_fork(&twin, made);
    check_that((status.error == RDC_OK) == (twin != NULL), "an encoder is forked or not");
    if (twin) out[0] = 1;
    rdc_encoder_free(made);
    rdc_encoder_free(twin);
    return status;
}

rdc_status make_decoder(uint8_t *out) {
    rdc_decoder *made = NULL, *twin = NULL;
    rdc_status status = rdc_decoder_make(&made, given.checkpoint);
    check_that((status.error == RDC_OK) == (made != NULL), "a decoder is made or not");
    if (made) status = rdc_decoder_fork(&twin, made);
    check_that((status.error == RDC_OK) == (twin != NULL), "a decoder is forked or not");
    if (twin) out[0] = 1;
    rdc_decoder_free(made);
    rdc_decoder_free(twin);
    return status;
}

/* Of a quality whose transform the codec does not have yet. */
rdc_status encode_at_another_quality(uint8_t *out) {
    const saved_codec *saved = &given.saved[1];
    rdc_checkpoint *checkpoint = NULL;
    rdc_encoder *encoder = NULL;
    rdc_bytes frame;
    rdc_status status = rdc_checkpoint_read(&checkpoint, NULL, 0, saved->bytes, saved->size, NULL);
    if (status.error == RDC_OK) status = rdc_encoder_make(&encoder, checkpoint, 9);
    if (status.error == RDC_OK) status = rdc_encoder_encode(encoder, given.h, RDC_FLOAT32, 2, &frame);
    if (status.error == RDC_OK) memcpy(out, frame.bytes, frame.size);
    rdc_encoder_free(encoder);
    rdc_checkpoint_free(checkpoint);
    return status;
}

/* The next frame of a new start, which does not depend on what was coded before; forks leave the encoder as it was. */
rdc_status encode_frame(uint8_t *out) {
    rdc_encoder *twin = NULL;
    rdc_bytes frame;
    rdc_status status = rdc_encoder_fork(&twin, given.encoder);
    if (status.error != RDC_OK) return status;
    rdc_encoder_restart(twin);
    status = rdc_encoder_encode(twin, given.halves, RDC_FLOAT16, 3, &frame);
    if (status.error == RDC_OK) memcpy(out, frame.bytes, frame.size);
    rdc_encoder_free(twin);
    return status;
}

rdc_status decode_frame(uint8_t *out) {
    rdc_decoder *twin = NULL;
    rdc_encoder *encoder = NULL;
    rdc_bytes frame;
    size_t tokens;
    rdc_status status = rdc_decoder_fork(&twin, given.decoder);
    if (status.error == RDC_OK) status = rdc_encoder_fork(&encoder, given.encoder);
    if (status.error == RDC_OK) status = rdc_encoder_encode(encoder, given.h, RDC_FLOAT32, 3, &frame);
    if (status.error == RDC_OK) status = rdc_decoder_decode(twin, frame, RDC_BFLOAT16, out, 3, &tokens);
    rdc_decoder_free(twin);
    rdc_encoder_free(encoder);
    return status;
}

void make_links(rng *r) {
    for (int is_learned = 0; is_learned < 2; is_learned++) given.saved[is_learned] = make_saved_codec(r, is_learned);
    for (size_t i = 0; i < MOST_VALUES; i++) {
        given.h[i] = (float)rng_below(r, 2001) - 1000;
        given.halves[i] = (uint16_t)rng_below(r, 0x7000);
    }
    const saved_codec *saved = &given.saved[1];
    check_that(rdc_checkpoint_read(&given.checkpoint, NULL, 0, saved->bytes, saved->size, NULL).error == RDC_OK, "a codec can be loaded");
    check_that(rdc_encoder_make(&given.encoder, given.checkpoint, 7).error == RDC_OK, "there is memory");
    check_that(rdc_decoder_make(&given.decoder, given.checkpoint).error == RDC_OK, "there is memory");
    uint8_t *out = buffer_take(1 << 10);
    check_that(encode_frame(out).error == RDC_OK, "there is memory"); /* of which the codec keeps some: the transform of a quality */
}

void free_links(void) {
    rdc_encoder_free(given.encoder);
    rdc_decoder_free(given.decoder);
    rdc_checkpoint_free(given.checkpoint);
}
