/* A codec as it is used. Private to csrc/codec. */
#ifndef RDC_CODEC_CODEC_H
#define RDC_CODEC_CODEC_H

#include "base/rounding.h"
#include "rdc.h"

/* Tables, and symbols in a block, stand in this order; scales, one table a step, hyper-latents and references follow. */
enum { RDC_SIDE_GAIN, RDC_SIDE_CODEWORD, RDC_SIDE_STEP, RDC_SIDE_FIRST };

struct rdc_codec {
    rdc_codec_parts parts; /* with arrays of its own */
    rdc_net *search;       /* for codewords: one layer, an output a codeword */
    double *to_feature;    /* [components] 64 / 2^unit ... */
    double *from_feature;  /* [components] ... and back */
};

static inline const rdc_reference_rules *rdc_codec_references(const rdc_codec *codec) {
    return &codec->parts.predictor->references;
}

/* A component as codewords are compared by it. */
static inline int16_t rdc_codebook_code(double component, float scale) {
    return (int16_t)rdc_rounded_within(component * (double)scale, RDC_CODE_LIMIT);
}

/* Whether an analysis, where it is not NULL, and a prediction are such as this codec has. Errors: RDC_ERROR_CODEC_PART. */
rdc_status rdc_codec_check_coding(const rdc_codec *codec, const rdc_exact_matrix *analysis, const rdc_prediction *prediction);

/* ---- choices.c ---- */

/* Hyper-latents [tokens, latents] of what the codewords leave of y. `features` is room for [tokens, components].
 * Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_codec_choose_latents(rdc_cpu_level cpu, const rdc_codec *codec, const double *y, const int32_t *codewords, size_t tokens,
                                    int16_t *features, int16_t *latents);

/* Codewords and steps, likewise. */
rdc_status rdc_codec_choose_with(rdc_cpu_level cpu, const rdc_codec *codec, const double *y, size_t tokens, int16_t *features,
                                 int32_t *codewords, int32_t *steps);

/* int16 that `features` has room for, a token. */
size_t rdc_codec_features(const rdc_codec *codec);

/* ---- side.c: side information [kinds, tokens] as it stands in a block ---- */

/* Tables before those of levels. */
size_t rdc_side_first_level_table(const rdc_codec *codec);

/* Tables of gains, codewords and steps. */
void rdc_side_first_tables(size_t tokens, uint16_t *index);

/* Tables of hyper-latents; where scales are coded, [tokens], by the steps of tokens. */
void rdc_side_latent_tables(const rdc_codec *codec, size_t tokens, uint16_t *index);
void rdc_side_scale_tables(const int32_t *steps, size_t tokens, uint16_t *index);

/* Symbols and tables of what tokens refer to, [2 * most, tokens], where the first of them can refer to so many. */
void rdc_side_reference_symbols(const rdc_codec *codec, rdc_references references, size_t available, size_t tokens, int32_t *symbols,
                                uint16_t *index);

/* And back, as a block says them; the symbols and tables are room. Errors: those of rdc_block_decode, RDC_ERROR_REFERENCE_SYMBOL,
 * RDC_ERROR_WEIGHT_SYMBOL (at: token). */
rdc_status rdc_side_decode_references(const rdc_codec *codec, rdc_block_decoder *decoder, size_t available, size_t tokens,
                                      int32_t *symbols, uint16_t *index, rdc_references references);

/* Side information of tokens, as predictions take it. Arrays are written, hyper-latents [latents, tokens] may be NULL where there are none. */
typedef struct rdc_side_arrays {
    int16_t *side;
    int16_t *base;
    int32_t *exponent;
    int32_t *token_scale;
} rdc_side_arrays;

void rdc_side_fill(const rdc_codec *codec, const int32_t *symbols, size_t tokens, int32_t quality, rdc_side_arrays arrays);

/* ---- tame.c ---- */

/* Tokens h from what synthesis made of components, x [tokens, channels]. */
void rdc_codec_untame(const rdc_codec *codec, const double *x, const int32_t *gains, size_t tokens, float *h);

#endif
