/* Codecs with a transform, of parts at random, and tokens for them. */
#ifndef CODEC_INPUTS_H
#define CODEC_INPUTS_H

#include "prediction_inputs.h"

/* Arrays lie in buffers; free_codec_case frees the rest. */
typedef struct codec_case {
    rdc_codec *codec;
    rdc_codec_parts parts;
    rdc_exact_matrix *analysis, *synthesis;
    network predictor, steps, latents;
    const float *h; /* [tokens, channels] */
    size_t tokens;
    int32_t quality;
} codec_case;

codec_case make_codec_case(rng *r);
void free_codec_case(codec_case *c);

/* A payload in a buffer, of a row of tokens that begins. */
const uint8_t *encode_codec_case(rdc_cpu_level level, const codec_case *c, size_t *size);

/* Tokens [tokens, channels] of a payload, in a buffer that the caller has. */
rdc_status decode_codec_case(rdc_cpu_level level, const codec_case *c, const uint8_t *payload, size_t size, float *h);

#endif
