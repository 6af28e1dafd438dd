/* The tensors that a codec with a transform has, and what they may hold. */
#include <float.h>
#include <stdio.h>
#include <string.h>

#include "checkpoint/fields.h"

#define MOST_SPEC_AXES 3
#define LARGEST ((double)FLT_MAX)

typedef enum order { ANY, SORTED, RISING } order; /* none below the one before, none equal to it either */
typedef enum families { ALL, CALIBRATED, WHOLE, BLOCKS, LEARNED } families; /* the second: both of the next two */

static const struct {
    const char *name;
    size_t least, most;
} axes_of[RDC_AXES] = {
    [RDC_AXIS_CHANNELS] = {"channels", 1, 65536},
    [RDC_AXIS_STAGES] = {"stages", 1, RDC_EXACT_MOST_STAGES},
    [RDC_AXIS_WIDTH] = {"width", 1, RDC_EXACT_MOST_CHANNELS},
    [RDC_AXIS_BITS] = {"bits", 2, 2},
    [RDC_AXIS_CODEWORDS] = {"codewords", 1, 65536},
    [RDC_AXIS_SELECTED] = {"selected", 1, 256},
    [RDC_AXIS_STEPS] = {"steps", 1, 256},
    [RDC_AXIS_THRESHOLDS] = {"thresholds", 0, 255},
    [RDC_AXIS_CANDIDATES] = {"candidates", 1, 256},
    [RDC_AXIS_EDGES] = {"edges", 1, 65537},
    [RDC_AXIS_BANDS] = {"bands", 0, 65536},
    [RDC_AXIS_EMPHASIS] = {"emphasis", 0, 256},
    [RDC_AXIS_TABLES] = {"tables", 1, 65535},
    [RDC_AXIS_FREQUENCIES] = {"frequencies", 1, 1u << 31},
    [RDC_AXIS_CODEBOOK_TABLES] = {"codebook_tables", 1, 65535},
    [RDC_AXIS_CODEBOOK_FREQUENCIES] = {"codebook_frequencies", 1, 1u << 31},
    [RDC_AXIS_CODEBOOK_BYTES] = {"codebook_bytes", 1, 1u << 31},
};

#define C RDC_AXIS_CHANNELS

typedef struct spec {
    const char *name;
    rdc_element_type type;
    families families;
    size_t axes;
    rdc_axis axis[MOST_SPEC_AXES];
    int has_range;
    double least, most; /* of elements */
    order order;
} spec;

