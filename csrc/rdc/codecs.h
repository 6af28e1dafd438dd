/* Codecs with a transform: tokens to the payloads of frames and back (docs/format.md). */
#ifndef RDC_PUBLIC_CODECS_H
#define RDC_PUBLIC_CODECS_H

#include "rdc/exact.h"
#include "rdc/predictions.h"

RDC_BEGIN

#define RDC_CODE_LIMIT 127 /* of the integers by which codewords are compared */
#define RDC_GAINS 256

/* Codewords, one of which is subtracted from the components of each token. The encoder takes the one of the least squared distance,
 * over a part of the components, less what it is worth that it is probable. */
typedef struct rdc_codebook {
    const int16_t *codewords;   /* [count, components], in 64ths of 2^unit */
    const int32_t *prior;       /* [count] */
    size_t count;
    const int32_t *compared;    /* [compared_count], components */
    const float *compared_scale; /* [compared_count], from them to the integers that are compared */
    size_t compared_count;
} rdc_codebook;

#define RDC_CODEWORD_EXPONENTS 16

/* A codebook as it is saved: a block of levels, each times 2 to the power of its codeword's exponent and its component's. */
typedef struct rdc_packed_codebook {
    const uint8_t *block;
    size_t block_size;
    const rdc_tables *tables;           /* by class of the component and exponent of the codeword: class * 16 + exponent */
    const uint8_t *exponents;           /* [count] */
    const uint8_t *component_exponents; /* [components] */
    const uint8_t *component_classes;   /* [components] */
    size_t count, components;           /* up to RDC_MAX_SYMBOLS in all */
} rdc_packed_codebook;

/* Codewords [count, components]. Errors: RDC_ERROR_CODEWORD_EXPONENT and RDC_ERROR_CODEWORD_BITS (at: codeword), those of
 * rdc_block_open, _decode and _finish, RDC_ERROR_MEMORY. */
rdc_status rdc_codebook_unpack(rdc_cpu_level cpu, const rdc_packed_codebook *packed, int16_t *codewords);

/* How finely a token is quantised follows from how much the model's output minds an error in it. That is said by a network of one
 * output, from components in 64ths of 2^unit; or, without a network, by a sum over integer features and over the binary logarithms of
 * their energies in bands. Thresholds divide the negative of it into steps. */
typedef struct rdc_step_rule {
    const rdc_net *net;             /* or NULL, and then: */
    const float *feature_scale;     /* [components] */
    const int32_t *feature_weights; /* [components] */
    const int32_t *band_edges;      /* [bands + 1], rising, within the components */
    const int32_t *band_weights;    /* [bands] */
    size_t bands;
    const int64_t *thresholds;      /* [count - 1], sorted */
    const int32_t *offsets;         /* [count]: of the exponents of spacings, in eighths */
    size_t count;
} rdc_step_rule;

typedef struct rdc_codec_parts {
    size_t channels;
    int gain_limit;                    /* values from 2^gain_limit on are divided by a power of two */
    const float *mean;                 /* [channels], taken from the state before its analysis */
    const rdc_exact_matrix *synthesis; /* [components, channels] */
    rdc_codebook codebook;
    rdc_step_rule step;
    const rdc_net *latents;            /* hyper-latents of what codewords leave over, or NULL */
    int32_t zero_scale;                /* what a token's scale is at an exponent of 0 */
    const rdc_predictor *predictor;
    const rdc_tables *tables;          /* gains, codewords, steps, scales (one a step), hyper-latents, references, levels */
} rdc_codec_parts;

/* Immutable once made. Arrays are copied; matrices, networks, predictor and tables must outlive it. */
typedef struct rdc_codec rdc_codec;

/* Errors: RDC_ERROR_CODEC_PART (at: which part does not fit the others, as numbered in csrc/codec/codec_make.c), those of rdc_net_make for the codebook,
 * RDC_ERROR_MEMORY. */
