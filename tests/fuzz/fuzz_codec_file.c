/* Files of codecs, whole or damaged, with ids that are right: refused with a message, or loaded, and then they code. And any JSON. */
#include <math.h>
#include <string.h>

#include "checkpoint/json.h"
#include "checkpoint_inputs.h"
#include "targets.h"

#define MOST_TOKENS 6
#define MOST_CHANGES 4
#define MOST_JSON 200
#define MOST_PIECE 16

/* ---- Files ---- */

/* Changes bytes anywhere, the header and the ends of ranges more often than others. */
static void change(rng *r, saved_codec *saved) {
    static const uint8_t extremes[] = {0, 1, 0x7f, 0x80, 0xff};
    for (uint32_t changes = rng_below(r, MOST_CHANGES); changes && saved->size; changes--) {
        const size_t at = rng_below(r, (uint32_t)saved->size);
        saved->bytes[at] = rng_one_in(r, 2) ? extremes[rng_below(r, sizeof extremes)] : (uint8_t)rng_below(r, 256);
    }
}

/* One digit of the header becomes another: sizes, offsets, fields. */
static void change_digit(rng *r, saved_codec *saved) {
    for (size_t at = rng_below(r, (uint32_t)saved->size); at < saved->size; at++) {
        if (saved->bytes[at] < '0' || saved->bytes[at] > '9') continue;
        saved->bytes[at] = (uint8_t)('0' + rng_below(r, 10));
        return;
    }
}

static saved_codec damaged(rng *r, saved_codec saved) {
    saved.bytes = buffer_copy(saved.bytes, saved.size);
    if (rng_one_in(r, 2)) change(r, &saved);
    if (rng_one_in(r, 2)) change_digit(r, &saved);
    if (rng_one_in(r, 8)) saved.bytes = take_damaged(r, saved.bytes, &saved.size);
    mend_codec_id(saved.bytes, saved.size);
    return saved;
}

static float *any_states(rng *r, size_t n) {
    float *h = buffer_take(n * sizeof *h);
    for (size_t i = 0; i < n; i++) {
        h[i] = (float)wild_double(r);
        if (!isfinite(h[i])) h[i] = 3e38f;
    }
    return h;
}

static void check_coding(rng *r, const rdc_checkpoint *codec) {
    const size_t channels = rdc_checkpoint_describe(codec)->channels, tokens = rng_below(r, MOST_TOKENS);
    const float *h = any_states(r, tokens * channels);
    float *decoded = buffer_take(tokens * channels * sizeof *decoded);
    rdc_encoder *encoder = NULL;
    rdc_decoder *decoder = NULL;
    rdc_bytes frame;
    size_t got;
    check_that(rdc_encoder_make(&encoder, codec, (int32_t)rng_below(r, 129) - 64).error == RDC_OK, "there is memory");
    check_that(rdc_decoder_make(&decoder, codec).error == RDC_OK, "there is memory");
    check_that(rdc_encoder_encode(encoder, h, RDC_FLOAT32, tokens, &frame).error == RDC_OK, "what is loaded encodes");
    check_that(rdc_decoder_decode(decoder, frame, RDC_FLOAT32, decoded, tokens, &got).error == RDC_OK && got == tokens, "and decodes");
    for (size_t i = 0; i < tokens * channels; i++) check_that(isfinite(decoded[i]), "decoded states are finite");
    rdc_encoder_free(encoder);
    rdc_decoder_free(decoder);
}

static void check_file(rng *r, saved_codec saved, int is_whole) {
    rdc_checkpoint *codec = NULL;
    rdc_message message = {{0}};
    const rdc_status status = rdc_checkpoint_read(&codec, NULL, 0, saved.bytes, saved.size, &message);
    check_that(!is_whole || status.error == RDC_OK, "a whole codec is loaded");
    check_that((status.error == RDC_OK) == (codec != NULL), "a codec is loaded or not");
    check_that(!message.text[0] == (status.error == RDC_OK), "a message says what is wrong");
    if (codec) check_coding(r, codec);
    rdc_checkpoint_free(codec);
}

/* ---- JSON ---- */

/* Of pieces that mostly follow each other as they should. */
static void check_json(rng *r) {
    static const char *const pieces[] = {"{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "1", "-0.5e3", "01", "true", "null", "\"\\ud83d\\ude00\"",
                                         "\"\\ud800\"", "\"\\n\"", " ", "\"", "\\", "\xc3\xa9", "\xed\xa0\x80", "\"\xf0\x9f\x98\x80\""};
    char text[MOST_JSON + MOST_PIECE];
    size_t size = 0;
    while (size < MOST_JSON && !rng_one_in(r, 12)) {
        const char *piece = pieces[rng_below(r, sizeof pieces / sizeof *pieces)];
        memcpy(text + size, piece, strlen(piece));
        size += strlen(piece);
    }
    const uint8_t *bytes = buffer_copy(text, size);
    rdc_json json;
    if (rdc_json_read(&json, bytes, size).error != RDC_OK) return;
    check_that(json.count > 0 && json.nodes->next == json.count, "a text is one value");
    rdc_json_free(&json);
}

void fuzz_codec_file(rng *r) {
    check_json(r);
    const saved_codec saved = make_saved_codec(r, rng_one_in(r, 2));
    check_file(r, saved, 1);
    check_file(r, damaged(r, saved), 0);
}
