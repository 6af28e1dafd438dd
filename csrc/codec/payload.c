/* Payloads of frames: how tokens become symbols of a block, and back. docs/format.md has the order of what stands in it.
 *
 * What does not depend on earlier tokens is done for all tokens of all rows at once: transforms, codewords, steps, hyper-latents. What
 * does is done a row at a time, by as many threads as there are rows. */
#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "base/status.h"
#include "base/threads.h"
#include "codec/codec.h"

/* Room for tokens of all rows, taken at once. */
typedef struct token_room {
    void *memory;
    double *x, *y;      /* [tokens, channels], [tokens, components] */
    int16_t *features;  /* [tokens, rdc_codec_features] */
    int16_t *latents;   /* [tokens, latents] */
    int32_t *gains, *codewords, *steps; /* [tokens] */
    int32_t *symbols;   /* of all rows, one after the other ... */
    uint16_t *index;    /* ... and their tables */
    rdc_side_arrays side_info;
    rdc_references references;
} token_room;

/* The next part of the room; where there is no memory yet, only its size counts. */
static void *take(const token_room *room, size_t *at, size_t bytes) {
    void *part = room->memory ? (uint8_t *)rdc_aligned(room->memory) + *at : NULL;
    *at += rdc_aligned_size(bytes);
    return part;
}

/* Bytes in all. */
static size_t lay_out(const rdc_codec *codec, size_t tokens, size_t symbols, token_room *room) {
    const size_t components = rdc_codec_components(codec), most = rdc_codec_references(codec)->most;
    size_t at = 0;
    room->x = take(room, &at, tokens * rdc_codec_channels(codec) * sizeof *room->x);
    room->y = take(room, &at, tokens * components * sizeof *room->y);
    room->features = take(room, &at, tokens * rdc_codec_features(codec) * sizeof *room->features);
    room->latents = take(room, &at, tokens * rdc_codec_latents(codec) * sizeof *room->latents);
    room->gains = take(room, &at, tokens * sizeof *room->gains);
    room->codewords = take(room, &at, tokens * sizeof *room->codewords);
    room->steps = take(room, &at, tokens * sizeof *room->steps);
    room->symbols = take(room, &at, symbols * sizeof *room->symbols);
    room->index = take(room, &at, symbols * sizeof *room->index);
    room->side_info.side = take(room, &at, tokens * rdc_predictor_side(codec->parts.predictor) * sizeof *room->side_info.side);
    room->side_info.base = take(room, &at, tokens * components * sizeof *room->side_info.base);
    room->side_info.exponent = take(room, &at, tokens * sizeof *room->side_info.exponent);
    room->side_info.token_scale = take(room, &at, tokens * sizeof *room->side_info.token_scale);
    room->references.distance = take(room, &at, tokens * most * sizeof *room->references.distance);
    room->references.weight = take(room, &at, tokens * most * sizeof *room->references.weight);
    return at;
}

static rdc_status make_room(const rdc_codec *codec, size_t tokens, size_t symbols, token_room *room) {
    *room = (token_room){0};
    room->memory = malloc(lay_out(codec, tokens, symbols, room) + RDC_ALIGNMENT);
    RDC_RETURN_IF(!room->memory, RDC_ERROR_MEMORY, 0, 0);
    lay_out(codec, tokens, symbols, room);
    return rdc_ok();
}

/* What is coded: rows of `tokens` each. */
typedef struct coding {
    rdc_cpu_level cpu;
    const rdc_codec *codec;
    rdc_prediction *const *predictions;
    size_t rows, tokens;
    int32_t quality;
    const token_room *room;
} coding;

static size_t symbols_of(const rdc_codec *codec, size_t tokens) {
    return tokens * (rdc_codec_kinds(codec) + rdc_codec_components(codec));
}

/* Where the scales of tokens stand among their kinds. */
static size_t scales_at(const coding *c) {
    return (RDC_SIDE_FIRST + rdc_codec_latents(c->codec)) * c->tokens;
}

static int32_t *row_symbols(const coding *c, size_t row) {
    return c->room->symbols + row * symbols_of(c->codec, c->tokens);
}

static uint16_t *row_index(const coding *c, size_t row) {
    return c->room->index + row * symbols_of(c->codec, c->tokens);
}

static rdc_references row_references(const coding *c, size_t row) {
    const size_t at = row * c->tokens * rdc_codec_references(c->codec)->most;
    return (rdc_references){c->room->references.distance + at, c->room->references.weight + at};
}

static double *row_components(const coding *c, size_t row) {
    return c->room->y + row * c->tokens * rdc_codec_components(c->codec);
}

