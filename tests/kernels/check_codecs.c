/* Whole codecs: the same payloads and tokens at every level, and what becomes of damaged payloads. */
#include <string.h>

#include "codec_inputs.h"
#include "groups.h"

#define DAMAGED 8

static void check_level_on_codec(rdc_cpu_level level, const codec_case *c, const uint8_t *expected, size_t size, const float *tokens) {
    const size_t mark = buffers_mark(), values = c->tokens * c->parts.channels * sizeof *tokens;
    check_level(level);
    size_t got_size;
    const uint8_t *got = encode_codec_case(level, c, &got_size);
    check_that(got_size == size, "payloads have the same size");
    check_same(expected, got, size, "payload");
    float *h = buffer_take(values);
    check_that(decode_codec_case(level, c, got, size, h).error == RDC_OK, "payloads can be decoded");
    check_same(tokens, h, values, "tokens");
    buffers_release(mark);
}

/* Every level says the same of it. */
static void check_damaged(rng *r, const codec_case *c, const uint8_t *payload, size_t size, const check_levels *levels) {
    const size_t mark = buffers_mark(), left = rng_one_in(r, 2) ? size : rng_below(r, (uint32_t)size + 1);
    uint8_t *damaged = buffer_copy(payload, left);
    if (left) damaged[rng_below(r, (uint32_t)left)] ^= (uint8_t)(1u << rng_below(r, 8));
    float *h = buffer_take(c->tokens * c->parts.channels * sizeof *h);
    const rdc_status expected = decode_codec_case(RDC_CPU_SCALAR, c, damaged, left, h);
    for (size_t k = 1; k < levels->count; k++) {
        check_level(levels->of[k]);
        check_same_status(expected, decode_codec_case(levels->of[k], c, damaged, left, h), "damaged payloads");
    }
    buffers_release(mark);
}

void check_codecs(rng *r) {
    const check_levels levels = check_levels_here();
    const size_t mark = buffers_mark();
    codec_case c = make_codec_case(r);
    size_t size;
    const uint8_t *payload = encode_codec_case(RDC_CPU_SCALAR, &c, &size);
    float *tokens = buffer_take(c.tokens * c.parts.channels * sizeof *tokens);
    check_that(decode_codec_case(RDC_CPU_SCALAR, &c, payload, size, tokens).error == RDC_OK, "payloads can be decoded");
    for (size_t k = 0; k < levels.count; k++) check_level_on_codec(levels.of[k], &c, payload, size, tokens);
    for (size_t k = 0; k < DAMAGED; k++) check_damaged(r, &c, payload, size, &levels);
    free_codec_case(&c);
    buffers_release(mark);
}