static const spec specs[RDC_KNOWN_TENSORS] = {
    [RDC_TENSOR_MEAN] = {"mean", RDC_F32, ALL, 1, {C}, 1, -LARGEST, LARGEST, ANY},
    [RDC_TENSOR_WORD_PRIOR] = {"word_prior", RDC_I32, ALL, 1, {RDC_AXIS_CODEWORDS}, 1, -(1 << 30), 1 << 30, ANY},
    [RDC_TENSOR_WORD_COMPONENTS] = {"word_components", RDC_I32, ALL, 1, {RDC_AXIS_SELECTED}, 0, 0, 0, ANY},
    [RDC_TENSOR_WORD_CODE_SCALE] = {"word_code_scale", RDC_F32, ALL, 1, {RDC_AXIS_SELECTED}, 1, 0, LARGEST, ANY},
    [RDC_TENSOR_STEP_OFFSETS] = {"step_offsets", RDC_I32, ALL, 1, {RDC_AXIS_STEPS}, 1, -64, 64, ANY},
    [RDC_TENSOR_SCALE_OFFSETS] = {"scale_offsets", RDC_I32, ALL, 1, {RDC_AXIS_CANDIDATES}, 1, -65536, 65536, RISING},
    [RDC_TENSOR_COMPONENT_SCALE] = {"component_scale", RDC_I32, ALL, 1, {C}, 1, -65536, 65536, ANY},
    [RDC_TENSOR_COMPONENT_SHAPE] = {"component_shape", RDC_U8, ALL, 1, {C}, 0, 0, 0, ANY},
    [RDC_TENSOR_UNIT] = {"unit", RDC_I8, ALL, 1, {C}, 1, RDC_LEAST_UNIT, RDC_MOST_UNIT, ANY},
    [RDC_TENSOR_REFERENCE_SCALE] = {"reference_scale", RDC_I32, ALL, 1, {C}, 1, 0, RDC_MOST_REFERENCE_SCALE, ANY},
    [RDC_TENSOR_FREQUENCIES] = {"frequencies", RDC_U16, ALL, 1, {RDC_AXIS_FREQUENCIES}, 0, 0, 0, ANY},
    [RDC_TENSOR_COUNTS] = {"counts", RDC_U32, ALL, 1, {RDC_AXIS_TABLES}, 0, 0, 0, ANY},
    [RDC_TENSOR_OFFSETS] = {"offsets", RDC_I32, ALL, 1, {RDC_AXIS_TABLES}, 0, 0, 0, ANY},
    [RDC_TENSOR_PRECISION] = {"precision", RDC_U8, ALL, 0, {C}, 1, RDC_MIN_PRECISION, RDC_MAX_PRECISION, ANY},
    [RDC_TENSOR_ANALYSIS] = {"analysis", RDC_I32, WHOLE, 2, {C, C}, 0, 0, 0, ANY},
    [RDC_TENSOR_SYNTHESIS] = {"synthesis", RDC_I32, WHOLE, 2, {C, C}, 0, 0, 0, ANY},
    [RDC_TENSOR_ANALYSIS_BLOCKS] = {"analysis_blocks", RDC_I16, BLOCKS, 3, {RDC_AXIS_STAGES, C, RDC_AXIS_WIDTH}, 0, 0, 0, ANY},
    [RDC_TENSOR_SYNTHESIS_BLOCKS] = {"synthesis_blocks", RDC_I16, BLOCKS, 3, {RDC_AXIS_STAGES, C, RDC_AXIS_WIDTH}, 0, 0, 0, ANY},
    [RDC_TENSOR_ANALYSIS_FORMATS] = {"analysis_formats", RDC_I32, BLOCKS, 2, {RDC_AXIS_STAGES, RDC_AXIS_BITS}, 1, -200, 200, ANY},
    [RDC_TENSOR_SYNTHESIS_FORMATS] = {"synthesis_formats", RDC_I32, BLOCKS, 2, {RDC_AXIS_STAGES, RDC_AXIS_BITS}, 1, -200, 200, ANY},
    [RDC_TENSOR_WORDS] = {"words", RDC_I16, CALIBRATED, 2, {RDC_AXIS_CODEWORDS, C}, 0, 0, 0, ANY},
    [RDC_TENSOR_FEATURE_SCALE] = {"feature_scale", RDC_F32, CALIBRATED, 1, {C}, 1, 0, LARGEST, ANY},
    [RDC_TENSOR_FEATURE_WEIGHTS] = {"feature_weights", RDC_I32, CALIBRATED, 1, {C}, 0, 0, 0, ANY},
    [RDC_TENSOR_BAND_EDGES] = {"band_edges", RDC_I32, CALIBRATED, 1, {RDC_AXIS_EDGES}, 0, 0, 0, RISING},
    [RDC_TENSOR_BAND_WEIGHTS] = {"band_weights", RDC_I32, CALIBRATED, 1, {RDC_AXIS_BANDS}, 0, 0, 0, ANY},
    [RDC_TENSOR_STEP_THRESHOLDS] = {"step_thresholds", RDC_I64, CALIBRATED, 1, {RDC_AXIS_THRESHOLDS}, 0, 0, 0, SORTED},
    [RDC_TENSOR_LEARNED_ANALYSIS] = {"analysis", RDC_I16, LEARNED, 2, {C, C}, 0, 0, 0, ANY},
    [RDC_TENSOR_LEARNED_SYNTHESIS] = {"synthesis", RDC_I16, LEARNED, 2, {C, C}, 0, 0, 0, ANY},
    [RDC_TENSOR_PACKED_WORDS] = {"words", RDC_U8, LEARNED, 1, {RDC_AXIS_CODEBOOK_BYTES}, 0, 0, 0, ANY},
    [RDC_TENSOR_WORD_EXPONENTS] = {"word_exponents", RDC_U8, LEARNED, 1, {RDC_AXIS_CODEWORDS}, 1, 0, 15, ANY},
    [RDC_TENSOR_COMPONENT_EXPONENTS] = {"component_exponents", RDC_U8, LEARNED, 1, {C}, 1, 0, 15, ANY},
    [RDC_TENSOR_COMPONENT_CLASSES] = {"component_classes", RDC_U8, LEARNED, 1, {C}, 0, 0, 0, ANY},
    [RDC_TENSOR_WORD_FREQUENCIES] = {"word_frequencies", RDC_U16, LEARNED, 1, {RDC_AXIS_CODEBOOK_FREQUENCIES}, 0, 0, 0, ANY},
    [RDC_TENSOR_WORD_COUNTS] = {"word_counts", RDC_U32, LEARNED, 1, {RDC_AXIS_CODEBOOK_TABLES}, 0, 0, 0, ANY},
    [RDC_TENSOR_WORD_OFFSETS] = {"word_offsets", RDC_I32, LEARNED, 1, {RDC_AXIS_CODEBOOK_TABLES}, 0, 0, 0, ANY},
    [RDC_TENSOR_LEARNED_STEP_THRESHOLDS] = {"step_thresholds", RDC_I32, LEARNED, 1, {RDC_AXIS_THRESHOLDS}, 0, 0, 0, SORTED},
    [RDC_TENSOR_EMPHASIS_IN] = {"emphasis_in", RDC_I8, LEARNED, 2, {C, RDC_AXIS_EMPHASIS}, 0, 0, 0, ANY},
    [RDC_TENSOR_EMPHASIS_OUT] = {"emphasis_out", RDC_I8, LEARNED, 2, {RDC_AXIS_EMPHASIS, C}, 0, 0, 0, ANY},
};

