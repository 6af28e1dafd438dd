#include "link/link.h"

rdc_status rdc_row_make(rdc_row *row, const rdc_checkpoint *checkpoint) {
    *row = (rdc_row){.checkpoint = checkpoint, .before = RDC_CHAIN_START};
    RDC_FORWARD_IF_ERROR(rdc_cpu_choose(NULL, &row->cpu));
    return rdc_prediction_make(&row->prediction, &checkpoint->predictor);
}

rdc_status rdc_row_copy(rdc_row *copy, const rdc_row *row) {
    *copy = *row;
    copy->prediction = NULL;
    return rdc_prediction_copy(&copy->prediction, row->prediction);
}

void rdc_row_free(rdc_row *row) {
    rdc_prediction_free(row->prediction);
}

rdc_status rdc_row_begin(rdc_row_step *step, rdc_row *row, int is_restart) {
    if (is_restart) {
        rdc_prediction *fresh = NULL;
        RDC_FORWARD_IF_ERROR(rdc_prediction_make(&fresh, &row->checkpoint->predictor));
        *step = (rdc_row_step){row, fresh};
    } else {
        *step = (rdc_row_step){row, row->prediction};
    }
    rdc_prediction_begin(step->prediction); /* also where coding fails before it begins, the call before is not taken back */
    return rdc_ok();
}

void rdc_row_commit(rdc_row_step *step, const rdc_frame *frame) {
    rdc_row *row = step->row;
    if (row->prediction != step->prediction) rdc_prediction_free(row->prediction);
    row->prediction = step->prediction;
    row->before = frame->checksum;
    if (frame->restart) row->restarts = frame->restart;
    if (frame->has_quality) row->quality = frame->quality;
    row->has_quality = 1;
}

void rdc_row_undo(rdc_row_step *step) {
    if (!step->row) return;
    if (step->prediction == step->row->prediction) rdc_prediction_rollback(step->prediction);
    else rdc_prediction_free(step->prediction);
}
