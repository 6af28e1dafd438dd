/* Side information of tokens: its symbols, and which tables code them. */
#include <string.h>

#include "base/status.h"
#include "codec/codec.h"

#define WEIGHT_UNIT 8           /* a weight of 1; weights are -8 to 8 of these */
#define EXPONENT_FEATURE 8      /* a grid step of the spacing, as networks see it */
#define LATENT_FEATURE 16       /* a step of a hyper-latent likewise */

static void fill(uint16_t *index, size_t count, size_t table) {
    for (size_t t = 0; t < count; t++) index[t] = (uint16_t)table;
}

void rdc_side_first_tables(size_t tokens, uint16_t *index) {
    for (size_t kind = 0; kind < RDC_SIDE_FIRST; kind++) fill(index + kind * tokens, tokens, kind);
}

void rdc_side_latent_tables(const rdc_codec *codec, size_t tokens, uint16_t *index) {
    const size_t first = RDC_SIDE_FIRST + codec->parts.step.count;
    for (size_t k = 0; k < rdc_codec_latents(codec); k++) fill(index + k * tokens, tokens, first + k);
}

void rdc_side_scale_tables(const int32_t *steps, size_t tokens, uint16_t *index) {
    for (size_t t = 0; t < tokens; t++) index[t] = (uint16_t)(RDC_SIDE_FIRST + steps[t]);
}

/* ---- References ---- */

/* How probable a distance is depends on how many earlier tokens there are, by powers of two (a class of c bits is of 2^(c - 1) to
 * 2^c - 1), and on whether it is the first one. */
typedef struct reference_tables {
    size_t first, classes, weights, nothing; /* weights: the table of these; nothing: of what can only be 0 */
    size_t most_available;
} reference_tables;

static size_t bits_of(size_t number) {
    size_t bits = 0;
    for (; number; number >>= 1) bits++;
    return bits;
}

static reference_tables reference_tables_of(const rdc_codec *codec) {
    const rdc_reference_rules *rules = rdc_codec_references(codec);
    const size_t first = RDC_SIDE_FIRST + codec->parts.step.count + rdc_codec_latents(codec), classes = bits_of(rules->tokens);
    return (reference_tables){first, classes, first + 2 * classes, first + 2 * classes + 1, rules->tokens};
}

size_t rdc_side_first_level_table(const rdc_codec *codec) {
    const reference_tables tables = reference_tables_of(codec);
    return rdc_codec_references(codec)->most ? tables.nothing + 1 : tables.first;
}

static size_t available_to(const reference_tables *tables, size_t available, size_t t) {
    return available + t < tables->most_available ? available + t : tables->most_available;
}

/* `before` has the distances of the slot before, NULL for the first one: after one of none, nothing is left to say. */
static void distance_tables(const reference_tables *tables, const int32_t *before, size_t available, size_t tokens, uint16_t *index) {
    for (size_t t = 0; t < tokens; t++) {
        const size_t here = available_to(tables, available, t);
        const int is_open = before ? before[t] > 0 : here > 0;
        index[t] = (uint16_t)(is_open ? tables->first + (before ? tables->classes : 0) + bits_of(here) - 1 : tables->nothing);
    }
}

static void weight_tables(const reference_tables *tables, const int32_t *distances, size_t tokens, uint16_t *index) {
    for (size_t t = 0; t < tokens; t++) index[t] = (uint16_t)(distances[t] > 0 ? tables->weights : tables->nothing);
}

void rdc_side_reference_symbols(const rdc_codec *codec, rdc_references references, size_t available, size_t tokens, int32_t *symbols,
                                uint16_t *index) {
    const reference_tables tables = reference_tables_of(codec);
    const size_t most = rdc_codec_references(codec)->most;
    const int32_t *before = NULL;
    for (size_t slot = 0; slot < most; slot++) {
        int32_t *const distances = symbols + 2 * slot * tokens, *const weights = distances + tokens;
        for (size_t t = 0; t < tokens; t++) {
            distances[t] = references.distance[t * most + slot];
            weights[t] = distances[t] > 0 ? references.weight[t * most + slot] + WEIGHT_UNIT : 0;
        }
        distance_tables(&tables, before, available, tokens, index + 2 * slot * tokens);
        weight_tables(&tables, distances, tokens, index + (2 * slot + 1) * tokens);
        before = distances;
    }
}

