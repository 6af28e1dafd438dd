/* Payloads of frames: how a token becomes symbols of a block, and back. docs/format.md has the order of what stands in it. */
#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "base/status.h"
#include "codec/codec.h"

/* Room for a frame's tokens, taken at once. */
typedef struct frame_room {
    void *memory;
    double *x, *y;      /* [tokens, channels], [tokens, components] */
    int16_t *features;  /* [tokens, rdc_codec_features] */
    int16_t *latents;   /* [tokens, latents] */
    rdc_told told;
    rdc_references references;
} frame_room;

/* The next part of the room; where there is no memory yet, only its size counts. */
static void *take(const frame_room *room, size_t *at, size_t bytes) {
    void *part = room->memory ? (uint8_t *)rdc_aligned(room->memory) + *at : NULL;
    *at += (bytes + RDC_ALIGNMENT - 1) / RDC_ALIGNMENT * RDC_ALIGNMENT;
    return part;
}

/* Bytes in all. */
static size_t lay_out(const rdc_codec *codec, size_t tokens, frame_room *room) {
    const size_t components = rdc_codec_components(codec), most = rdc_codec_references(codec)->most;
    size_t at = 0;
    room->x = take(room, &at, tokens * rdc_codec_channels(codec) * sizeof *room->x);
    room->y = take(room, &at, tokens * components * sizeof *room->y);
    room->features = take(room, &at, tokens * rdc_codec_features(codec) * sizeof *room->features);
    room->latents = take(room, &at, tokens * rdc_codec_latents(codec) * sizeof *room->latents);
    room->told.side = take(room, &at, tokens * rdc_predictor_side(codec->parts.predictor) * sizeof *room->told.side);
    room->told.base = take(room, &at, tokens * components * sizeof *room->told.base);
    room->told.exponent = take(room, &at, tokens * sizeof *room->told.exponent);
    room->told.token_scale = take(room, &at, tokens * sizeof *room->told.token_scale);
    room->references.distance = take(room, &at, tokens * most * sizeof *room->references.distance);
    room->references.weight = take(room, &at, tokens * most * sizeof *room->references.weight);
    return at;
}

static rdc_status make_room(const rdc_codec *codec, size_t tokens, frame_room *room) {
    *room = (frame_room){0};
    room->memory = malloc(lay_out(codec, tokens, room) + RDC_ALIGNMENT);
    RDC_RETURN_IF(!room->memory, RDC_ERROR_MEMORY, 0, 0);
    lay_out(codec, tokens, room);
    return rdc_ok();
}

static rdc_said said_of(const frame_room *room, size_t tokens) {
    return (rdc_said){room->told.side, room->told.base, room->told.exponent, room->told.token_scale, tokens};
}

static size_t symbols_of(const rdc_codec *codec, size_t tokens) {
    return tokens * (rdc_codec_kinds(codec) + rdc_codec_components(codec));
}

/* Where the scales of tokens stand among their kinds. */
static size_t scales_at(const rdc_codec *codec, size_t tokens) {
    return (RDC_SIDE_FIRST + rdc_codec_latents(codec)) * tokens;
}

/* ---- Encoding ---- */

/* What is chosen of tokens before their levels. */
static rdc_status choose(rdc_cpu_level cpu, const rdc_codec *codec, const rdc_exact_matrix *analysis, const float *h, size_t tokens,
                         const frame_room *room, int32_t *symbols) {
    const size_t latents = rdc_codec_latents(codec);
    int32_t *const codewords = symbols + RDC_SIDE_CODEWORD * tokens;
    rdc_codec_tame(codec, h, tokens, symbols, room->x);
    RDC_FORWARD_IF_ERROR(rdc_exact_multiply(cpu, analysis, room->x, tokens, room->y));
    RDC_FORWARD_IF_ERROR(rdc_codec_choose_with(cpu, codec, room->y, tokens, room->features, codewords, symbols + RDC_SIDE_STEP * tokens));
    RDC_FORWARD_IF_ERROR(rdc_codec_choose_latents(cpu, codec, room->y, codewords, tokens, room->features, room->latents));
    for (size_t k = 0; k < latents; k++) {
        for (size_t t = 0; t < tokens; t++) symbols[(RDC_SIDE_FIRST + k) * tokens + t] = room->latents[t * latents + k];
    }
    return rdc_ok();
}

