/* What both ends of a link keep and do. Private to csrc/link. */
#ifndef RDC_LINK_LINK_H
#define RDC_LINK_LINK_H

#include "base/pool.h"
#include "base/status.h"
#include "checkpoint/checkpoint.h"

/* A row of tokens: the codec's state, and where the chain of frames has come to. */
typedef struct rdc_row {
    const rdc_checkpoint *checkpoint;
    rdc_cpu_level cpu;
    rdc_prediction *prediction;
    uint32_t before;   /* checksum of the last frame, which that of the next one begins with */
    uint32_t restarts; /* number of the last new start */
    int has_quality;   /* whether a frame has stated one */
    int32_t quality;   /* that it stated */
} rdc_row;

/* A row that begins. Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_row_make(rdc_row *row, const rdc_checkpoint *checkpoint);

/* A copy that goes on on its own. Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_row_copy(rdc_row *copy, const rdc_row *row);
void rdc_row_free(rdc_row *row);

/* A frame that is being coded: what the row becomes behind it. */
typedef struct rdc_row_step {
    rdc_row *row;
    rdc_prediction *prediction; /* that it is coded with: the row's own, or that of a new start */
} rdc_row_step;

/* Begins a frame. Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_row_begin(rdc_row_step *step, rdc_row *row, int is_restart);

/* Ends it, for good or as if it had never begun. What was not begun, and holds nothing but zeros, is left alone. */
void rdc_row_commit(rdc_row_step *step, const rdc_frame *frame);
void rdc_row_undo(rdc_row_step *step);

static inline int rdc_quality_is_legal(const rdc_checkpoint *checkpoint, int32_t quality) {
    return quality >= checkpoint->facts.min_quality && quality <= checkpoint->facts.max_quality;
}

#endif
