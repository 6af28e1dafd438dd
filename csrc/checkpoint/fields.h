/* What the fields and tensors of a codec with a transform are, and what they may hold: as in rdcodec/codecs/transform_coding.py and those that build on it. */
#ifndef RDC_CHECKPOINT_FIELDS_H
#define RDC_CHECKPOINT_FIELDS_H

#include "checkpoint/safetensors.h"

typedef struct rdc_family {
    const char *name;
    int is_learned; /* networks predict; the others are calibrated */
    int uses_context;
    int in_blocks; /* transforms are stages of blocks instead of whole matrices */
} rdc_family;

/* The numbers of a config, in the order of their names: that of ids. */
typedef enum rdc_field {
    RDC_FIELD_ADAPTATION,
    RDC_FIELD_ANALYSIS_BITS,
    RDC_FIELD_CHANNELS,
    RDC_FIELD_COMPONENT_BITS,
    RDC_FIELD_EMPHASIS_BITS,
    RDC_FIELD_GAIN_LIMIT_BITS,
    RDC_FIELD_INWARD, /* a pair */
    RDC_FIELD_LATENTS,
    RDC_FIELD_LAYER,
    RDC_FIELD_REFERENCES,
    RDC_FIELD_REFERRED,
    RDC_FIELD_SCALES,
    RDC_FIELD_STATE_BITS,
    RDC_FIELD_SYNTHESIS_BITS,
    RDC_FIELD_ZERO_SCALE,
    RDC_FIELDS
} rdc_field;

typedef struct rdc_config {
    const rdc_family *family;
    int32_t of[RDC_FIELDS][2]; /* the second number of a pair; 0 where there is none, as what a family lacks */
    int32_t default_quality;
    uint8_t codec_id[8];
    char model_type[104], fingerprint[24];
} rdc_config;

#define RDC_MOST_QUALITY 64
#define RDC_CHECKPOINT_FORMAT 1

/* Reads config.json. Errors: RDC_ERROR_CHECKPOINT, _LIMIT, _VERSION, RDC_ERROR_MEMORY. */
rdc_status rdc_config_read(rdc_config *config, const uint8_t *text, size_t size, rdc_message *message);

/* The id of a codec: a hash of its family, its config and all of its tensors. */
void rdc_config_identify(const rdc_config *config, const rdc_tensors *tensors, uint8_t codec_id[8]);

/* ---- Tensors that have names of their own; those of networks are in networks.c ---- */

typedef enum rdc_axis {
    RDC_AXIS_CHANNELS,
    RDC_AXIS_STAGES,
    RDC_AXIS_WIDTH,
    RDC_AXIS_BITS,
    RDC_AXIS_CODEWORDS,
    RDC_AXIS_SELECTED,
    RDC_AXIS_STEPS,
    RDC_AXIS_THRESHOLDS,
    RDC_AXIS_CANDIDATES,
    RDC_AXIS_EDGES,
    RDC_AXIS_BANDS,
    RDC_AXIS_EMPHASIS,
    RDC_AXIS_TABLES,
    RDC_AXIS_FREQUENCIES,
    RDC_AXIS_CODEBOOK_TABLES,
    RDC_AXIS_CODEBOOK_FREQUENCIES,
    RDC_AXIS_CODEBOOK_BYTES,
    RDC_AXES
} rdc_axis;

typedef enum rdc_known_tensor {
    RDC_TENSOR_MEAN,
    RDC_TENSOR_WORD_PRIOR,
    RDC_TENSOR_WORD_COMPONENTS,
    RDC_TENSOR_WORD_CODE_SCALE,
    RDC_TENSOR_STEP_OFFSETS,
    RDC_TENSOR_SCALE_OFFSETS,
    RDC_TENSOR_COMPONENT_SCALE,
    RDC_TENSOR_COMPONENT_SHAPE,
    RDC_TENSOR_UNIT,
    RDC_TENSOR_REFERENCE_SCALE,
    RDC_TENSOR_FREQUENCIES,
    RDC_TENSOR_COUNTS,
    RDC_TENSOR_OFFSETS,
    RDC_TENSOR_PRECISION,
    RDC_TENSOR_ANALYSIS,
    RDC_TENSOR_SYNTHESIS,
    RDC_TENSOR_ANALYSIS_BLOCKS,
    RDC_TENSOR_SYNTHESIS_BLOCKS,
    RDC_TENSOR_ANALYSIS_FORMATS,
    RDC_TENSOR_SYNTHESIS_FORMATS,
    RDC_TENSOR_WORDS,
    RDC_TENSOR_FEATURE_SCALE,
    RDC_TENSOR_FEATURE_WEIGHTS,
    RDC_TENSOR_BAND_EDGES,
    RDC_TENSOR_BAND_WEIGHTS,
    RDC_TENSOR_STEP_THRESHOLDS,
    RDC_TENSOR_LEARNED_ANALYSIS,
    RDC_TENSOR_LEARNED_SYNTHESIS,
    RDC_TENSOR_PACKED_WORDS,
    RDC_TENSOR_WORD_EXPONENTS,
    RDC_TENSOR_COMPONENT_EXPONENTS,
    RDC_TENSOR_COMPONENT_CLASSES,
    RDC_TENSOR_WORD_FREQUENCIES,
    RDC_TENSOR_WORD_COUNTS,
    RDC_TENSOR_WORD_OFFSETS,
    RDC_TENSOR_LEARNED_STEP_THRESHOLDS,
    RDC_TENSOR_EMPHASIS_IN,
    RDC_TENSOR_EMPHASIS_OUT,
    RDC_KNOWN_TENSORS
} rdc_known_tensor;

/* The arrays of a codec in the machine's order, NULL where the family has no such tensor, and the sizes of their axes. */
typedef struct rdc_arrays {
    const void *of[RDC_KNOWN_TENSORS];
    size_t sizes[RDC_AXES];
} rdc_arrays;

/* Every tensor of the family there, of its type and within its range, and all shapes in agreement; they count as used. Arrays go to the
 * pool. */
rdc_status rdc_arrays_read(rdc_arrays *arrays, const rdc_config *config, rdc_tensors *tensors, rdc_pool *pool, rdc_message *message);

/* Errors: RDC_ERROR_CHECKPOINT where numbers are not within a range. */
rdc_status rdc_check_range(const char *name, const int32_t *numbers, size_t count, int32_t least, int32_t most, rdc_message *message);
rdc_status rdc_check_count(const char *name, size_t expected, size_t got, rdc_message *message);

/* Whether what would be made of tensors takes no more memory than their bytes allow. Errors: RDC_ERROR_CHECKPOINT_LIMIT. */
rdc_status rdc_check_memory(const rdc_config *config, const rdc_arrays *arrays, const rdc_tensors *tensors, rdc_message *message);

#endif
