/* What functions return; csrc/base/error.c holds the texts. */
#ifndef RDC_PUBLIC_ERRORS_H
#define RDC_PUBLIC_ERRORS_H

#include <stddef.h>
#include <stdint.h>

typedef enum rdc_error {
    RDC_OK = 0,
    RDC_ERROR_MEMORY = 1,

    /* 10: arguments */
    RDC_ERROR_PRECISION = 10,
    RDC_ERROR_TABLE_COUNT,
    RDC_ERROR_SYMBOL_COUNT,
    RDC_ERROR_FREQUENCY_COUNT,
    RDC_ERROR_FREQUENCY_ZERO,
    RDC_ERROR_FREQUENCY_SUM,
    RDC_ERROR_OFFSET,
    RDC_ERROR_ENTRY_BITS,
    RDC_ERROR_RUN_COUNT,
    RDC_ERROR_RUN_LENGTH,
    RDC_ERROR_RUN_OVERLAP,
    RDC_ERROR_INDEX,
    RDC_ERROR_LANES,
    RDC_ERROR_PMF_VALUE,
    RDC_ERROR_PMF_SUM,
    RDC_ERROR_PMF_SYMBOLS,
    RDC_ERROR_PMF_OFFSET,
    RDC_ERROR_PMF_RATE,
    RDC_ERROR_CPU_NAME,
    RDC_ERROR_TOO_MANY_DECODED,
    RDC_ERROR_NOT_ALL_DECODED,
    RDC_ERROR_NOT_FINITE,
    RDC_ERROR_QUANTISE_RANGE,
    RDC_ERROR_STEP,
    RDC_ERROR_DEAD_ZONE,
    RDC_ERROR_RECONSTRUCTION,
    RDC_ERROR_GRID,
    RDC_ERROR_CANDIDATES,
    RDC_ERROR_BATCH_AXIS,
    RDC_ERROR_NET_LAYERS,
    RDC_ERROR_NET_CHANNELS,
    RDC_ERROR_NET_CHAIN,
    RDC_ERROR_NET_TAPS,
    RDC_ERROR_NET_DILATION,
    RDC_ERROR_NET_CLIP,
    RDC_ERROR_NET_SHIFT,
    RDC_ERROR_NET_RANGE,
    RDC_ERROR_NET_LIMIT,
    RDC_ERROR_NET_MEMORY,
    RDC_ERROR_NET_STATE,
    RDC_ERROR_PREDICTOR_NET,
    RDC_ERROR_PREDICTOR_UNIT,
    RDC_ERROR_EXPONENT,
    RDC_ERROR_EXACT,
    RDC_ERROR_EXACT_MATRIX_BITS,
    RDC_ERROR_EXACT_VALUE_BITS,
    RDC_ERROR_EXACT_RANGE_BITS,
    RDC_ERROR_EXACT_INTEGER,
    RDC_ERROR_PREDICTION_SIZE,
    RDC_ERROR_REFERENCE_RULES,
    RDC_ERROR_REFERENCE_SCALE,
    RDC_ERROR_ADAPTATION,

    /* 80: arguments of the estimators */
    RDC_ERROR_COUNT = 80,
    RDC_ERROR_COUNT_SUM,
    RDC_ERROR_COUNT_SAMPLES,
    RDC_ERROR_ALPHABET,
    RDC_ERROR_NOT_POSITIVE,
    RDC_ERROR_NEIGHBOURS,
    RDC_ERROR_EIGENVALUES,

    /* 100: bytes that no encoder writes */
    RDC_ERROR_TRUNCATED = 100,
    RDC_ERROR_TRAILING_BYTES,
    RDC_ERROR_VARINT,
    RDC_ERROR_BLOCK_FLAGS,
    RDC_ERROR_LANE_STATE,
    RDC_ERROR_FINAL_STATE,
    RDC_ERROR_TAIL_LENGTH,
    RDC_ERROR_STATE_BYTES,
    RDC_ERROR_STATE_SIZE,
    RDC_ERROR_STATE_PADDING,
    RDC_ERROR_PART_SIZE,
    RDC_ERROR_WORDS_LEFT,
    RDC_ERROR_ODD_WORDS,
    RDC_ERROR_ESCAPE_LENGTH,
    RDC_ERROR_ESCAPE_CODE,
    RDC_ERROR_ESCAPE_VALUE,
    RDC_ERROR_ESCAPE_GAP,
    RDC_ERROR_ESCAPE_LEFT,
    RDC_ERROR_RAW_BITS,
    RDC_ERROR_MAGIC,
    RDC_ERROR_DTYPE,
    RDC_ERROR_HEADER_FLAGS,
    RDC_ERROR_ROWS,
    RDC_ERROR_HEADER_CHECKSUM,
    RDC_ERROR_FRAME_LENGTH,
    RDC_ERROR_FRAME_CHECKSUM,
    RDC_ERROR_QUALITY,
    RDC_ERROR_RESTART,
    RDC_ERROR_REFERENCE,
    RDC_ERROR_REFERENCE_WEIGHT,

    /* 200: bytes of another version */
    RDC_ERROR_VERSION = 200,

    /* 300: limits of the format */
    RDC_ERROR_SYMBOL_LIMIT = 300,
    RDC_ERROR_CHANNEL_LIMIT,
    RDC_ERROR_TOKEN_LIMIT,
    RDC_ERROR_FRAME_TOKEN_LIMIT,
    RDC_ERROR_PAYLOAD_LIMIT,
    RDC_ERROR_NET_WEIGHT_LIMIT,
    RDC_ERROR_NET_PAST_LIMIT,
    RDC_ERROR_NET_STATE_LIMIT
} rdc_error;

/* Types of hidden states; the numbers stand in stream headers. */
typedef enum rdc_float_type { RDC_FLOAT32 = 0, RDC_FLOAT16 = 1, RDC_BFLOAT16 = 2 } rdc_float_type;

/* What every function returns. `at` is the position the error text speaks of: an array position or a byte offset;
 * `got` the value found there. Both are 0 where the text has no use for them. */
typedef struct rdc_status {
    rdc_error error;
    uint64_t at;
    int64_t got;
} rdc_status;

/* Writes the text of a status, with its position and value, into `text` (always ended by a zero, cut where it does not fit). */
void rdc_error_text(rdc_status status, char *text, size_t capacity);

#endif