static rdc_status find_symbols(rdc_cpu_level cpu, const rdc_codec *codec, const rdc_exact_matrix *analysis, rdc_prediction *prediction,
                               const float *h, size_t tokens, int32_t quality, const frame_room *room, int32_t *symbols, uint16_t *index) {
    const size_t scales = scales_at(codec, tokens), references = scales + tokens, levels = rdc_codec_kinds(codec) * tokens;
    const size_t available = rdc_prediction_referable(prediction);
    RDC_FORWARD_IF_ERROR(choose(cpu, codec, analysis, h, tokens, room, symbols));
    rdc_side_tell(codec, symbols, tokens, quality, room->told);
    const rdc_said said = said_of(room, tokens);
    RDC_FORWARD_IF_ERROR(rdc_prediction_encode(cpu, prediction, &said, room->y, symbols + levels, index + levels, room->references,
                                               symbols + scales));
    rdc_side_first_tables(tokens, index);
    rdc_side_latent_tables(codec, tokens, index + RDC_SIDE_FIRST * tokens);
    rdc_side_scale_tables(symbols + RDC_SIDE_STEP * tokens, tokens, index + scales);
    rdc_side_reference_symbols(codec, room->references, available, tokens, symbols + references, index + references);
    return rdc_ok();
}

rdc_status rdc_codec_symbols(rdc_cpu_level cpu, const rdc_codec *codec, const rdc_exact_matrix *analysis, rdc_prediction *prediction,
                             const float *h, size_t tokens, int32_t quality, int32_t *symbols, uint16_t *index) {
    rdc_prediction_begin(prediction);
    RDC_FORWARD_IF_ERROR(rdc_codec_check_coding(codec, analysis, prediction));
    frame_room room;
    RDC_FORWARD_IF_ERROR(make_room(codec, tokens, &room));
    const rdc_status status = find_symbols(cpu, codec, analysis, prediction, h, tokens, quality, &room, symbols, index);
    free(room.memory);
    return status;
}

rdc_status rdc_codec_encode(rdc_cpu_level cpu, const rdc_codec *codec, const rdc_exact_matrix *analysis, rdc_prediction *prediction,
                            const float *h, size_t tokens, int32_t quality, rdc_coded_block **payload) {
    const size_t count = symbols_of(codec, tokens);
    rdc_prediction_begin(prediction);
    int32_t *symbols = malloc(count * (sizeof *symbols + sizeof(uint16_t)) + 1);
    RDC_RETURN_IF(!symbols, RDC_ERROR_MEMORY, 0, 0);
    uint16_t *index = (uint16_t *)(void *)(symbols + count);
    rdc_status status = rdc_codec_symbols(cpu, codec, analysis, prediction, h, tokens, quality, symbols, index);
    if (status.error == RDC_OK) {
        status = rdc_block_encode(rdc_rans_kernels_of(cpu), codec->parts.tables, symbols, (rdc_index){index, 2}, count, 0, 0, payload);
    }
    free(symbols);
    return status;
}

/* ---- Decoding ---- */

static rdc_status check_below(const int32_t *symbols, size_t tokens, size_t count, rdc_error error) {
    for (size_t t = 0; t < tokens; t++) RDC_RETURN_IF(symbols[t] < 0 || (size_t)symbols[t] >= count, error, t, symbols[t]);
    return rdc_ok();
}

/* Gains, codewords and steps. */
static rdc_status decode_first(const rdc_codec *codec, rdc_block_decoder *decoder, size_t tokens, int32_t *symbols, uint16_t *index) {
    rdc_side_first_tables(tokens, index);
    RDC_FORWARD_IF_ERROR(rdc_block_decode(decoder, (rdc_index){index, 2}, RDC_SIDE_FIRST * tokens, symbols));
    RDC_FORWARD_IF_ERROR(check_below(symbols, tokens, RDC_GAINS, RDC_ERROR_GAIN_SYMBOL));
    const size_t codewords = codec->parts.codebook.count, steps = codec->parts.step.count;
    RDC_FORWARD_IF_ERROR(check_below(symbols + RDC_SIDE_CODEWORD * tokens, tokens, codewords, RDC_ERROR_CODEWORD_SYMBOL));
    return check_below(symbols + RDC_SIDE_STEP * tokens, tokens, steps, RDC_ERROR_STEP_SYMBOL);
}