/* Side information of a row whose symbols are found. */
static rdc_side_info side_info_of(const coding *c, size_t row) {
    const size_t first = row * c->tokens, side = rdc_predictor_side(c->codec->parts.predictor);
    const rdc_side_arrays *all = &c->room->side_info;
    const rdc_side_arrays own = {all->side + first * side, all->base + first * rdc_codec_components(c->codec), all->exponent + first,
                           all->token_scale + first};
    rdc_side_fill(c->codec, row_symbols(c, row), c->tokens, c->quality, own);
    return (rdc_side_info){own.side, own.base, own.exponent, own.token_scale, c->tokens};
}

static rdc_status begin(const rdc_codec *codec, const rdc_exact_matrix *analysis, rdc_prediction *const *predictions, size_t rows) {
    for (size_t row = 0; row < rows; row++) rdc_prediction_begin(predictions[row]);
    for (size_t row = 0; row < rows; row++) RDC_FORWARD_IF_ERROR(rdc_codec_check_coding(codec, analysis, predictions[row]));
    return rdc_ok();
}

/* `of_row` of all rows, by threads; the status of the first that fails. */
typedef rdc_status row_function(const coding *c, size_t row, void *arguments);

static rdc_status for_rows(const coding *c, row_function *of_row, void *arguments) {
    if (c->rows == 1) return of_row(c, 0, arguments);
    rdc_status *statuses = malloc(c->rows * sizeof *statuses + 1);
    RDC_RETURN_IF(!statuses, RDC_ERROR_MEMORY, 0, 0);
    const int threads = rdc_threads_if(c->rows > 1);
    (void)threads;
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
#endif
    for (int64_t row = 0; row < (int64_t)c->rows; row++) statuses[row] = of_row(c, (size_t)row, arguments);
    rdc_status first = rdc_ok();
    for (size_t row = c->rows; row-- > 0;) first = statuses[row].error != RDC_OK ? statuses[row] : first;
    free(statuses);
    return first;
}

/* ---- Encoding ---- */

/* Gains and components of all tokens. */
static rdc_status transform(const coding *c, const rdc_exact_matrix *analysis, const float *h) {
    const size_t tokens = c->rows * c->tokens;
    rdc_codec_tame(c->codec, h, tokens, c->room->gains, c->room->x);
    return rdc_exact_multiply(c->cpu, analysis, c->room->x, tokens, c->room->y);
}

/* What is chosen of all tokens before their levels. */
static rdc_status choose(const coding *c) {
    const size_t tokens = c->rows * c->tokens;
    const token_room *room = c->room;
    RDC_FORWARD_IF_ERROR(rdc_codec_choose_with(c->cpu, c->codec, room->y, tokens, room->features, room->codewords, room->steps));
    return rdc_codec_choose_latents(c->cpu, c->codec, room->y, room->codewords, tokens, room->features, room->latents);
}

/* Puts what was chosen of a row's tokens among its symbols. */
static void place_choices(const coding *c, size_t row) {
    const size_t first = row * c->tokens, tokens = c->tokens, latents = rdc_codec_latents(c->codec);
    int32_t *symbols = row_symbols(c, row);
    memcpy(symbols + RDC_SIDE_GAIN * tokens, c->room->gains + first, tokens * sizeof *symbols);
    memcpy(symbols + RDC_SIDE_CODEWORD * tokens, c->room->codewords + first, tokens * sizeof *symbols);
    memcpy(symbols + RDC_SIDE_STEP * tokens, c->room->steps + first, tokens * sizeof *symbols);
    for (size_t k = 0; k < latents; k++) {
        for (size_t t = 0; t < tokens; t++) symbols[(RDC_SIDE_FIRST + k) * tokens + t] = c->room->latents[(first + t) * latents + k];
    }
}

/* The symbols of a row and their tables. */
static rdc_status find_symbols(const coding *c, size_t row) {
    const size_t tokens = c->tokens, scales = scales_at(c), references = scales + tokens, levels = rdc_codec_kinds(c->codec) * tokens;
    int32_t *symbols = row_symbols(c, row);
    uint16_t *index = row_index(c, row);
    const rdc_references chosen = row_references(c, row);
    const size_t available = rdc_prediction_referable(c->predictions[row]);
    place_choices(c, row);
    const rdc_side_info info = side_info_of(c, row);
    RDC_FORWARD_IF_ERROR(rdc_prediction_encode(c->cpu, c->predictions[row], &info, row_components(c, row), symbols + levels, index + levels,
                                               chosen, symbols + scales));
    rdc_side_first_tables(tokens, index);
    rdc_side_latent_tables(c->codec, tokens, index + RDC_SIDE_FIRST * tokens);
    rdc_side_scale_tables(symbols + RDC_SIDE_STEP * tokens, tokens, index + scales);
    rdc_side_reference_symbols(c->codec, chosen, available, tokens, symbols + references, index + references);
    return rdc_ok();
}

