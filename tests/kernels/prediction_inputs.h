/* Tokens to be coded under predictions, and their coding in one call. */
#ifndef PREDICTION_INPUTS_H
#define PREDICTION_INPUTS_H

#include "net_inputs.h"

/* Its arrays lie in buffers. */
typedef struct predicted {
    rdc_predictor predictor;
    rdc_side_info info;
    const double *y; /* [tokens, components] */
    network network;
    const rdc_tables *tables;
} predicted;

/* Of a grid over the first so many tables. Where the network is of no use to it, the predictor has none. */
rdc_predictor make_predictor_of(rng *r, size_t tables, uint32_t components, uint32_t side, network *made);

predicted make_predicted(rng *r);
void free_predicted(predicted *p);

/* What an encoder makes of tokens, in buffers; the block is of no use unless the status says so. */
typedef struct coded_levels {
    rdc_status status;
    int32_t *levels;
    uint16_t *index;
    int32_t *choice;
    rdc_references references;
    const uint8_t *block;
    size_t size;
} coded_levels;

rdc_prediction *make_prediction(const predicted *p);
coded_levels take_coded_levels(const predicted *p);
void code_block(const predicted *p, coded_levels *coded);
coded_levels encode_predicted(rdc_cpu_level level, const predicted *p);

/* A part of the side information, and what the decoder has of it: scales with the candidates added. */
rdc_side_info part_of(const predicted *p, size_t first, size_t tokens);
rdc_references references_from(const predicted *p, const coded_levels *coded, size_t first);
const int32_t *final_scales(const predicted *p, const coded_levels *coded);

/* Components [tokens, components], in a buffer. */
const double *decode_predicted(rdc_cpu_level level, const predicted *p, const coded_levels *coded);

#endif
