/* Coding under predictions: every level beside the scalar one, and tokens cut into calls beside all at once. */
#include "groups.h"
#include "prediction_inputs.h"

/* Goes on in a copy, or in a new one that loads what was saved. */
static rdc_prediction *moved(rng *r, const predicted *p, rdc_prediction *prediction) {
    rdc_prediction *other = NULL;
    if (rng_one_in(r, 2)) {
        check_that(rdc_prediction_copy(&other, prediction).error == RDC_OK, "there is memory");
    } else {
        const size_t mark = buffers_mark();
        const size_t size = rdc_prediction_size(prediction);
        int16_t *saved = buffer_take(size * sizeof *saved);
        other = make_prediction(p);
        rdc_prediction_save(prediction, saved);
        check_that(rdc_prediction_load(other, saved, size).error == RDC_OK, "what was saved is loaded");
        buffers_release(mark);
    }
    rdc_prediction_free(prediction);
    return other;
}

static size_t next_part(rng *r, size_t left) {
    const size_t part = rng_below(r, 5);
    return part < left ? part : left;
}

static coded_levels encode_in_parts(rdc_cpu_level level, const predicted *p, rng r) {
    const size_t components = p->predictor.grid.components;
    coded_levels coded = take_coded_levels(p);
    rdc_prediction *prediction = make_prediction(p);
    for (size_t t = 0, part; t < p->info.tokens && coded.status.error == RDC_OK; t += part) {
        part = next_part(&r, p->info.tokens - t);
        const rdc_side_info info = part_of(p, t, part);
        const size_t at = t * components;
        coded.status = rdc_prediction_encode(level, prediction, &info, p->y + at, coded.levels + at, coded.index + at,
                                             references_from(p, &coded, t), coded.choice + t);
        if (rng_one_in(&r, 4) && coded.status.error == RDC_OK) {
            rdc_prediction_rollback(prediction);
            part = 0;
        }
        if (rng_one_in(&r, 4)) prediction = moved(&r, p, prediction);
    }
    rdc_prediction_free(prediction);
    return coded;
}

static const double *decode_in_parts(rdc_cpu_level level, const predicted *p, const coded_levels *coded, rng r) {
    const size_t components = p->predictor.grid.components, n = p->info.tokens * components;
    const int32_t *scales = final_scales(p, coded);
    double *values = buffer_take(n * sizeof *values);
    rdc_block_decoder decoder;
    rdc_status status = rdc_block_open(&decoder, rdc_rans_kernels_of(level), p->tables, coded->block, coded->size, n);
    rdc_prediction *prediction = make_prediction(p);
    for (size_t t = 0, part; t < p->info.tokens && status.error == RDC_OK; t += part) {
        part = next_part(&r, p->info.tokens - t);
        rdc_side_info info = part_of(p, t, part);
        info.token_scale = scales + t;
        status = rdc_prediction_decode(level, prediction, &info, references_from(p, coded, t), &decoder, values + t * components);
        if (rng_one_in(&r, 4)) prediction = moved(&r, p, prediction);
    }
    rdc_prediction_free(prediction);
    check_that(status.error == RDC_OK && rdc_block_finish(&decoder).error == RDC_OK, "levels can be decoded in parts");
    return values;
}

static void check_level_on_predicted(rdc_cpu_level level, const predicted *p, rng r, const coded_levels *expected) {
    const size_t mark = buffers_mark(), tokens = p->info.tokens, n = tokens * p->predictor.grid.components;
    check_level(level);
    const coded_levels got = encode_in_parts(level, p, r);
    check_that(expected->status.error == got.status.error, "parts are refused for the same reason");
    if (expected->status.error == RDC_OK) {
        check_same(expected->levels, got.levels, n * sizeof *got.levels, "levels");
        check_same(expected->index, got.index, n * sizeof *got.index, "tables of levels");
        check_same(expected->choice, got.choice, tokens * sizeof *got.choice, "scales");
        const size_t references = tokens * p->predictor.references.most * sizeof(int32_t);
        check_same(expected->references.distance, got.references.distance, references, "distances");
        check_same(expected->references.weight, got.references.weight, references, "weights");
        const double *values = decode_predicted(RDC_CPU_SCALAR, p, expected);
        check_same(values, decode_in_parts(level, p, expected, r), n * sizeof *values, "components");
    }
    buffers_release(mark);
}

void check_predictions(rng *r) {
    const check_levels levels = check_levels_here();
    const size_t mark = buffers_mark();
    predicted p = make_predicted(r);
    const coded_levels expected = encode_predicted(RDC_CPU_SCALAR, &p);
    for (size_t k = 0; k < levels.count; k++) check_level_on_predicted(levels.of[k], &p, *r, &expected);
    free_predicted(&p);
    buffers_release(mark);
}