/* The payload of a row. */
static rdc_status encode_row(const coding *c, size_t row, void *payloads) {
    RDC_FORWARD_IF_ERROR(find_symbols(c, row));
    const rdc_index index = {row_index(c, row), 2};
    return rdc_block_encode(rdc_rans_kernels_of(c->cpu), c->codec->parts.tables, row_symbols(c, row), index,
                            symbols_of(c->codec, c->tokens), 0, 0, (rdc_coded_block **)payloads + row);
}

rdc_status rdc_codec_symbols(rdc_cpu_level cpu, const rdc_codec *codec, const rdc_exact_matrix *analysis, rdc_prediction *prediction,
                             const float *h, size_t tokens, int32_t quality, int32_t *symbols, uint16_t *index) {
    token_room room;
    RDC_FORWARD_IF_ERROR(begin(codec, analysis, &prediction, 1));
    RDC_FORWARD_IF_ERROR(make_room(codec, tokens, 0, &room));
    room.symbols = symbols;
    room.index = index;
    const coding c = {cpu, codec, &prediction, 1, tokens, quality, &room};
    rdc_status status = transform(&c, analysis, h);
    if (status.error == RDC_OK) status = choose(&c);
    if (status.error == RDC_OK) status = find_symbols(&c, 0);
    free(room.memory);
    return status;
}

/* Payloads, NULL so far, of rows whose gains and components are found; none after an error. */
static rdc_status encode_rows(const coding *c, rdc_coded_block **payloads) {
    rdc_status status = choose(c);
    if (status.error == RDC_OK) status = for_rows(c, encode_row, payloads);
    for (size_t row = 0; row < c->rows && status.error != RDC_OK; row++) {
        rdc_coded_block_free(payloads[row]);
        payloads[row] = NULL;
    }
    return status;
}

rdc_status rdc_codec_encode(rdc_cpu_level cpu, const rdc_codec *codec, const rdc_exact_matrix *analysis, rdc_prediction *const *predictions,
                            const float *h, size_t rows, size_t tokens, int32_t quality, rdc_coded_block **payloads) {
    token_room room;
    memset(payloads, 0, rows * sizeof *payloads);
    RDC_FORWARD_IF_ERROR(begin(codec, analysis, predictions, rows));
    RDC_FORWARD_IF_ERROR(make_room(codec, rows * tokens, rows * symbols_of(codec, tokens), &room));
    const coding c = {cpu, codec, predictions, rows, tokens, quality, &room};
    rdc_status status = transform(&c, analysis, h);
    if (status.error == RDC_OK) status = encode_rows(&c, payloads);
    free(room.memory);
    return status;
}

rdc_status rdc_codec_encode_components(rdc_cpu_level cpu, const rdc_codec *codec, rdc_prediction *const *predictions, const int32_t *gains,
                                       const double *y, size_t rows, size_t tokens, int32_t quality, rdc_coded_block **payloads) {
    token_room room;
    memset(payloads, 0, rows * sizeof *payloads);
    for (size_t t = 0; t < rows * tokens; t++) RDC_RETURN_IF(gains[t] < 0 || gains[t] >= RDC_GAINS, RDC_ERROR_GAIN_SYMBOL, t, gains[t]);
    RDC_FORWARD_IF_ERROR(begin(codec, NULL, predictions, rows));
    RDC_FORWARD_IF_ERROR(make_room(codec, rows * tokens, rows * symbols_of(codec, tokens), &room));
    memcpy(room.gains, gains, rows * tokens * sizeof *gains);
    memcpy(room.y, y, rows * tokens * rdc_codec_components(codec) * sizeof *y);
    const coding c = {cpu, codec, predictions, rows, tokens, quality, &room};
    const rdc_status status = encode_rows(&c, payloads);
    free(room.memory);
    return status;
}

/* ---- Decoding ---- */

static rdc_status check_below(const int32_t *symbols, size_t tokens, size_t count, rdc_error error) {
    for (size_t t = 0; t < tokens; t++) RDC_RETURN_IF(symbols[t] < 0 || (size_t)symbols[t] >= count, error, t, symbols[t]);
    return rdc_ok();
}

/* Gains, codewords and steps. */
static rdc_status decode_first(const coding *c, rdc_block_decoder *decoder, int32_t *symbols, uint16_t *index) {
    const size_t tokens = c->tokens, codewords = c->codec->parts.codebook.count, steps = c->codec->parts.step.count;
    rdc_side_first_tables(tokens, index);
    RDC_FORWARD_IF_ERROR(rdc_block_decode(decoder, (rdc_index){index, 2}, RDC_SIDE_FIRST * tokens, symbols));
    RDC_FORWARD_IF_ERROR(check_below(symbols, tokens, RDC_GAINS, RDC_ERROR_GAIN_SYMBOL));
    RDC_FORWARD_IF_ERROR(check_below(symbols + RDC_SIDE_CODEWORD * tokens, tokens, codewords, RDC_ERROR_CODEWORD_SYMBOL));
    return check_below(symbols + RDC_SIDE_STEP * tokens, tokens, steps, RDC_ERROR_STEP_SYMBOL);
}

