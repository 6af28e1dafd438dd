#include "references/ring.h"

#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "base/status.h"
#include "net/matrix_kernels.h"

void rdc_ring_init(rdc_ring *ring, const rdc_reference_rules *rules, size_t components) {
    const size_t columns = (components + RDC_MATRIX_COLUMNS - 1) / RDC_MATRIX_COLUMNS * RDC_MATRIX_COLUMNS;
    *ring = (rdc_ring){.rules = rules, .components = components, .columns = columns};
}

static rdc_chunk *make_chunk(const rdc_ring *ring) {
    const size_t codes = RDC_CHUNK * ring->columns, features = RDC_CHUNK * ring->components * sizeof(int16_t);
    const size_t head = rdc_aligned_size(sizeof(rdc_chunk));
    rdc_chunk *chunk = calloc(1, head + RDC_ALIGNMENT + codes + features);
    if (!chunk) return NULL;
    atomic_init(&chunk->owners, 1);
    chunk->codes = rdc_aligned((uint8_t *)chunk + head);
    chunk->features = (int16_t *)(void *)(chunk->codes + codes); /* codes are whole cache lines */
    return chunk;
}

static void let_go(rdc_chunk *chunk) {
    if (atomic_fetch_sub_explicit(&chunk->owners, 1, memory_order_acq_rel) == 1) free(chunk);
}

/* Of the first chunks only, so many. */
static void keep_chunks(rdc_ring *ring, size_t kept) {
    while (ring->held > kept) let_go(ring->chunks[--ring->held]);
}

void rdc_ring_clear(rdc_ring *ring) {
    keep_chunks(ring, 0);
    free(ring->chunks);
    *ring = (rdc_ring){.rules = ring->rules, .components = ring->components, .columns = ring->columns};
}

static int make_room(rdc_ring *ring, size_t chunks) {
    if (chunks <= ring->room) return 1;
    const size_t room = 2 * chunks;
    rdc_chunk **grown = realloc(ring->chunks, room * sizeof *grown);
    if (!grown) return 0;
    ring->chunks = grown;
    ring->room = room;
    return 1;
}

rdc_status rdc_ring_copy(rdc_ring *to, const rdc_ring *from) {
    RDC_RETURN_IF(from->held && !make_room(to, from->held), RDC_ERROR_MEMORY, 0, 0);
    for (size_t i = 0; i < from->held; i++) {
        atomic_fetch_add_explicit(&from->chunks[i]->owners, 1, memory_order_relaxed);
        to->chunks[i] = from->chunks[i];
    }
    to->held = from->held;
    to->count = from->count;
    to->mark = from->mark;
    return rdc_ok();
}

size_t rdc_ring_available(const rdc_ring *ring) {
    return ring->count < ring->rules->tokens ? ring->count : ring->rules->tokens;
}

void rdc_ring_begin(rdc_ring *ring) {
    size_t old = 0;
    while (ring->count - old * RDC_CHUNK >= ring->rules->tokens + RDC_CHUNK) old++;
    if (old) {
        for (size_t i = 0; i < old; i++) let_go(ring->chunks[i]);
        ring->held -= old;
        memmove(ring->chunks, ring->chunks + old, ring->held * sizeof *ring->chunks);
        ring->count -= old * RDC_CHUNK;
    }
    ring->mark = ring->count;
}

void rdc_ring_rollback(rdc_ring *ring) {
    ring->count = ring->mark;
    keep_chunks(ring, (ring->count + RDC_CHUNK - 1) / RDC_CHUNK);
}

/* The chunk that the next token goes to, of this ring alone; NULL where there is no memory. */
static rdc_chunk *chunk_to_write(rdc_ring *ring) {
    const size_t at = ring->count / RDC_CHUNK;
    if (at == ring->held) {
        rdc_chunk *made = make_room(ring, at + 1) ? make_chunk(ring) : NULL;
        if (made) ring->chunks[ring->held++] = made;
        return made;
    }
    rdc_chunk *const shared = ring->chunks[at];
    if (atomic_load_explicit(&shared->owners, memory_order_acquire) == 1) return shared;
    rdc_chunk *copy = make_chunk(ring);
    if (!copy) return NULL;
    const size_t rows = ring->count % RDC_CHUNK;
    memcpy(copy->features, shared->features, rows * ring->components * sizeof *copy->features);
    memcpy(copy->codes, shared->codes, RDC_CHUNK * ring->columns * sizeof *copy->codes); /* rows lie among each other */
    memcpy(copy->energy, shared->energy, rows * sizeof *copy->energy);
    ring->chunks[at] = copy;
    let_go(shared);
    return copy;
}

rdc_status rdc_ring_push(rdc_ring *ring, const int16_t *features) {
    rdc_chunk *chunk = chunk_to_write(ring);
    RDC_RETURN_IF(!chunk, RDC_ERROR_MEMORY, 0, 0);
    const size_t row = ring->count % RDC_CHUNK;
    int32_t energy = 0;
    for (size_t i = 0; i < ring->components; i++) {
        const int32_t code = rdc_reference_code(features[i], ring->rules->scale[i]);
        chunk->codes[rdc_matrix_place(ring->columns, row, i)] = (int8_t)code;
        energy += code * code;
    }
    chunk->energy[row] = energy;
    memcpy(chunk->features + row * ring->components, features, ring->components * sizeof *features);
    ring->count++;
    return rdc_ok();
}

const int16_t *rdc_ring_token(const rdc_ring *ring, size_t distance) {
    const size_t at = ring->count - distance;
    return ring->chunks[at / RDC_CHUNK]->features + at % RDC_CHUNK * ring->components;
}
