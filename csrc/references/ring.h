/* Earlier tokens as the decoder has them, which later ones refer to. Private to the core.
 *
 * What is left of a token after its base is kept in chunks of tokens. Copies of a ring share its chunks, for most rows of tokens that
 * branch go on for long; a chunk that more than one ring holds is copied before it is written to. */
#ifndef RDC_REFERENCES_RING_H
#define RDC_REFERENCES_RING_H

#include <stdatomic.h>

#include "rdc.h"

#define RDC_CHUNK 64 /* tokens */

typedef struct rdc_chunk {
    atomic_size_t owners;
    int16_t *features; /* [RDC_CHUNK, components] */
    int8_t *codes;     /* RDC_CHUNK rows of `columns`, by which tokens are compared, as the matrix kernels have weights */
    int32_t energy[RDC_CHUNK]; /* of the codes: the sum of their squares */
} rdc_chunk;

typedef struct rdc_ring {
    const rdc_reference_rules *rules;
    size_t components, columns; /* columns: components, padded for the matrix kernels */
    rdc_chunk **chunks;
    size_t held, room; /* chunks, and pointers that there is memory for */
    size_t count;      /* tokens in the chunks */
    size_t mark;       /* and where the last call began */
} rdc_ring;

void rdc_ring_init(rdc_ring *ring, const rdc_reference_rules *rules, size_t components);
void rdc_ring_clear(rdc_ring *ring);

/* `to`, which holds nothing, gets what `from` holds. Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_ring_copy(rdc_ring *to, const rdc_ring *from);

/* Tokens that the next one may refer to. */
size_t rdc_ring_available(const rdc_ring *ring);

/* Marks where the ring has come to, and lets go of what no token will refer to; rollback goes back there. */
void rdc_ring_begin(rdc_ring *ring);
void rdc_ring_rollback(rdc_ring *ring);

/* Errors: RDC_ERROR_MEMORY. The ring is then as it was. */
rdc_status rdc_ring_push(rdc_ring *ring, const int16_t *features);

/* The token so many before the next one, 1 to rdc_ring_available. */
const int16_t *rdc_ring_token(const rdc_ring *ring, size_t distance);

/* A component as tokens are compared by it. */
static inline int32_t rdc_reference_code(int32_t feature, int32_t scale) {
    const int32_t code = (feature * scale + (1 << 11)) >> 12;
    return code < -INT8_MAX ? -INT8_MAX : code > INT8_MAX ? INT8_MAX : code;
}

#endif
