/* Codecs that are loaded, and how they are made of the arrays of a checkpoint. */
#ifndef RDC_CHECKPOINT_CHECKPOINT_H
#define RDC_CHECKPOINT_CHECKPOINT_H

#include "checkpoint/fields.h"

typedef struct rdc_emphasis rdc_emphasis; /* emphasis.c */

struct rdc_checkpoint {
    rdc_checkpoint_facts facts;
    rdc_codec *codec;
    rdc_predictor predictor; /* its arrays lie in the pool */
    rdc_tables *tables;
    rdc_exact_matrix *synthesis, *analysis; /* the latter is NULL in learned codecs, which have ... */
    rdc_emphasis *emphasis;
    rdc_net *steps, *latents, *net; /* the latter of the predictor; NULL in calibrated codecs, and without hyper-latents */
    rdc_pool pool;
};

#define RDC_VALUE_RANGE_BITS 22 /* of the integers that go through the transforms */

/* What a codec is made of. */
typedef struct rdc_making {
    const rdc_config *config;
    const rdc_arrays *arrays;
    rdc_tensors *tensors;
    rdc_pool *pool; /* for what is only needed until the codec is made */
    rdc_message *message;
} rdc_making;

static inline int32_t rdc_making_field(const rdc_making *making, rdc_field field) {
    return making->config->of[field][0];
}

/* ---- checkpoint_make.c ---- */

/* Fills in a codec that holds nothing; it is to be freed also after an error. */
rdc_status rdc_checkpoint_make(const rdc_making *making, rdc_checkpoint *made);

/* ---- saved_tables.c ---- */

/* Tables of which the tensors' names begin with the prefix; the arrays of the others are known. */
rdc_status rdc_making_tables(const rdc_making *making, const char *prefix, rdc_known_tensor frequencies, rdc_axis entries, rdc_tables **tables);

/* ---- saved_nets.c ---- */

/* The network of the tensors whose names begin with the prefix. `uses_context` says whether a layer has more than one tap. */
rdc_status rdc_making_net(const rdc_making *making, const char *prefix, size_t inputs, size_t outputs, rdc_net **net, int *uses_context);

/* ---- codewords.c ---- */

/* Codewords of a learned codec, int16 [codewords, components], in the pool. */
rdc_status rdc_making_codewords(const rdc_making *making, const int16_t **codewords);

/* ---- emphasis.c ---- */

/* The encoder's transforms of a learned codec: of its analysis, with what the model's output minds most emphasised, the more so the
 * coarser the steps are. */
rdc_status rdc_emphasis_make(const rdc_making *making, rdc_emphasis **emphasis);
void rdc_emphasis_free(rdc_emphasis *emphasis);

/* The encoder's transform at a quality: one that the checkpoint keeps, or one of the caller's own. */
typedef struct rdc_analysis {
    const rdc_exact_matrix *matrix;
    rdc_exact_matrix *own; /* to be freed; NULL where it is kept */
} rdc_analysis;

/* Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_checkpoint_analysis(const rdc_checkpoint *checkpoint, int32_t quality, rdc_analysis *analysis);

#endif
