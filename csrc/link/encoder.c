/* Rows of tokens to frames. */
#include <stdlib.h>
#include <string.h>

#include "link/link.h"

struct rdc_encoder {
    rdc_row row;
    int32_t quality; /* of the next frame */
    int is_restarting;
    rdc_analysis analysis; /* of a quality; none at first */
    int32_t analysis_quality;
    uint8_t *frame; /* the last one */
    size_t room;    /* for it */
};

/* ---- Encoders ---- */

static rdc_status wrap(rdc_encoder **encoder, const rdc_encoder *made) {
    *encoder = malloc(sizeof **encoder);
    if (*encoder) **encoder = *made;
    RDC_RETURN_IF(!*encoder, RDC_ERROR_MEMORY, 0, 0);
    return rdc_ok();
}

rdc_status rdc_encoder_make(rdc_encoder **encoder, const rdc_checkpoint *checkpoint, int32_t quality) {
    rdc_encoder made = {.quality = quality};
    *encoder = NULL;
    RDC_RETURN_IF(!rdc_quality_is_legal(checkpoint, quality), RDC_ERROR_CODEC_QUALITY, 0, quality);
    RDC_FORWARD_IF_ERROR(rdc_row_make(&made.row, checkpoint));
    const rdc_status status = wrap(encoder, &made);
    if (status.error != RDC_OK) rdc_row_free(&made.row);
    return status;
}

rdc_status rdc_encoder_fork(rdc_encoder **twin, const rdc_encoder *encoder) {
    rdc_encoder made = *encoder;
    *twin = NULL;
    made.frame = NULL;
    made.room = 0;
    if (made.analysis.own) made.analysis = (rdc_analysis){0};
    RDC_FORWARD_IF_ERROR(rdc_row_copy(&made.row, &encoder->row));
    const rdc_status status = wrap(twin, &made);
    if (status.error != RDC_OK) rdc_row_free(&made.row);
    return status;
}

void rdc_encoder_free(rdc_encoder *encoder) {
    if (!encoder) return;
    rdc_row_free(&encoder->row);
    rdc_exact_matrix_free(encoder->analysis.own);
    free(encoder->frame);
    free(encoder);
}

rdc_status rdc_encoder_set_quality(rdc_encoder *encoder, int32_t quality) {
    RDC_RETURN_IF(!rdc_quality_is_legal(encoder->row.checkpoint, quality), RDC_ERROR_CODEC_QUALITY, 0, quality);
    encoder->quality = quality;
    return rdc_ok();
}

void rdc_encoder_restart(rdc_encoder *encoder) {
    encoder->is_restarting = 1;
}

/* ---- A call ---- */

/* Tokens of rows that are being coded. */
typedef struct call {
    rdc_encoder *const *encoders;
    size_t rows, tokens;
    const float *h;               /* [rows, tokens, channels] */
    rdc_pool pool;                /* of all that follows */
    rdc_row_step *steps;          /* [rows] */
    rdc_prediction **predictions; /* [rows], those of the steps */
    rdc_coded_block **payloads;   /* [rows] */
    rdc_frame *frames;            /* [rows] */
} call;

static rdc_status check_encoders(rdc_encoder *const *encoders, size_t rows, size_t tokens) {
    RDC_RETURN_IF(tokens > RDC_MAX_FRAME_TOKENS, RDC_ERROR_FRAME_TOKEN_LIMIT, 0, tokens);
    for (size_t row = 1; row < rows; row++) {
        RDC_RETURN_IF(encoders[row]->row.checkpoint != encoders[0]->row.checkpoint, RDC_ERROR_SEVERAL_CODECS, 0, row);
    }
    return rdc_ok();
}

static void *take_zeros(rdc_pool *pool, size_t size) {
    void *zeros = rdc_pool_take(pool, size);
    if (zeros) memset(zeros, 0, size);
    return zeros;
}

static rdc_status take_rows(call *c) {
    c->steps = take_zeros(&c->pool, c->rows * sizeof *c->steps);
    c->predictions = take_zeros(&c->pool, c->rows * sizeof *c->predictions);
    c->payloads = take_zeros(&c->pool, c->rows * sizeof *c->payloads);
    c->frames = take_zeros(&c->pool, c->rows * sizeof *c->frames);
    RDC_RETURN_IF(!c->steps || !c->predictions || !c->payloads || !c->frames, RDC_ERROR_MEMORY, 0, 0);
    return rdc_ok();
}

static rdc_status take_values(call *c, const void *h, rdc_float_type type) {
    const size_t n = c->rows ? c->rows * c->tokens * c->encoders[0]->row.checkpoint->facts.channels : 0;
    c->h = h;
    if (type != RDC_FLOAT32) {
        float *values = rdc_pool_take(&c->pool, n * sizeof *values);
        RDC_RETURN_IF(!values, RDC_ERROR_MEMORY, 0, 0);
        rdc_floats_from(h, type, n, values);
        c->h = values;
    }
    const size_t first = n ? rdc_first_not_finite(c->h, n) : 0;
    RDC_RETURN_IF(first < n, RDC_ERROR_NOT_FINITE, first, 0);
    return rdc_ok();
}

