/* The two ends of a link: rows of tokens to frames and back (docs/format.md, docs/c-library.md).
 *
 * An end is for one thread at a time and points into its checkpoint, which must outlive it. Every call happens whole or leaves the ends as
 * they were. */
#ifndef RDC_PUBLIC_LINKS_H
#define RDC_PUBLIC_LINKS_H

#include "rdc/checkpoints.h"

RDC_BEGIN

/* Bytes to be read. */
typedef struct rdc_bytes {
    const uint8_t *bytes;
    size_t size;
} rdc_bytes;

/* ---- Encoders ---- */

typedef struct rdc_encoder rdc_encoder;

/* An encoder of a row that begins. Errors: RDC_ERROR_CODEC_QUALITY, RDC_ERROR_MEMORY. */
rdc_status rdc_encoder_make(rdc_encoder **encoder, const rdc_checkpoint *checkpoint, int32_t quality);

/* Another one that goes on from here on its own. Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_encoder_fork(rdc_encoder **twin, const rdc_encoder *encoder);
void rdc_encoder_free(rdc_encoder *encoder);

/* The quality from the next frame on. Errors: RDC_ERROR_CODEC_QUALITY. */
rdc_status rdc_encoder_set_quality(rdc_encoder *encoder, int32_t quality);

/* Makes the next frame a new start, which depends on none before it: for links that lose frames. */
void rdc_encoder_restart(rdc_encoder *encoder);

/* The next frame, of tokens h [tokens, channels], finite, 0 to RDC_MAX_FRAME_TOKENS of them; it is the encoder's until the next call.
 * Errors: RDC_ERROR_NOT_FINITE (at: position), RDC_ERROR_FRAME_TOKEN_LIMIT, RDC_ERROR_PAYLOAD_LIMIT, RDC_ERROR_EXPONENT,
 * RDC_ERROR_MEMORY. */
rdc_status rdc_encoder_encode(rdc_encoder *encoder, const void *h, rdc_float_type type, size_t tokens, rdc_bytes *frame);

/* The next frames of several rows of one checkpoint, none of them twice, as many tokens of each: h [rows, tokens, channels]. Threads share
 * the rows out; frames are those of rdc_encoder_encode. Errors: as there, RDC_ERROR_SEVERAL_CODECS. */
rdc_status rdc_encoders_encode(rdc_encoder *const *encoders, size_t rows, const void *h, rdc_float_type type, size_t tokens, rdc_bytes *frames);

/* ---- Decoders ---- */

typedef struct rdc_decoder rdc_decoder;

rdc_status rdc_decoder_make(rdc_decoder **decoder, const rdc_checkpoint *checkpoint);
rdc_status rdc_decoder_fork(rdc_decoder **twin, const rdc_decoder *decoder);
void rdc_decoder_free(rdc_decoder *decoder);

/* Finds where the next frame, which begins at bytes[0..size), ends, and how many tokens it holds; nothing is decoded. Errors:
 * RDC_ERROR_TRUNCATED where the bytes end before the frame does, else as rdc_frame_read, RDC_ERROR_RESTART_AGAIN. */
rdc_status rdc_decoder_peek(const rdc_decoder *decoder, const uint8_t *bytes, size_t size, size_t *frame_size, size_t *tokens);

/* The tokens of the next frame, h [tokens, channels], where there is room for `room` tokens. What a type cannot hold becomes the largest
 * that it can. Errors: 100 to 399, RDC_ERROR_ROOM, RDC_ERROR_EXPONENT, RDC_ERROR_MEMORY; the right frame decodes afterwards, and so does a
 * new start. */
rdc_status rdc_decoder_decode(rdc_decoder *decoder, rdc_bytes frame, rdc_float_type type, void *h, size_t room, size_t *tokens);

/* The tokens of the next frames of several rows of one checkpoint, none of them twice, as many of each: h [rows, tokens, channels]. Errors:
 * as there, of the first row that has one; RDC_ERROR_ROOM (frames of other numbers of tokens), RDC_ERROR_SEVERAL_CODECS. */
rdc_status rdc_decoders_decode(rdc_decoder *const *decoders, size_t rows, const rdc_bytes *frames, rdc_float_type type, void *h, size_t tokens);

RDC_END

#endif