/* All of the side information. */
static rdc_status decode_side(const rdc_codec *codec, const rdc_prediction *prediction, rdc_block_decoder *decoder, size_t tokens,
                              int32_t *symbols, uint16_t *index, rdc_references references) {
    const size_t latents = rdc_codec_latents(codec), scales = scales_at(codec, tokens), candidates = codec->parts.predictor->costs.candidate_count;
    RDC_FORWARD_IF_ERROR(decode_first(codec, decoder, tokens, symbols, index));
    rdc_side_latent_tables(codec, tokens, index);
    RDC_FORWARD_IF_ERROR(rdc_block_decode(decoder, (rdc_index){index, 2}, latents * tokens, symbols + RDC_SIDE_FIRST * tokens));
    rdc_side_scale_tables(symbols + RDC_SIDE_STEP * tokens, tokens, index);
    RDC_FORWARD_IF_ERROR(rdc_block_decode(decoder, (rdc_index){index, 2}, tokens, symbols + scales));
    RDC_FORWARD_IF_ERROR(check_below(symbols + scales, tokens, candidates, RDC_ERROR_SCALE_SYMBOL));
    const size_t available = rdc_prediction_referable(prediction);
    return rdc_side_decode_references(codec, decoder, available, tokens, symbols + scales + tokens, index, references);
}

/* Components y of tokens. `index` is room for the tables of one kind, or of the first ones. */
static rdc_status decode_components(rdc_cpu_level cpu, const rdc_codec *codec, rdc_prediction *prediction, rdc_block_decoder *decoder,
                                    size_t tokens, int32_t quality, const frame_room *room, int32_t *symbols, uint16_t *index) {
    RDC_FORWARD_IF_ERROR(decode_side(codec, prediction, decoder, tokens, symbols, index, room->references));
    rdc_side_tell(codec, symbols, tokens, quality, room->told);
    const int32_t *scales = symbols + scales_at(codec, tokens), *candidates = codec->parts.predictor->costs.candidates;
    for (size_t t = 0; t < tokens; t++) room->told.token_scale[t] += candidates[scales[t]];
    const rdc_said said = said_of(room, tokens);
    RDC_FORWARD_IF_ERROR(rdc_prediction_decode(cpu, prediction, &said, room->references, decoder, room->y));
    return rdc_block_finish(decoder);
}

static rdc_status decode_with(rdc_cpu_level cpu, const rdc_codec *codec, rdc_prediction *prediction, rdc_block_decoder *decoder,
                              size_t tokens, int32_t quality, const frame_room *room, float *h) {
    const size_t kinds = rdc_codec_kinds(codec) * tokens;
    int32_t *symbols = malloc(kinds * (sizeof *symbols + sizeof(uint16_t)) + 1);
    RDC_RETURN_IF(!symbols, RDC_ERROR_MEMORY, 0, 0);
    uint16_t *index = (uint16_t *)(void *)(symbols + kinds);
    rdc_status status = decode_components(cpu, codec, prediction, decoder, tokens, quality, room, symbols, index);
    if (status.error == RDC_OK) status = rdc_exact_multiply(cpu, codec->parts.synthesis, room->y, tokens, room->x);
    if (status.error == RDC_OK) rdc_codec_untame(codec, room->x, symbols, tokens, h);
    free(symbols);
    return status;
}

rdc_status rdc_codec_decode(rdc_cpu_level cpu, const rdc_codec *codec, rdc_prediction *prediction, const uint8_t *payload, size_t size,
                            size_t tokens, int32_t quality, float *h) {
    rdc_prediction_begin(prediction);
    RDC_FORWARD_IF_ERROR(rdc_codec_check_coding(codec, NULL, prediction));
    rdc_block_decoder decoder;
    RDC_FORWARD_IF_ERROR(rdc_block_open(&decoder, rdc_rans_kernels_of(cpu), codec->parts.tables, payload, size, symbols_of(codec, tokens)));
    frame_room room;
    RDC_FORWARD_IF_ERROR(make_room(codec, tokens, &room));
    const rdc_status status = decode_with(cpu, codec, prediction, &decoder, tokens, quality, &room, h);
    free(room.memory);
    return status;
}