/* ---- Checks ---- */

/* An element of one of the types that have ranges. */
static double element_at(const void *elements, rdc_element_type type, size_t i) {
    switch (type) {
    case RDC_U8: return ((const uint8_t *)elements)[i];
    case RDC_I8: return ((const int8_t *)elements)[i];
    case RDC_I32: return ((const int32_t *)elements)[i];
    default: return (double)((const float *)elements)[i];
    }
}

static rdc_status check_elements(const spec *s, const void *elements, size_t count, rdc_message *message) {
    for (size_t i = 0; s->has_range && i < count; i++) {
        const double element = element_at(elements, s->type, i);
        if (element >= s->least && element <= s->most) continue; /* which what is no number is not */
        return rdc_refuse(message, RDC_ERROR_CHECKPOINT, "%s: expected values %.9g to %.9g, got %.9g at position %zu", s->name, s->least,
                          s->most, element, i);
    }
    return rdc_ok();
}

/* An integer of one of the types that are ordered. */
static int64_t integer_at(const void *elements, rdc_element_type type, size_t i) {
    return type == RDC_I64 ? ((const int64_t *)elements)[i] : ((const int32_t *)elements)[i];
}

static rdc_status check_order(const spec *s, const void *elements, size_t count, rdc_message *message) {
    for (size_t i = 1; s->order != ANY && i < count; i++) {
        const int64_t before = integer_at(elements, s->type, i - 1), at = integer_at(elements, s->type, i);
        if (s->order == RISING ? at > before : at >= before) continue;
        return rdc_refuse(message, RDC_ERROR_CHECKPOINT, "%s: expected %s values, got %lld after %lld at position %zu", s->name,
                          s->order == RISING ? "rising" : "sorted", (long long)at, (long long)before, i);
    }
    return rdc_ok();
}

#define UNKNOWN SIZE_MAX /* size of an axis that no tensor has had yet */

