/* Codecs of parts at random as they are saved: the bytes of one file. */
#ifndef CHECKPOINT_INPUTS_H
#define CHECKPOINT_INPUTS_H

#include "check.h"

typedef struct saved_codec {
    uint8_t *bytes; /* a buffer of its size */
    size_t size;
} saved_codec;

/* A small codec, calibrated or learned, that can be loaded. */
saved_codec make_saved_codec(rng *r, int is_learned);

/* Writes the id that such a file should have into it, if it can be read so far. */
void mend_codec_id(uint8_t *bytes, size_t size);

#endif