static rdc_status begin(call *c) {
    for (size_t row = 0; row < c->rows; row++) {
        RDC_FORWARD_IF_ERROR(rdc_row_begin(&c->steps[row], &c->encoders[row]->row, c->encoders[row]->is_restarting));
        c->predictions[row] = c->steps[row].prediction;
    }
    return rdc_ok();
}

/* The transform of the encoder's quality. */
static rdc_status find_analysis(rdc_encoder *encoder) {
    if (encoder->analysis.matrix && encoder->analysis_quality == encoder->quality) return rdc_ok();
    rdc_analysis found;
    RDC_FORWARD_IF_ERROR(rdc_checkpoint_analysis(encoder->row.checkpoint, encoder->quality, &found));
    rdc_exact_matrix_free(encoder->analysis.own);
    encoder->analysis = found;
    encoder->analysis_quality = encoder->quality;
    return rdc_ok();
}

/* Payloads of rows of one quality, from one on. */
static rdc_status encode_rows(call *c, size_t first, size_t rows) {
    rdc_encoder *encoder = c->encoders[first];
    RDC_FORWARD_IF_ERROR(find_analysis(encoder));
    const float *h = c->h + first * c->tokens * encoder->row.checkpoint->facts.channels;
    return rdc_codec_encode(encoder->row.cpu, encoder->row.checkpoint->codec, encoder->analysis.matrix, c->predictions + first, h, rows,
                            c->tokens, encoder->quality, c->payloads + first);
}

/* Neighbours of the same quality are coded side by side. */
static rdc_status encode_payloads(call *c) {
    for (size_t first = 0, next = 0; c->tokens && first < c->rows; first = next) {
        while (next < c->rows && c->encoders[next]->quality == c->encoders[first]->quality) next++;
        RDC_FORWARD_IF_ERROR(encode_rows(c, first, next - first));
    }
    return rdc_ok();
}

static rdc_status make_room(rdc_encoder *encoder, size_t size) {
    if (encoder->room >= size) return rdc_ok();
    uint8_t *larger = realloc(encoder->frame, size);
    RDC_RETURN_IF(!larger, RDC_ERROR_MEMORY, 0, 0);
    encoder->frame = larger;
    encoder->room = size;
    return rdc_ok();
}

static rdc_status write_frame(call *c, size_t row, rdc_bytes *written) {
    rdc_encoder *encoder = c->encoders[row];
    rdc_frame *frame = &c->frames[row];
    const size_t size = c->payloads[row] ? rdc_coded_block_size(c->payloads[row]) : 0;
    uint8_t *payload = rdc_pool_take(&c->pool, size);
    RDC_RETURN_IF(!payload, RDC_ERROR_MEMORY, 0, 0);
    if (size) rdc_coded_block_write(c->payloads[row], payload);
    RDC_FORWARD_IF_ERROR(make_room(encoder, rdc_frame_bound(size)));
    *frame = (rdc_frame){.tokens = c->tokens, .quality = encoder->quality, .payload = payload, .payload_size = size};
    frame->restart = encoder->is_restarting ? encoder->row.restarts + 1 : 0;
    frame->has_quality = encoder->is_restarting || !encoder->row.has_quality || encoder->row.quality != encoder->quality;
    written->bytes = encoder->frame;
    return rdc_frame_write(frame, encoder->row.before, encoder->frame, &written->size);
}

static rdc_status encode(call *c, const void *h, rdc_float_type type, rdc_bytes *frames) {
    RDC_FORWARD_IF_ERROR(take_rows(c));
    RDC_FORWARD_IF_ERROR(take_values(c, h, type));
    RDC_FORWARD_IF_ERROR(begin(c));
    RDC_FORWARD_IF_ERROR(encode_payloads(c));
    for (size_t row = 0; row < c->rows; row++) RDC_FORWARD_IF_ERROR(write_frame(c, row, &frames[row]));
    return rdc_ok();
}

static void go_on(const call *c) {
    for (size_t row = 0; row < c->rows; row++) {
        rdc_row_commit(&c->steps[row], &c->frames[row]);
        c->encoders[row]->is_restarting = 0;
    }
}

rdc_status rdc_encoders_encode(rdc_encoder *const *encoders, size_t rows, const void *h, rdc_float_type type, size_t tokens, rdc_bytes *frames) {
    call c = {.encoders = encoders, .rows = rows, .tokens = tokens};
    RDC_FORWARD_IF_ERROR(check_encoders(encoders, rows, tokens));
    const rdc_status status = encode(&c, h, type, frames);
    if (status.error == RDC_OK) go_on(&c);
    for (size_t row = 0; c.steps && c.payloads && row < rows; row++) {
        if (status.error != RDC_OK) rdc_row_undo(&c.steps[row]);
        rdc_coded_block_free(c.payloads[row]);
    }
    rdc_pool_free(&c.pool);
    return status;
}

rdc_status rdc_encoder_encode(rdc_encoder *encoder, const void *h, rdc_float_type type, size_t tokens, rdc_bytes *frame) {
    return rdc_encoders_encode(&encoder, 1, h, type, tokens, frame);
}