/* All of the side information of a row. */
static rdc_status decode_side(const coding *c, size_t row, rdc_block_decoder *decoder) {
    const size_t tokens = c->tokens, scales = scales_at(c), candidates = c->codec->parts.predictor->costs.candidate_count;
    const size_t available = rdc_prediction_referable(c->predictions[row]);
    int32_t *symbols = row_symbols(c, row);
    uint16_t *index = row_index(c, row);
    RDC_FORWARD_IF_ERROR(decode_first(c, decoder, symbols, index));
    rdc_side_latent_tables(c->codec, tokens, index);
    RDC_FORWARD_IF_ERROR(rdc_block_decode(decoder, (rdc_index){index, 2}, rdc_codec_latents(c->codec) * tokens,
                                          symbols + RDC_SIDE_FIRST * tokens));
    rdc_side_scale_tables(symbols + RDC_SIDE_STEP * tokens, tokens, index);
    RDC_FORWARD_IF_ERROR(rdc_block_decode(decoder, (rdc_index){index, 2}, tokens, symbols + scales));
    RDC_FORWARD_IF_ERROR(check_below(symbols + scales, tokens, candidates, RDC_ERROR_SCALE_SYMBOL));
    return rdc_side_decode_references(c->codec, decoder, available, tokens, symbols + scales + tokens, index, row_references(c, row));
}

/* The components of a row's tokens, whose gains are kept beside them. */
static rdc_status decode_row(const coding *c, size_t row, void *payloads) {
    const rdc_payload payload = ((const rdc_payload *)payloads)[row];
    const int32_t *scales = row_symbols(c, row) + scales_at(c), *candidates = c->codec->parts.predictor->costs.candidates;
    const size_t count = symbols_of(c->codec, c->tokens), first = row * c->tokens;
    rdc_block_decoder decoder;
    RDC_FORWARD_IF_ERROR(rdc_block_open(&decoder, rdc_rans_kernels_of(c->cpu), c->codec->parts.tables, payload.bytes, payload.size, count));
    RDC_FORWARD_IF_ERROR(decode_side(c, row, &decoder));
    const rdc_side_info info = side_info_of(c, row);
    for (size_t t = 0; t < c->tokens; t++) c->room->side_info.token_scale[first + t] += candidates[scales[t]];
    RDC_FORWARD_IF_ERROR(rdc_prediction_decode(c->cpu, c->predictions[row], &info, row_references(c, row), &decoder, row_components(c, row)));
    memcpy(c->room->gains + first, row_symbols(c, row), c->tokens * sizeof *c->room->gains);
    return rdc_block_finish(&decoder);
}

rdc_status rdc_codec_decode(rdc_cpu_level cpu, const rdc_codec *codec, rdc_prediction *const *predictions, const rdc_payload *payloads,
                            size_t rows, size_t tokens, int32_t quality, float *h) {
    token_room room;
    RDC_FORWARD_IF_ERROR(begin(codec, NULL, predictions, rows));
    RDC_FORWARD_IF_ERROR(make_room(codec, rows * tokens, rows * symbols_of(codec, tokens), &room));
    const coding c = {cpu, codec, predictions, rows, tokens, quality, &room};
    rdc_status status = for_rows(&c, decode_row, (void *)payloads);
    if (status.error == RDC_OK) status = rdc_exact_multiply(cpu, codec->parts.synthesis, room.y, rows * tokens, room.x);
    if (status.error == RDC_OK) rdc_codec_untame(codec, room.x, room.gains, rows * tokens, h);
    free(room.memory);
    return status;
}

rdc_status rdc_codec_decode_components(rdc_cpu_level cpu, const rdc_codec *codec, rdc_prediction *const *predictions,
                                       const rdc_payload *payloads, size_t rows, size_t tokens, int32_t quality, int32_t *gains, double *y) {
    token_room room;
    RDC_FORWARD_IF_ERROR(begin(codec, NULL, predictions, rows));
    RDC_FORWARD_IF_ERROR(make_room(codec, rows * tokens, rows * symbols_of(codec, tokens), &room));
    const coding c = {cpu, codec, predictions, rows, tokens, quality, &room};
    const rdc_status status = for_rows(&c, decode_row, (void *)payloads);
    if (status.error == RDC_OK) {
        memcpy(gains, room.gains, rows * tokens * sizeof *gains);
        memcpy(y, room.y, rows * tokens * rdc_codec_components(codec) * sizeof *y);
    }
    free(room.memory);
    return status;
}
