/* Levels under the scale grid, and under predicted means and scales. */
#ifndef RDC_PUBLIC_PREDICTIONS_H
#define RDC_PUBLIC_PREDICTIONS_H

#include "rdc/blocks.h"
#include "rdc/networks.h"

RDC_BEGIN

/* ---- Levels under the scale grid ---- */

/* Tables of levels stand in this order: shape, scale, quantiser (even, odd), from first_table on. */
typedef struct rdc_level_grid {
    const int32_t *component_scale; /* [components], grid steps */
    const uint8_t *component_shape; /* [components] */
    size_t components;
    uint32_t scales;                /* of the grid */
    uint32_t first_table;
} rdc_level_grid;

/* Counts how often each level from -reach to reach met each table of the grid: counts [rows, 2 * reach + 1], a row a table.
 * Errors: RDC_ERROR_GRID (at: component). */
rdc_status rdc_levels_count(const rdc_level_grid *grid, const int32_t *levels, const int32_t *token_scale, size_t tokens,
                            uint32_t reach, size_t rows, int64_t *counts);

/* ---- Levels under predicted means and scales ---- */

#define RDC_COMPONENT_BITS 16 /* fractional bits of a component where it is a fixed-point number */
#define RDC_LEAST_UNIT (-10)
#define RDC_MOST_UNIT 30
#define RDC_MOST_EXPONENT 128

#define RDC_MOST_REFERENCES 8
#define RDC_MOST_REFERRED 65536
#define RDC_MOST_REFERENCE_SCALE 4096
#define RDC_MOST_ADAPTATION 65535

/* Earlier tokens of which multiples are subtracted from a token, as they are decoded and beyond what else predicts them. */
typedef struct rdc_reference_rules {
    size_t tokens;        /* the last ones, that can be referred to: up to RDC_MOST_REFERRED, 0 for none */
    size_t most;          /* a token, up to RDC_MOST_REFERENCES; 0 if and only if there are no tokens */
    const int32_t *scale; /* [components], 0 to RDC_MOST_REFERENCE_SCALE: 64ths of a unit, times this / 4096, are compared */
} rdc_reference_rules;

/* Code lengths of levels, in 1/256 bit: by them a token's scale is chosen, and components' scales follow what was coded. */
typedef struct rdc_scale_costs {
    const uint16_t *costs;     /* [rows, cost_levels]: of a level of that magnitude (the last for all larger ones) in a table of the grid */
    size_t rows;
    size_t cost_levels;        /* at most 65536 */
    const int32_t *candidates; /* what may be added to a token's scale, rising: the local minimum that is met from 0 on is chosen */
    size_t candidate_count;
} rdc_scale_costs;

#define RDC_COST_LEVELS 256 /* that codecs have costs of */

/* How the components of a token are predicted. A network's inputs are, where it uses context, the components of the token before as
 * they are decoded, then side information ("side"). Its outputs are means, then what is added to the components' scales. Components
 * enter and means leave it in 64ths of 2^unit. */
typedef struct rdc_predictor {
    const rdc_net *net;  /* or NULL */
    rdc_level_grid grid;
    const int8_t *unit;  /* [components], RDC_LEAST_UNIT to RDC_MOST_UNIT */
    int uses_context;    /* only with a network */
    uint8_t inward[2];   /* by how many 32nds of a step the points of magnitude 1 and the larger ones move towards 0; below 16 */
    rdc_reference_rules references;
    rdc_scale_costs costs;
    uint32_t adaptation; /* components' scales follow the tokens before as if so many had been seen already; 0: they stay as they are */
} rdc_predictor;

/* Errors: RDC_ERROR_PREDICTOR_NET (at: what was expected), RDC_ERROR_PREDICTOR_UNIT and RDC_ERROR_GRID (at: component),
 * RDC_ERROR_REFERENCE_RULES, RDC_ERROR_REFERENCE_SCALE (at: component), RDC_ERROR_CANDIDATES, RDC_ERROR_ADAPTATION. */
rdc_status rdc_predictor_check(const rdc_predictor *predictor);
size_t rdc_predictor_side(const rdc_predictor *predictor); /* inputs */

/* Side information of tokens: what a frame has of them before their levels. */
typedef struct rdc_side_info {
    const int16_t *side;        /* [tokens, side inputs] */
    const int16_t *base;        /* [tokens, components], what is added to means, in their units */
    const int32_t *exponent;    /* [tokens], half a step is 2^(exponent / 8); magnitudes up to RDC_MOST_EXPONENT */
    const int32_t *token_scale; /* [tokens], grid steps */
    size_t tokens;
} rdc_side_info;

/* To which earlier tokens tokens refer, [tokens, most] each. */
typedef struct rdc_references {
    int32_t *distance; /* 1: the token before; 0: none */
    int32_t *weight;   /* in eighths, -8 to 8 */
} rdc_references;

/* Where the coding of a row of tokens has come to. The predictor must outlive it. After an error it is as it was before. */
typedef struct rdc_prediction rdc_prediction;

rdc_status rdc_prediction_make(rdc_prediction **prediction, const rdc_predictor *predictor);
rdc_status rdc_prediction_copy(rdc_prediction **copy, const rdc_prediction *prediction);
void rdc_prediction_free(rdc_prediction *prediction);
const rdc_predictor *rdc_prediction_predictor(const rdc_prediction *prediction); /* that it was made of */

/* What a prediction remembers as rdc_prediction_size numbers, and back to one that has coded nothing.
 * Errors: RDC_ERROR_PREDICTION_SIZE (at: the least that is expected), RDC_ERROR_NET_STATE (at: position of a number that no coding
 * leaves behind), RDC_ERROR_MEMORY; the prediction is then as it was. */
size_t rdc_prediction_size(const rdc_prediction *prediction);
void rdc_prediction_save(const rdc_prediction *prediction, int16_t *to);
rdc_status rdc_prediction_load(rdc_prediction *prediction, const int16_t *saved, size_t size);

/* Earlier tokens that the next one may refer to. */
size_t rdc_prediction_referable(const rdc_prediction *prediction);

/* Begin marks where the row has come to, and rollback takes what was coded since back. Encoding and decoding begin by themselves, so
 * that of several calls the last one is taken back. */
void rdc_prediction_begin(rdc_prediction *prediction);
void rdc_prediction_rollback(rdc_prediction *prediction);

/* Levels, the symbols of a block, of the next tokens' components y [tokens, components], their tables, what they refer to, and the
 * candidate that is added to each token's scale. What is too large for the quantiser becomes the largest that it takes.
 * Errors: RDC_ERROR_EXPONENT (at: token), RDC_ERROR_QUANTISE_RANGE (at: component that is no number), RDC_ERROR_MEMORY, after
 * which the arrays may hold some of the tokens. */
rdc_status rdc_prediction_encode(rdc_cpu_level cpu, rdc_prediction *prediction, const rdc_side_info *info, const double *y,
                                 int32_t *levels, uint16_t *index, rdc_references references, int32_t *choice);

/* Decodes the next tokens of a block to values [tokens, components]; their scales are final. Errors: RDC_ERROR_EXPONENT, those of
 * rdc_block_decode, RDC_ERROR_REFERENCE (at: the largest distance there is), RDC_ERROR_REFERENCE_WEIGHT (at: reference of a token),
 * RDC_ERROR_MEMORY. */
rdc_status rdc_prediction_decode(rdc_cpu_level cpu, rdc_prediction *prediction, const rdc_side_info *info, rdc_references references,
                                 rdc_block_decoder *decoder, double *values);

RDC_END

#endif
