/* Frequency tables in a checkpoint; all of one have the same precision. */
#include <stdio.h>

#include "checkpoint/checkpoint.h"

#define NAME_BYTES 32

static const struct {
    const char *name;
    rdc_element_type type;
    size_t axes;
} wide_arrays[] = {{"raw_bits", RDC_U8, 1}, {"run_counts", RDC_U32, 1}, {"runs", RDC_U32, 2}};

enum { RAW_BITS, RUN_COUNTS, RUNS, WIDE_ARRAYS };

/* Of the arrays of wide tables, how many are there; those are held against their types. */
static rdc_status find_wide(const rdc_making *making, const char *prefix, rdc_tensor **wide, size_t *found) {
    *found = 0;
    for (size_t k = 0; k < WIDE_ARRAYS; k++) {
        char name[NAME_BYTES];
        snprintf(name, sizeof name, "%s%s", prefix, wide_arrays[k].name);
        wide[k] = rdc_tensors_find(making->tensors, name);
        if (!wide[k]) continue;
        ++*found;
        wide[k]->is_used = 1;
        if (wide[k]->type == wide_arrays[k].type && wide[k]->axes == wide_arrays[k].axes) continue;
        return rdc_refuse(making->message, RDC_ERROR_CHECKPOINT, "%s: expected %s of %zu axes", name,
                          rdc_element_format_of(wide_arrays[k].type)->name, wide_arrays[k].axes);
    }
    return rdc_ok();
}

static rdc_status read_wide(const rdc_making *making, rdc_tensor *const *wide, size_t tables, size_t entries, rdc_wide_arrays *arrays) {
    if (wide[RUNS]->shape[1] != 2) return rdc_refuse(making->message, RDC_ERROR_CHECKPOINT, "runs: expected a start and a length each");
    RDC_FORWARD_IF_ERROR(rdc_check_count("raw_bits", entries, (size_t)wide[RAW_BITS]->count, making->message));
    RDC_FORWARD_IF_ERROR(rdc_check_count("run_counts", tables, (size_t)wide[RUN_COUNTS]->count, making->message));
    *arrays = (rdc_wide_arrays){rdc_tensor_elements(making->pool, wide[RAW_BITS]), rdc_tensor_elements(making->pool, wide[RUN_COUNTS]),
                                rdc_tensor_elements(making->pool, wide[RUNS]), (size_t)wide[RUNS]->shape[0]};
    return arrays->raw_bits && arrays->run_counts && arrays->runs ? rdc_ok() : rdc_refuse_memory(making->message);
}

rdc_status rdc_making_tables(const rdc_making *making, const char *prefix, rdc_known_tensor frequencies, rdc_axis entries, rdc_tables **tables) {
    const rdc_arrays *a = making->arrays;
    const int is_main = frequencies == RDC_TENSOR_FREQUENCIES;
    const size_t count = a->sizes[is_main ? RDC_AXIS_TABLES : RDC_AXIS_CODEBOOK_TABLES], total = a->sizes[entries];
    rdc_tensor *wide[WIDE_ARRAYS];
    rdc_wide_arrays arrays;
    size_t found;
    RDC_FORWARD_IF_ERROR(find_wide(making, prefix, wide, &found));
    if (found && found < WIDE_ARRAYS) {
        return rdc_refuse(making->message, RDC_ERROR_CHECKPOINT, "%sraw_bits, run_counts and runs: expected all of them or none", prefix);
    }
    if (found) RDC_FORWARD_IF_ERROR(read_wide(making, wide, count, total, &arrays));
    const uint8_t precision = *(const uint8_t *)a->of[RDC_TENSOR_PRECISION];
    const rdc_status status = rdc_tables_create(tables, precision, count, a->of[is_main ? RDC_TENSOR_COUNTS : RDC_TENSOR_WORD_COUNTS],
                                                a->of[is_main ? RDC_TENSOR_OFFSETS : RDC_TENSOR_WORD_OFFSETS], a->of[frequencies], total,
                                                found ? &arrays : NULL);
    return rdc_refuse_if_error(making->message, is_main ? "frequencies" : "word_frequencies", status);
}