static rdc_status check_axes(const spec *s, const rdc_tensor *tensor, size_t *sizes, rdc_message *message) {
    for (size_t k = 0; k < s->axes; k++) {
        const rdc_axis axis = s->axis[k];
        const uint64_t size = tensor->shape[k];
        if (sizes[axis] != UNKNOWN && sizes[axis] != size) {
            return rdc_refuse(message, RDC_ERROR_CHECKPOINT, "%s: expected %zu %s, got %llu", s->name, sizes[axis], axes_of[axis].name,
                              (unsigned long long)size);
        }
        if (size < axes_of[axis].least || size > axes_of[axis].most) {
            const rdc_error error = size > axes_of[axis].most ? RDC_ERROR_CHECKPOINT_LIMIT : RDC_ERROR_CHECKPOINT;
            return rdc_refuse(message, error, "%s: expected %zu to %zu %s, got %llu", s->name, axes_of[axis].least, axes_of[axis].most,
                              axes_of[axis].name, (unsigned long long)size);
        }
        sizes[axis] = (size_t)size;
    }
    return rdc_ok();
}

/* ---- Reading ---- */

/* What is being read. */
typedef struct reading {
    rdc_arrays *arrays;
    rdc_tensors *tensors;
    rdc_pool *pool;
    rdc_message *message;
} reading;

static rdc_status read_array(const reading *r, const spec *s, const void **array) {
    rdc_tensor *tensor = rdc_tensors_find(r->tensors, s->name);
    if (!tensor) return rdc_refuse(r->message, RDC_ERROR_CHECKPOINT, "the checkpoint lacks the tensor %s", s->name);
    if (tensor->type != s->type || tensor->axes != s->axes) {
        return rdc_refuse(r->message, RDC_ERROR_CHECKPOINT, "%s: expected %s of %zu axes, got %s of %zu", s->name,
                          rdc_element_format_of(s->type)->name, s->axes, rdc_element_format_of(tensor->type)->name, tensor->axes);
    }
    RDC_FORWARD_IF_ERROR(check_axes(s, tensor, r->arrays->sizes, r->message));
    tensor->is_used = 1;
    *array = rdc_tensor_elements(r->pool, tensor);
    if (!*array) return rdc_refuse_memory(r->message);
    RDC_FORWARD_IF_ERROR(check_elements(s, *array, (size_t)tensor->count, r->message));
    return check_order(s, *array, (size_t)tensor->count, r->message);
}

static int is_of_family(families families, const rdc_family *family) {
    switch (families) {
    case LEARNED: return family->is_learned;
    case CALIBRATED: return !family->is_learned;
    case WHOLE: return !family->is_learned && !family->in_blocks;
    case BLOCKS: return family->in_blocks;
    default: return 1;
    }
}

rdc_status rdc_arrays_read(rdc_arrays *arrays, const rdc_config *config, rdc_tensors *tensors, rdc_pool *pool, rdc_message *message) {
    const reading r = {arrays, tensors, pool, message};
    *arrays = (rdc_arrays){0};
    for (size_t axis = 0; axis < RDC_AXES; axis++) arrays->sizes[axis] = UNKNOWN;
    arrays->sizes[C] = (size_t)config->of[RDC_FIELD_CHANNELS][0];
    for (size_t k = 0; k < RDC_KNOWN_TENSORS; k++) {
        if (is_of_family(specs[k].families, config->family)) RDC_FORWARD_IF_ERROR(read_array(&r, &specs[k], &arrays->of[k]));
    }
    return rdc_ok();
}

rdc_status rdc_check_range(const char *name, const int32_t *numbers, size_t count, int32_t least, int32_t most, rdc_message *message) {
    const spec s = {.name = name, .type = RDC_I32, .has_range = 1, .least = least, .most = most};
    return check_elements(&s, numbers, count, message);
}

rdc_status rdc_check_count(const char *name, size_t expected, size_t got, rdc_message *message) {
    if (got == expected) return rdc_ok();
    return rdc_refuse(message, RDC_ERROR_CHECKPOINT, "%s: expected %zu entries, got %zu", name, expected, got);
}
