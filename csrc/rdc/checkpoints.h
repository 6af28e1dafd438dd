/* Codecs as `Codec.save_pretrained` and `rdcodec export` write them (docs/c-library.md). */
#ifndef RDC_PUBLIC_CHECKPOINTS_H
#define RDC_PUBLIC_CHECKPOINTS_H

#include "rdc/errors.h"

RDC_BEGIN

/* What is wrong with a checkpoint, for people: the file, field or tensor, what was expected and what came; printable ASCII. */
typedef struct rdc_message {
    char text[256];
} rdc_message;

/* A codec that was loaded, with all that it points into. Threads may share it; the encoder's transforms that it makes when a quality
 * is first asked for are the only thing that is added to it, and those never change either. */
typedef struct rdc_checkpoint rdc_checkpoint;

/* Loads the file of `rdcodec export`, or the two files of a folder. A codec of a family without a transform is refused. `message` may be
 * NULL. Errors: RDC_ERROR_FILE (that cannot be read), RDC_ERROR_CHECKPOINT, RDC_ERROR_CHECKPOINT_LIMIT, RDC_ERROR_CHECKPOINT_VERSION,
 * RDC_ERROR_MEMORY. */
rdc_status rdc_checkpoint_load(rdc_checkpoint **checkpoint, const char *path, rdc_message *message);

/* The same of bytes, which may be given back afterwards: those of the one file, where config is NULL, or of both. */
rdc_status rdc_checkpoint_read(rdc_checkpoint **checkpoint, const uint8_t *config, size_t config_size, const uint8_t *tensors,
                               size_t tensors_size, rdc_message *message);
void rdc_checkpoint_free(rdc_checkpoint *checkpoint);

typedef struct rdc_checkpoint_facts {
    const char *family;
    uint8_t codec_id[8];
    size_t channels;
    int32_t layer; /* split point: the codec codes hidden_states[layer] */
    int32_t min_quality, max_quality, default_quality; /* higher is finer */
    char model_type[104], fingerprint[24]; /* of the model that it was fitted to; empty where that is not known */
} rdc_checkpoint_facts;

/* For as long as the checkpoint is there. */
const rdc_checkpoint_facts *rdc_checkpoint_describe(const rdc_checkpoint *checkpoint);

RDC_END

#endif
