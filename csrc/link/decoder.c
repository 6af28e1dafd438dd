/* Frames to rows of tokens. */
#include <stdlib.h>
#include <string.h>

#include "link/link.h"

struct rdc_decoder {
    rdc_row row;
};

/* ---- Decoders ---- */

static rdc_status wrap(rdc_decoder **decoder, rdc_row *row) {
    *decoder = malloc(sizeof **decoder);
    if (*decoder) (*decoder)->row = *row;
    else rdc_row_free(row);
    RDC_RETURN_IF(!*decoder, RDC_ERROR_MEMORY, 0, 0);
    return rdc_ok();
}

rdc_status rdc_decoder_make(rdc_decoder **decoder, const rdc_checkpoint *checkpoint) {
    rdc_row row;
    *decoder = NULL;
    RDC_FORWARD_IF_ERROR(rdc_row_make(&row, checkpoint));
    return wrap(decoder, &row);
}

rdc_status rdc_decoder_fork(rdc_decoder **twin, const rdc_decoder *decoder) {
    rdc_row row;
    *twin = NULL;
    RDC_FORWARD_IF_ERROR(rdc_row_copy(&row, &decoder->row));
    return wrap(twin, &row);
}

void rdc_decoder_free(rdc_decoder *decoder) {
    if (!decoder) return;
    rdc_row_free(&decoder->row);
    free(decoder);
}

/* ---- Frames ---- */

/* The next frame of a row, with the quality that it is coded with; *end is behind it. */
static rdc_status read_frame(const rdc_row *row, const uint8_t *bytes, size_t size, size_t *end, rdc_frame *frame) {
    *end = 0;
    RDC_FORWARD_IF_ERROR(rdc_frame_read(bytes, size, end, row->before, frame));
    RDC_RETURN_IF(frame->restart && frame->restart <= row->restarts, RDC_ERROR_RESTART_AGAIN, row->restarts, frame->restart);
    RDC_RETURN_IF(!frame->has_quality && !row->has_quality, RDC_ERROR_NO_QUALITY, 0, 0);
    if (!frame->has_quality) frame->quality = row->quality;
    RDC_RETURN_IF(!rdc_quality_is_legal(row->checkpoint, frame->quality), RDC_ERROR_FRAME_QUALITY, 0, frame->quality);
    RDC_RETURN_IF(!frame->tokens && frame->payload_size, RDC_ERROR_EMPTY_FRAME, 0, frame->payload_size);
    return rdc_ok();
}

/* The same of bytes that are nothing else. */
static rdc_status read_whole_frame(const rdc_row *row, rdc_bytes bytes, rdc_frame *frame) {
    size_t end;
    RDC_FORWARD_IF_ERROR(read_frame(row, bytes.bytes, bytes.size, &end, frame));
    RDC_RETURN_IF(end != bytes.size, RDC_ERROR_TRAILING_BYTES, end, bytes.size - end);
    return rdc_ok();
}

rdc_status rdc_decoder_peek(const rdc_decoder *decoder, const uint8_t *bytes, size_t size, size_t *frame_size, size_t *tokens) {
    rdc_frame frame;
    RDC_FORWARD_IF_ERROR(read_frame(&decoder->row, bytes, size, frame_size, &frame));
    *tokens = (size_t)frame.tokens;
    return rdc_ok();
}

/* ---- A call ---- */

/* Frames of rows that are being decoded, as many tokens of each. */
typedef struct call {
    rdc_decoder *const *decoders;
    size_t rows, tokens;
    rdc_frame *frames;            /* [rows] */
    rdc_pool pool;                /* of all that follows */
    rdc_row_step *steps;          /* [rows] */
    rdc_prediction **predictions; /* [rows], those of the steps */
    rdc_payload *payloads;        /* [rows] */
} call;