static rdc_status decode_distances(const reference_tables *tables, rdc_block_decoder *decoder, const int32_t *before, size_t available,
                                   size_t tokens, uint16_t *index, int32_t *distances) {
    distance_tables(tables, before, available, tokens, index);
    RDC_FORWARD_IF_ERROR(rdc_block_decode(decoder, (rdc_index){index, 2}, tokens, distances));
    for (size_t t = 0; t < tokens; t++) {
        const int64_t most = (int64_t)available_to(tables, available, t);
        RDC_RETURN_IF(distances[t] < 0 || distances[t] > most, RDC_ERROR_REFERENCE_SYMBOL, t, distances[t]);
    }
    return rdc_ok();
}

static rdc_status decode_weights(const reference_tables *tables, rdc_block_decoder *decoder, const int32_t *distances, size_t tokens,
                                 uint16_t *index, int32_t *weights) {
    weight_tables(tables, distances, tokens, index);
    RDC_FORWARD_IF_ERROR(rdc_block_decode(decoder, (rdc_index){index, 2}, tokens, weights));
    for (size_t t = 0; t < tokens; t++) {
        const int32_t most = distances[t] > 0 ? 2 * WEIGHT_UNIT : 0;
        RDC_RETURN_IF(weights[t] < 0 || weights[t] > most, RDC_ERROR_WEIGHT_SYMBOL, t, weights[t]);
    }
    return rdc_ok();
}

rdc_status rdc_side_decode_references(const rdc_codec *codec, rdc_block_decoder *decoder, size_t available, size_t tokens,
                                      int32_t *symbols, uint16_t *index, rdc_references references) {
    const reference_tables tables = reference_tables_of(codec);
    const size_t most = rdc_codec_references(codec)->most;
    const int32_t *before = NULL;
    for (size_t slot = 0; slot < most; slot++) {
        int32_t *const distances = symbols + 2 * slot * tokens, *const weights = distances + tokens;
        RDC_FORWARD_IF_ERROR(decode_distances(&tables, decoder, before, available, tokens, index, distances));
        RDC_FORWARD_IF_ERROR(decode_weights(&tables, decoder, distances, tokens, index, weights));
        for (size_t t = 0; t < tokens; t++) {
            references.distance[t * most + slot] = distances[t];
            references.weight[t * most + slot] = distances[t] > 0 ? weights[t] - WEIGHT_UNIT : 0;
        }
        before = distances;
    }
    return rdc_ok();
}

/* ---- Side information, as predictions take it ---- */

static int16_t clipped(int64_t value) {
    return (int16_t)(value < -INT16_MAX ? -INT16_MAX : value > INT16_MAX ? INT16_MAX : value);
}

static void fill_network_inputs(const rdc_codec *codec, const int32_t *symbols, size_t tokens, rdc_side_arrays arrays) {
    const rdc_codebook *book = &codec->parts.codebook;
    const size_t components = rdc_codec_components(codec), latents = rdc_codec_latents(codec);
    const int32_t *const hyper = symbols + RDC_SIDE_FIRST * tokens;
    int16_t *side = arrays.side;
    for (size_t t = 0; t < tokens; t++) {
        for (size_t i = 0; i < book->compared_count; i++) *side++ = arrays.base[t * components + (size_t)book->compared[i]];
        *side++ = (int16_t)(EXPONENT_FEATURE * arrays.exponent[t]);
        for (size_t k = 0; k < latents; k++) *side++ = clipped(LATENT_FEATURE * (int64_t)hyper[k * tokens + t]);
    }
}

void rdc_side_fill(const rdc_codec *codec, const int32_t *symbols, size_t tokens, int32_t quality, rdc_side_arrays arrays) {
    const rdc_codec_parts *parts = &codec->parts;
    const size_t components = rdc_codec_components(codec);
    for (size_t t = 0; t < tokens; t++) {
        const size_t codeword = (size_t)symbols[RDC_SIDE_CODEWORD * tokens + t], step = (size_t)symbols[RDC_SIDE_STEP * tokens + t];
        memcpy(arrays.base + t * components, parts->codebook.codewords + codeword * components, components * sizeof *arrays.base);
        arrays.exponent[t] = parts->step.offsets[step] - quality;
        arrays.token_scale[t] = parts->zero_scale - arrays.exponent[t];
    }
    if (parts->predictor->net) fill_network_inputs(codec, symbols, tokens, arrays);
}