rdc_status rdc_codec_make(rdc_codec **codec, const rdc_codec_parts *parts);
void rdc_codec_free(rdc_codec *codec);
size_t rdc_codec_channels(const rdc_codec *codec);
size_t rdc_codec_components(const rdc_codec *codec);
size_t rdc_codec_latents(const rdc_codec *codec);

/* The codec's own copy of its codewords [count, components], and how many they are. */
const int16_t *rdc_codec_codewords(const rdc_codec *codec, size_t *count);

/* Gains' exponents [tokens] and what is left of h [tokens, channels] without gains and mean: x [tokens, channels]. */
void rdc_codec_tame(const rdc_codec *codec, const float *h, size_t tokens, int32_t *gains, double *x);

/* Codeword and step of each token with the components y [tokens, components]. Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_codec_choose(rdc_cpu_level cpu, const rdc_codec *codec, const double *y, size_t tokens, int32_t *codewords, int32_t *steps);

/* Kinds of side information that a token has, a symbol each: gain, codeword, step, hyper-latents, scale, distances and weights. */
size_t rdc_codec_kinds(const rdc_codec *codec);

/* All that a payload holds of the next tokens h [tokens, channels], finite: symbols and their tables, [kinds, tokens] and then
 * [tokens, components]. The analysis [channels, components] is the encoder's affair.
 * Errors: RDC_ERROR_EXPONENT, RDC_ERROR_CODEC_PART (an analysis or a prediction of another codec), RDC_ERROR_MEMORY; rdc_prediction_rollback takes back what
 * has been coded. */
rdc_status rdc_codec_symbols(rdc_cpu_level cpu, const rdc_codec *codec, const rdc_exact_matrix *analysis, rdc_prediction *prediction,
                             const float *h, size_t tokens, int32_t quality, int32_t *symbols, uint16_t *index);

/* Payloads of the next tokens of rows, as many of each: h [rows, tokens, channels]. Threads share the rows out; what a row's payload is
 * does not depend on the others. After an error there are no payloads. Errors: as rdc_codec_symbols and rdc_block_encode. */
rdc_status rdc_codec_encode(rdc_cpu_level cpu, const rdc_codec *codec, const rdc_exact_matrix *analysis, rdc_prediction *const *predictions,
                            const float *h, size_t rows, size_t tokens, int32_t quality, rdc_coded_block **payloads);

/* The same of tokens whose gains [rows, tokens] and components y [rows, tokens, components], finite, were found elsewhere: on a graphics
 * processor, for example. Errors: as well RDC_ERROR_GAIN_SYMBOL (at: token). */
rdc_status rdc_codec_encode_components(rdc_cpu_level cpu, const rdc_codec *codec, rdc_prediction *const *predictions, const int32_t *gains,
                                       const double *y, size_t rows, size_t tokens, int32_t quality, rdc_coded_block **payloads);

/* A payload, to be read. */
typedef struct rdc_payload {
    const uint8_t *bytes;
    size_t size;
} rdc_payload;

/* Tokens of the next payloads of rows, as many of each: h [rows, tokens, channels]. Errors: 100 to 299 of the first row that has one (at:
 * byte offset or token), RDC_ERROR_EXPONENT, RDC_ERROR_MEMORY; rdc_prediction_rollback takes back what has been decoded. */
rdc_status rdc_codec_decode(rdc_cpu_level cpu, const rdc_codec *codec, rdc_prediction *const *predictions, const rdc_payload *payloads,
                            size_t rows, size_t tokens, int32_t quality, float *h);

/* The same up to gains [rows, tokens] and components y [rows, tokens, components], of which tokens are made elsewhere. */
rdc_status rdc_codec_decode_components(rdc_cpu_level cpu, const rdc_codec *codec, rdc_prediction *const *predictions,
                                       const rdc_payload *payloads, size_t rows, size_t tokens, int32_t quality, int32_t *gains, double *y);

RDC_END

#endif