static rdc_status begin(call *c) {
    c->steps = rdc_pool_take(&c->pool, c->rows * sizeof *c->steps);
    c->predictions = rdc_pool_take(&c->pool, c->rows * sizeof *c->predictions);
    c->payloads = rdc_pool_take(&c->pool, c->rows * sizeof *c->payloads);
    if (c->steps) memset(c->steps, 0, c->rows * sizeof *c->steps);
    RDC_RETURN_IF(!c->steps || !c->predictions || !c->payloads, RDC_ERROR_MEMORY, 0, 0);
    for (size_t row = 0; row < c->rows; row++) {
        RDC_FORWARD_IF_ERROR(rdc_row_begin(&c->steps[row], &c->decoders[row]->row, c->frames[row].restart != 0));
        c->predictions[row] = c->steps[row].prediction;
        c->payloads[row] = (rdc_payload){c->frames[row].payload, c->frames[row].payload_size};
    }
    return rdc_ok();
}

/* Neighbours of the same quality are decoded side by side: h [rows, tokens, channels]. */
static rdc_status decode_rows(const call *c, float *h) {
    for (size_t first = 0, next = 0; c->tokens && first < c->rows; first = next) {
        const rdc_row *row = &c->decoders[first]->row;
        while (next < c->rows && c->frames[next].quality == c->frames[first].quality) next++;
        float *part = h + first * c->tokens * row->checkpoint->facts.channels;
        RDC_FORWARD_IF_ERROR(rdc_codec_decode(row->cpu, row->checkpoint->codec, c->predictions + first, c->payloads + first, next - first,
                                              c->tokens, c->frames[first].quality, part));
    }
    return rdc_ok();
}

static rdc_status decode_values(call *c, rdc_float_type type, void *h) {
    RDC_FORWARD_IF_ERROR(begin(c));
    if (type == RDC_FLOAT32) return decode_rows(c, h);
    const size_t n = c->rows ? c->rows * c->tokens * c->decoders[0]->row.checkpoint->facts.channels : 0;
    float *floats = rdc_pool_take(&c->pool, n * sizeof *floats);
    RDC_RETURN_IF(!floats, RDC_ERROR_MEMORY, 0, 0);
    RDC_FORWARD_IF_ERROR(decode_rows(c, floats));
    rdc_halves_from(floats, n, type, h);
    return rdc_ok();
}

static rdc_status decode(call *c, rdc_float_type type, void *h) {
    const rdc_status status = decode_values(c, type, h);
    for (size_t row = 0; c->steps && row < c->rows; row++) {
        if (status.error == RDC_OK) rdc_row_commit(&c->steps[row], &c->frames[row]);
        else rdc_row_undo(&c->steps[row]);
    }
    rdc_pool_free(&c->pool);
    return status;
}

rdc_status rdc_decoder_decode(rdc_decoder *decoder, rdc_bytes frame, rdc_float_type type, void *h, size_t room, size_t *tokens) {
    rdc_frame read;
    RDC_FORWARD_IF_ERROR(read_whole_frame(&decoder->row, frame, &read));
    RDC_RETURN_IF(read.tokens > room, RDC_ERROR_ROOM, room, read.tokens);
    call c = {.decoders = &decoder, .rows = 1, .tokens = (size_t)read.tokens, .frames = &read};
    RDC_FORWARD_IF_ERROR(decode(&c, type, h));
    *tokens = c.tokens;
    return rdc_ok();
}

static rdc_status read_frames(const call *c, const rdc_bytes *frames) {
    for (size_t row = 0; row < c->rows; row++) {
        const rdc_row *one = &c->decoders[row]->row;
        RDC_RETURN_IF(one->checkpoint != c->decoders[0]->row.checkpoint, RDC_ERROR_SEVERAL_CODECS, 0, row);
        RDC_FORWARD_IF_ERROR(read_whole_frame(one, frames[row], &c->frames[row]));
        RDC_RETURN_IF(c->frames[row].tokens != c->tokens, RDC_ERROR_ROOM, c->tokens, c->frames[row].tokens);
    }
    return rdc_ok();
}

rdc_status rdc_decoders_decode(rdc_decoder *const *decoders, size_t rows, const rdc_bytes *frames, rdc_float_type type, void *h, size_t tokens) {
    call c = {.decoders = decoders, .rows = rows, .tokens = tokens, .frames = malloc(rows * sizeof *c.frames + 1)};
    RDC_RETURN_IF(!c.frames, RDC_ERROR_MEMORY, 0, 0);
    rdc_status status = read_frames(&c, frames);
    if (status.error == RDC_OK) status = decode(&c, type, h);
    free(c.frames);
    return status;
}
