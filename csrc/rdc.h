/* rdcodec: the one public header of the C core.
 *
 * Layers, each uses only those before it: base < entropy, quant, net < levels < stream < python; base < dense < estimators.
 * Conventions: functions return rdc_status; buffers belong to the caller, their sizes come from the *_bound functions;
 * nothing is kept in global variables, so everything may be called from many threads on different objects. After a fork everything
 * goes on in the new process, with one thread; where threads cannot be started, fewer do the work.
 * After an error no object is made or changed. Arrays that were to be written hold anything then, but where memory was
 * lacking (RDC_ERROR_MEMORY) what they held before.
 * Bytes are described in docs/format.md. */
#ifndef RDC_H
#define RDC_H

#include <stddef.h>
#include <stdint.h>

#define RDC_VERSION "0.1.0"

/* ---- Limits of the format ---- */

#define RDC_MIN_PRECISION 12        /* bits: the frequencies of a table sum to 2^precision */
#define RDC_MAX_PRECISION 15
#define RDC_MAX_TABLES 65535        /* a table index is a uint16 */
#define RDC_MAX_LANES 32            /* a power of two */
#define RDC_MAX_SYMBOLS (1u << 30)  /* in a block */
#define RDC_FORMAT_VERSION 1
#define RDC_MAX_CHANNELS 65536
#define RDC_MAX_TOKENS (1u << 31)       /* in a stream, all rows together */
#define RDC_MAX_FRAME_TOKENS 4096
#define RDC_MAX_PAYLOAD (1u << 26)      /* bytes in a frame */

/* So no size within these limits overflows. */
_Static_assert(sizeof(size_t) >= 8, "rdcodec needs a 64-bit machine");

/* ---- Errors (csrc/base/error.c holds their texts) ---- */

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

/* ---- Kernels ---- */

/* Classes of CPUs, not single features: any 64-bit ARM, x86 with AVX2 and BMI2 (Haswell, Zen), x86 with AVX-512 up to VBMI2
 * (Ice Lake, Zen 4). Of those that a machine has the last one is the best. */
typedef enum rdc_cpu_level { RDC_CPU_SCALAR, RDC_CPU_NEON, RDC_CPU_AVX2, RDC_CPU_AVX512, RDC_CPU_LEVELS } rdc_cpu_level;

int rdc_cpu_has(rdc_cpu_level level); /* this machine and this build */

/* The level called `name` ("scalar", "neon", "avx2", "avx512"); the best of this machine for NULL. Errors: RDC_ERROR_CPU_NAME. */
rdc_status rdc_cpu_choose(const char *name, rdc_cpu_level *level);
const char *rdc_cpu_name(rdc_cpu_level level);

/* Functions that take a level, one that this machine has, give the same results at each. */

typedef struct rdc_rans_kernels rdc_rans_kernels;

/* The rANS kernels of a level; a constant. The scalar ones define the bytes, every other level writes the same. */
const rdc_rans_kernels *rdc_rans_kernels_of(rdc_cpu_level level);

/* ---- Frequency tables ---- */

/* T tables of integer frequencies with what encoder and decoder look up. Immutable once made, so threads may share it. */
typedef struct rdc_tables rdc_tables;

/* Wide tables, whose entries stand for many symbols: docs/format.md. */
typedef struct rdc_wide_arrays {
    const uint8_t *raw_bits;    /* of every entry: it stands for 2^raw_bits symbols; 0 for escapes and in tables that are not wide */
    const uint32_t *run_counts; /* runs of every table, 0 where it is not wide */
    const uint32_t *runs;       /* first symbol - offset and length of each, in the order of the entries that stand for them */
    size_t run_total;
} rdc_wide_arrays;

/* Makes tables from frequencies. Table t has counts[t] entries, the last one the escape; entry s < counts[t] - 1 stands for
 * the symbol offsets[t] + s. `frequencies` holds the entries of all tables one after the other, `total` of them: each >= 1,
 * summing to 2^precision a table. `wide` may be NULL. Errors: RDC_ERROR_PRECISION to RDC_ERROR_RUN_OVERLAP, RDC_ERROR_MEMORY. */
rdc_status rdc_tables_create(rdc_tables **tables, unsigned precision, size_t table_count, const uint32_t *counts,
                             const int32_t *offsets, const uint16_t *frequencies, size_t total, const rdc_wide_arrays *wide);
void rdc_tables_free(rdc_tables *tables);
unsigned rdc_tables_precision(const rdc_tables *tables);
size_t rdc_tables_count(const rdc_tables *tables);
size_t rdc_tables_total(const rdc_tables *tables);     /* entries of all tables */
size_t rdc_tables_run_total(const rdc_tables *tables); /* runs of all tables; 0 where none is wide */

/* Write the arrays that rdc_tables_create takes; there is room for the tables, the entries, and two numbers a run. */
void rdc_tables_export(const rdc_tables *tables, uint32_t *counts, int32_t *offsets, uint16_t *frequencies);
void rdc_tables_export_wide(const rdc_tables *tables, uint8_t *raw_bits, uint32_t *run_counts, uint32_t *runs);

/* A table as rdc_tables_create takes it. `raw_bits` and `runs` are NULL where it is not wide. */
typedef struct rdc_rounded {
    int32_t offset;
    uint32_t count;
    uint32_t run_count;
    uint16_t *frequencies;
    uint8_t *raw_bits;
    uint32_t *runs;
} rdc_rounded;

/* Rounds a pmf (probabilities of the symbols offset, offset + 1, ...; what is missing to 1 belongs to the escape) to
 * frequencies of least expected code length, and leaves symbols at both ends to the escape where that is shorter. The table is wide
 * where another one would be more than 1% and more than 0.02 bits above the entropy. `rounded` is to be freed if there is no error.
 * Errors: RDC_ERROR_PRECISION, _PMF_VALUE (at: position), _PMF_SUM, _PMF_SYMBOLS, _PMF_OFFSET, _PMF_RATE, _MEMORY. */
rdc_status rdc_pmf_round(const double *pmf, size_t symbols, int32_t offset, unsigned precision, rdc_rounded *rounded);
void rdc_rounded_free(rdc_rounded *rounded);

/* The built-in set, a constant: zero-mean Gaussians of 64 log-spaced standard deviations from 0.11 to 256, integrated over
 * unit intervals, precision 14. */
rdc_status rdc_tables_create_gaussian(rdc_tables **tables);

/* ---- rANS blocks ---- */

/* The table of every symbol: an array of uint8 (width 1) or uint16 (width 2). */
typedef struct rdc_index {
    const void *data;
    unsigned width;
} rdc_index;

/* A block in memory: made, written to where there is room for its size, freed. */
typedef struct rdc_coded_block rdc_coded_block;

/* Codes n symbols. `lanes` is a power of two up to RDC_MAX_LANES, or 0 for as many as hardly cost anything; what is too small for
 * them gets 1 lane. `threads` share out what is long, 0 for as many as OpenMP takes; the bytes do not depend on it. Errors:
 * RDC_ERROR_LANES, RDC_ERROR_INDEX (at: position), RDC_ERROR_SYMBOL_LIMIT, RDC_ERROR_MEMORY. */
rdc_status rdc_block_encode(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n,
                            unsigned lanes, unsigned threads, rdc_coded_block **coded);
size_t rdc_coded_block_size(const rdc_coded_block *coded);
void rdc_coded_block_write(const rdc_coded_block *coded, uint8_t *block);
void rdc_coded_block_free(rdc_coded_block *coded);

/* Decodes the n symbols of a block. Errors: RDC_ERROR_INDEX (at: position), 100 to 299 (at: byte offset), RDC_ERROR_SYMBOL_LIMIT,
 * RDC_ERROR_MEMORY. */
rdc_status rdc_block_decode_all(const rdc_rans_kernels *kernels, const rdc_tables *tables, const uint8_t *block, size_t size, size_t n,
                                rdc_index index, unsigned threads, int32_t *symbols);

/* Decoding in segments of any length: open, decode until n symbols are out, finish. The block must outlive the decoder.
 * Nothing is allocated. The fields are private. */
typedef struct rdc_bit_reader {
    const uint8_t *bytes;
    uint64_t bits; /* in all */
    uint64_t position;
} rdc_bit_reader;

typedef struct rdc_part_decoder {
    const rdc_rans_kernels *kernels;
    const rdc_tables *tables;
    const uint8_t *part;
    const uint8_t *word;      /* next of the words that the lanes share */
    const uint8_t *words_end;
    size_t escape_start;      /* byte offset of the escape section */
    rdc_bit_reader escapes;
    size_t remaining;         /* symbols still to come */
    size_t tail;              /* of these, the last ones, hidden in the lanes' initial states; 0 once they are decoded from */
    unsigned lanes;
    unsigned lane;            /* of the next symbol */
    uint32_t states[RDC_MAX_LANES];
    uint8_t tail_words[2 * RDC_MAX_LANES];
} rdc_part_decoder;

typedef struct rdc_block_decoder {
    const rdc_rans_kernels *kernels;
    const rdc_tables *tables;
    const uint8_t *block;
    size_t size;
    size_t n;
    size_t remaining;   /* symbols still to come */
    size_t size_at;     /* byte offset of the size of the next part */
    size_t part_at;     /* byte offset of the current part */
    size_t part_end;
    size_t next_part;
    rdc_part_decoder part;
    rdc_status failure; /* the first error; a decoder does not recover */
} rdc_block_decoder;

/* Reads the head of a block of n symbols. Errors: 100 to 299 (at: byte offset), RDC_ERROR_SYMBOL_LIMIT. */
rdc_status rdc_block_open(rdc_block_decoder *decoder, const rdc_rans_kernels *kernels, const rdc_tables *tables,
                          const uint8_t *block, size_t size, size_t n);

/* Decodes the next n symbols. Errors: RDC_ERROR_INDEX (at: position), RDC_ERROR_TOO_MANY_DECODED, 100 to 299. */
rdc_status rdc_block_decode(rdc_block_decoder *decoder, rdc_index index, size_t n, int32_t *symbols);

/* Tables that follow the symbols: a shift register takes in the parity of each, and its lowest bit says whether the table of the
 * next symbol is the one that the index names or the one behind it. */
typedef struct rdc_parity_register {
    unsigned state;
    unsigned feedback; /* added where the lowest bit was set ... */
    unsigned input;    /* ... and where the symbol is odd */
} rdc_parity_register;

static inline unsigned rdc_parity_register_next(rdc_parity_register r, int32_t symbol) {
    return (r.state >> 1) ^ (r.feedback & (0u - (r.state & 1))) ^ (r.input & (0u - ((uint32_t)symbol & 1)));
}

/* Decodes the next n symbols, whose tables follow them. Errors: as rdc_block_decode. */
rdc_status rdc_block_decode_following(rdc_block_decoder *decoder, const uint16_t *index, rdc_parity_register follows, size_t n, int32_t *symbols);

/* Checks that every symbol is out and every byte of the block was used. Until then decoded symbols may be those of a
 * damaged block. Errors: RDC_ERROR_NOT_ALL_DECODED, 100 to 299. */
rdc_status rdc_block_finish(const rdc_block_decoder *decoder);

/* Ideal code length in bits: -sum of log2(frequency / 2^precision) and the bits of the escape codes.
 * Errors: RDC_ERROR_INDEX (at: position), RDC_ERROR_SYMBOL_LIMIT. */
rdc_status rdc_block_ideal_bits(const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n, double *bits);

/* ---- Stream header and frames ---- */

/* What a stream holds: an array [rows, tokens, channels], or [tokens, channels] (rows = 1) without a batch axis. */
typedef struct rdc_header {
    rdc_float_type dtype;
    int batched;
    uint8_t codec_id[8];
    uint64_t channels; /* 1 to RDC_MAX_CHANNELS */
    uint64_t rows;
    uint64_t tokens;   /* a row; rows * tokens <= RDC_MAX_TOKENS */
} rdc_header;

#define RDC_HEADER_BOUND 44 /* bytes */

/* Writes a header into RDC_HEADER_BOUND bytes; *size of them are used. Errors: RDC_ERROR_BATCH_AXIS, RDC_ERROR_CHANNEL_LIMIT,
 * RDC_ERROR_TOKEN_LIMIT. */
rdc_status rdc_header_write(const rdc_header *header, uint8_t *bytes, size_t *size);

/* Reads the header at the start of bytes[0..size); *end is behind it. Errors: 100 to 299 (at: byte offset), the limits. */
rdc_status rdc_header_read(const uint8_t *bytes, size_t size, rdc_header *header, size_t *end);

/* The frames of a row are a chain: the checksum of each begins with that of the one before, so that none can be left out, repeated or
 * exchanged. A new start, which its number tells from those before, begins the chain anew. */
typedef struct rdc_frame {
    uint64_t tokens;     /* 0 to RDC_MAX_FRAME_TOKENS */
    int has_quality;
    int32_t quality;
    uint32_t restart;    /* number of the new start in its row, 0 for other frames; with a quality alone */
    const uint8_t *payload;
    size_t payload_size;
    uint32_t checksum;   /* found by writing and reading: what the next frame begins with */
} rdc_frame;

#define RDC_CHAIN_START UINT32_MAX /* what the first frame of a row begins with */

/* Bytes that are enough for a frame. */
size_t rdc_frame_bound(size_t payload_size);

/* Writes the frame after the one with the checksum `before` into rdc_frame_bound bytes; *size of them are used.
 * Errors: RDC_ERROR_FRAME_TOKEN_LIMIT, RDC_ERROR_PAYLOAD_LIMIT, RDC_ERROR_RESTART. */
rdc_status rdc_frame_write(rdc_frame *frame, uint32_t before, uint8_t *bytes, size_t *size);

/* Reads the frame at *at of bytes[0..size), the one after that with the checksum `before`, and moves *at behind it; the payload stays
 * where it is. A new start is read whatever came before it. Errors: 100 to 299 (at: byte offset), the limits. */
rdc_status rdc_frame_read(const uint8_t *bytes, size_t size, size_t *at, uint32_t before, rdc_frame *frame);

/* ---- Scalar quantiser ---- */

/* Symbols of values [tokens, channels]: sign(x) * floor(|x| / step + (1 - dead_zone) / 2), a step a channel. dead_zone 0
 * rounds to the nearest symbol, 1 to the next towards 0. Errors: RDC_ERROR_NOT_FINITE and RDC_ERROR_QUANTISE_RANGE, for symbols not
 * below 2^31 - 1 (at: position of the first), RDC_ERROR_STEP (at: channel), RDC_ERROR_DEAD_ZONE. */
rdc_status rdc_quantise(rdc_cpu_level cpu, const void *values, rdc_float_type type, size_t tokens, size_t channels,
                        const double *steps, double dead_zone, int32_t *symbols);

/* Values of symbols: sign(s) * (|s| - inward) * step, where inward[0] is for |s| = 1 and inward[1] for larger ones, in steps;
 * clipped to the range of float32. Errors: RDC_ERROR_STEP (at: channel), RDC_ERROR_RECONSTRUCTION (at: which one). */
rdc_status rdc_dequantise(rdc_cpu_level cpu, const int32_t *symbols, size_t tokens, size_t channels, const double *steps,
                          const double *inward, float *values);

/* ---- Dependent (trellis coded) quantiser ---- */

/* Levels of values [tokens, components], which are in units of half a step: the path of least squared error through the
 * trellis of csrc/quant/trellis.h, for each token on its own. The same levels whatever the number of threads.
 * Errors: RDC_ERROR_QUANTISE_RANGE (at: position of the first value that is not finite or not below 2^29), RDC_ERROR_MEMORY. */
rdc_status rdc_trellis_quantise(rdc_cpu_level cpu, const double *values, size_t tokens, size_t components, int32_t *levels);

/* Of which quantiser each level [tokens, components] is: 1 for the odd one. */
void rdc_trellis_odd_levels(const int32_t *levels, size_t tokens, size_t components, uint8_t *odd);

/* ---- Exact products ---- */

/* A matrix of integers in doubles, times a power of two. Products with it are never rounded, so they are the same on every machine.
 * Immutable once made. */
typedef struct rdc_exact_matrix rdc_exact_matrix;

/* The matrix is integers * 2^-matrix_bits. Values are rounded to multiples of 2^-value_bits, ties to even, and clipped to magnitudes
 * of 2^value_range_bits of these. */
typedef struct rdc_exact_format {
    int matrix_bits, value_bits; /* -256 to 256 */
    int value_range_bits;        /* 0 to 50 */
} rdc_exact_format;

/* integers [inputs, outputs]. Errors: RDC_ERROR_EXACT (a sum could need more than 53 bits; got: how many), RDC_ERROR_EXACT_*_BITS (a
 * field of the format), RDC_ERROR_EXACT_INTEGER (at: position of what is none), RDC_ERROR_MEMORY. */
rdc_status rdc_exact_matrix_make(rdc_exact_matrix **matrix, const double *integers, size_t inputs, size_t outputs,
                                 rdc_exact_format format);
void rdc_exact_matrix_free(rdc_exact_matrix *matrix);
size_t rdc_exact_matrix_inputs(const rdc_exact_matrix *matrix);
size_t rdc_exact_matrix_outputs(const rdc_exact_matrix *matrix);

/* products [tokens, outputs] of values [tokens, inputs]. Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_exact_multiply(rdc_cpu_level cpu, const rdc_exact_matrix *matrix, const double *values, size_t tokens,
                              double *products);

/* ---- Integer networks (docs/integer-networks.md) ---- */

/* A causal convolution over tokens; with one tap, a linear layer. For output o of a token
 *
 *     out = clip((sum + bias[o] + half) >> shift[o], lowest, highest)
 *
 * with the sum over taps and inputs of weight times input, the input of tap j being that of the token j * dilation before (zero
 * before the first), and half of 1 << shift[o] so that the shift rounds; then, if there is a table, out = table[out - lowest]. */
typedef struct rdc_net_layer {
    const int16_t *weights; /* [outputs, taps, inputs] */
    const int32_t *bias;    /* [outputs] */
    const uint8_t *shift;   /* [outputs], 0 to 30 */
    const int16_t *table;   /* [highest - lowest + 1] or NULL */
    uint32_t inputs, outputs, taps, dilation;
    int16_t lowest, highest;
} rdc_net_layer;

typedef struct rdc_net rdc_net;

/* Makes a chain of layers whose inputs are clipped to magnitudes of input_limit. Everything that could overflow is refused, and
 * whatever would make a token or a state take too much, before memory is taken for it.
 * Errors: RDC_ERROR_NET_* (at: layer), RDC_ERROR_MEMORY. */
rdc_status rdc_net_make(rdc_net **net, const rdc_net_layer *layers, size_t count, int32_t input_limit);
void rdc_net_free(rdc_net *net);
size_t rdc_net_inputs(const rdc_net *net);
size_t rdc_net_outputs(const rdc_net *net);

/* What a network remembers of earlier tokens, and room to work in. It is for one thread at a time; the network must outlive it. */
typedef struct rdc_net_state rdc_net_state;

rdc_status rdc_net_state_make(rdc_net_state **state, const rdc_net *net);
rdc_status rdc_net_state_copy(rdc_net_state **copy, const rdc_net_state *state);
void rdc_net_state_free(rdc_net_state *state);

/* What a state of the network remembers as rdc_net_state_size numbers, and back. Numbers from elsewhere are to be checked before.
 * Errors: RDC_ERROR_NET_STATE (at: position of the first number that no run of the network leaves behind). */
size_t rdc_net_state_size(const rdc_net *net);
void rdc_net_state_save(const rdc_net_state *state, int16_t *to);
rdc_status rdc_net_state_check(const rdc_net *net, const int16_t *saved);
void rdc_net_state_restore(rdc_net_state *state, const int16_t *saved);

/* The next tokens: x [tokens, inputs] to out [tokens, outputs]. The same values however tokens are cut into calls. */
void rdc_net_run(rdc_cpu_level cpu, rdc_net_state *state, const int16_t *x, size_t tokens, int16_t *out);

/* Tokens that do not know of each other, shared out among threads.
 * Errors: RDC_ERROR_NET_MEMORY (a layer looks back), RDC_ERROR_MEMORY. */
rdc_status rdc_net_apply(rdc_cpu_level cpu, const rdc_net *net, const int16_t *x, size_t tokens, int16_t *out);

/* For each token the output of the greatest sum and bias, the first among equals, in a network of one layer.
 * Errors: RDC_ERROR_NET_MEMORY, RDC_ERROR_NET_LAYERS, RDC_ERROR_MEMORY. */
rdc_status rdc_net_best_row(rdc_cpu_level cpu, const rdc_net *net, const int16_t *x, size_t tokens, int32_t *rows);

/* ---- Levels under the scale grid ---- */

/* Tables of levels stand in this order: shape, scale, quantiser (even, odd), from first_table on. */
typedef struct rdc_level_grid {
    const int32_t *component_scale; /* [components], grid steps */
    const uint8_t *component_shape; /* [components] */
    size_t components;
    uint32_t scales;                /* of the grid */
    uint32_t first_table;
} rdc_level_grid;

/* Counts how often each level from -reach to reach met each table of the grid: counts [rows, 2 * reach + 1], a row a table.
 * Errors: RDC_ERROR_GRID (at: component). */
rdc_status rdc_levels_count(const rdc_level_grid *grid, const int32_t *levels, const int32_t *token_scale, size_t tokens,
                            uint32_t reach, size_t rows, int64_t *counts);

/* ---- Levels under predicted means and scales ---- */

#define RDC_COMPONENT_BITS 16 /* fractional bits of a component where it is a fixed-point number */
#define RDC_LEAST_UNIT (-10)
#define RDC_MOST_UNIT 30
#define RDC_MOST_EXPONENT 128

#define RDC_MOST_REFERENCES 8
#define RDC_MOST_REFERRED 65536
#define RDC_MOST_REFERENCE_SCALE 4096
#define RDC_MOST_ADAPTATION 65535

/* Earlier tokens of which multiples are subtracted from a token, as they are decoded and beyond what else predicts them. */
typedef struct rdc_reference_rules {
    size_t tokens;        /* the last ones, that can be referred to: up to RDC_MOST_REFERRED, 0 for none */
    size_t most;          /* a token, up to RDC_MOST_REFERENCES; 0 if and only if there are no tokens */
    const int32_t *scale; /* [components], 0 to RDC_MOST_REFERENCE_SCALE: 64ths of a unit, times this / 4096, are compared */
} rdc_reference_rules;

/* Code lengths of levels, in 1/256 bit: by them a token's scale is chosen, and components' scales follow what was coded. */
typedef struct rdc_scale_costs {
    const uint16_t *costs;     /* [rows, cost_levels]: of a level of that magnitude (the last for all larger ones) in a table of the grid */
    size_t rows;
    size_t cost_levels;        /* at most 65536 */
    const int32_t *candidates; /* what may be added to a token's scale, rising: the local minimum that is met from 0 on is chosen */
    size_t candidate_count;
} rdc_scale_costs;

/* How the components of a token are predicted. A network's inputs are, where it looks back, the components of the token before as
 * they are decoded, then what is said of the token before its levels ("side"). Its outputs are means, then what is added to the
 * components' scales. Components enter and means leave it in 64ths of 2^unit. */
typedef struct rdc_predictor {
    const rdc_net *net;  /* or NULL */
    rdc_level_grid grid;
    const int8_t *unit;  /* [components], RDC_LEAST_UNIT to RDC_MOST_UNIT */
    int looks_back;      /* only with a network */
    uint8_t inward[2];   /* by how many 32nds of a step the points of magnitude 1 and the larger ones move towards 0; below 16 */
    rdc_reference_rules references;
    rdc_scale_costs costs;
    uint32_t adaptation; /* components' scales follow the tokens before as if so many had been seen already; 0: they stay as they are */
} rdc_predictor;

/* Errors: RDC_ERROR_PREDICTOR_NET (at: what was expected), RDC_ERROR_PREDICTOR_UNIT and RDC_ERROR_GRID (at: component),
 * RDC_ERROR_REFERENCE_RULES, RDC_ERROR_REFERENCE_SCALE (at: component), RDC_ERROR_CANDIDATES, RDC_ERROR_ADAPTATION. */
rdc_status rdc_predictor_check(const rdc_predictor *predictor);
size_t rdc_predictor_side(const rdc_predictor *predictor); /* inputs */

/* What is said of tokens before their levels. */
typedef struct rdc_said {
    const int16_t *side;        /* [tokens, side inputs] */
    const int16_t *base;        /* [tokens, components], what is added to means, in their units */
    const int32_t *exponent;    /* [tokens], half a step is 2^(exponent / 8); magnitudes up to RDC_MOST_EXPONENT */
    const int32_t *token_scale; /* [tokens], grid steps */
    size_t tokens;
} rdc_said;

/* To which earlier tokens tokens refer, [tokens, most] each. */
typedef struct rdc_references {
    int32_t *distance; /* 1: the token before; 0: none */
    int32_t *weight;   /* in eighths, -8 to 8 */
} rdc_references;

/* Where the coding of a row of tokens has come to. The predictor must outlive it. After an error it is as it was before. */
typedef struct rdc_prediction rdc_prediction;

rdc_status rdc_prediction_make(rdc_prediction **prediction, const rdc_predictor *predictor);
rdc_status rdc_prediction_copy(rdc_prediction **copy, const rdc_prediction *prediction);
void rdc_prediction_free(rdc_prediction *prediction);

/* What a prediction remembers as rdc_prediction_size numbers, and back to one that has coded nothing.
 * Errors: RDC_ERROR_PREDICTION_SIZE (at: the least that is expected), RDC_ERROR_NET_STATE (at: position of a number that no coding
 * leaves behind), RDC_ERROR_MEMORY; the prediction is then as it was. */
size_t rdc_prediction_size(const rdc_prediction *prediction);
void rdc_prediction_save(const rdc_prediction *prediction, int16_t *to);
rdc_status rdc_prediction_load(rdc_prediction *prediction, const int16_t *saved, size_t size);

/* Earlier tokens that the next one may refer to. */
size_t rdc_prediction_referable(const rdc_prediction *prediction);

/* Begin marks where the row has come to, and rollback takes what was coded since back. Encoding and decoding begin by themselves, so
 * that of several calls the last one is taken back. */
void rdc_prediction_begin(rdc_prediction *prediction);
void rdc_prediction_rollback(rdc_prediction *prediction);

/* Levels, the symbols of a block, of the next tokens' components y [tokens, components], their tables, what they refer to, and the
 * candidate that is added to each token's scale. What is too large for the quantiser becomes the largest that it takes.
 * Errors: RDC_ERROR_EXPONENT (at: token), RDC_ERROR_QUANTISE_RANGE (at: component that is no number), RDC_ERROR_MEMORY, after
 * which the arrays may hold some of the tokens. */
rdc_status rdc_prediction_encode(rdc_cpu_level cpu, rdc_prediction *prediction, const rdc_said *said, const double *y,
                                 int32_t *levels, uint16_t *index, rdc_references references, int32_t *choice);

/* Decodes the next tokens of a block to values [tokens, components]; their scales are final. Errors: RDC_ERROR_EXPONENT, those of
 * rdc_block_decode, RDC_ERROR_REFERENCE (at: the largest distance there is), RDC_ERROR_REFERENCE_WEIGHT (at: reference of a token),
 * RDC_ERROR_MEMORY. */
rdc_status rdc_prediction_decode(rdc_cpu_level cpu, rdc_prediction *prediction, const rdc_said *said, rdc_references references,
                                 rdc_block_decoder *decoder, double *values);

/* ---- Estimators (docs/estimators.md) ---- */

/* The same results with any number of threads. */

typedef enum rdc_entropy_method {
    RDC_ENTROPY_PLUGIN,
    RDC_ENTROPY_MILLER_MADOW,
    RDC_ENTROPY_GRASSBERGER,
    RDC_ENTROPY_CHAO_SHEN,
    RDC_ENTROPY_NSB
} rdc_entropy_method;

/* A value and its standard error. */
typedef struct rdc_estimate {
    double value;
    double error;
} rdc_estimate;

/* Entropy in bits of what was seen counts[i] times in class i. `alphabet` is the number of classes that there are, seen or not;
 * only NSB asks for it. Errors: RDC_ERROR_COUNT (at: position), RDC_ERROR_COUNT_SUM (above 2^53), RDC_ERROR_COUNT_SAMPLES
 * (fewer than 2), RDC_ERROR_ALPHABET (fewer than seen, or above 2^53), RDC_ERROR_MEMORY. */
rdc_status rdc_entropy_of_counts(const int64_t *counts, size_t classes, rdc_entropy_method method, uint64_t alphabet,
                                 rdc_estimate *entropy);

/* gram += x x^T, or x^T x where it is that of columns, for x [rows, columns]; of gram only the lower triangle is touched.
 * Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_gram_add(rdc_cpu_level cpu, const double *x, size_t rows, size_t columns, int of_columns, double *gram);

/* Replaces the lower triangle of a symmetric matrix [n, n] by its Cholesky factor; after an error it is neither.
 * Errors: RDC_ERROR_NOT_POSITIVE (at: pivot), RDC_ERROR_MEMORY. */
rdc_status rdc_cholesky(rdc_cpu_level cpu, double *matrix, size_t n);

/* Replaces right [n, columns] by the inverse of a lower triangular factor [n, n] times it. */
void rdc_solve_lower(const double *factor, size_t n, double *right, size_t columns);

/* For vectors [count, columns]: out [count, rows], the matrix [rows, columns] times each. */
void rdc_matrix_times_vectors(const double *matrix, size_t rows, size_t columns, const double *vectors, size_t count,
                              double *out);

/* For vectors [count, rows]: out [count, columns], the transpose times each. */
void rdc_transpose_times_vectors(const double *matrix, size_t rows, size_t columns, const double *vectors, size_t count,
                                 double *out);

/* distances [n, k]: from each point of x [n, dimensions] to its k nearest others, rising.
 * Errors: RDC_ERROR_NEIGHBOURS, RDC_ERROR_NOT_FINITE (at: position), RDC_ERROR_MEMORY. */
rdc_status rdc_neighbour_distances(rdc_cpu_level cpu, const double *x, size_t n, size_t dimensions, size_t k, double *distances);

/* Philox4x32-10: 128 random bits by counter and key. */
void rdc_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* The first n signs, 1 or -1, of a draw. Sign i is negative if bit i % 32 of word i / 32 % 4 is set in Philox's output for the
 * counter (i / 128, draw), both of 64 bits with the low word first, under the seed as key. */
void rdc_random_signs(uint64_t seed, uint64_t draw, size_t n, double *signs);

/* Replaces the diagonal [n] of a symmetric tridiagonal matrix, whose other elements are beside [n - 1], by its eigenvalues;
 * vectors [n, n] get the eigenvectors as columns. Errors: RDC_ERROR_EIGENVALUES (not finite; at: row). */
rdc_status rdc_tridiagonal_eigen(double *diagonal, double *beside, size_t n, double *vectors);

/* Digamma and trigamma of x above 0. */
double rdc_digamma(double x);
double rdc_trigamma(double x);

/* For each draw of signs s, those of rdc_random_signs: maxima [draws] = max(maxima, |sum over i of s_i x[i, j]|) over all
 * columns j of x [n, columns], so that columns may come in parts. Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_rademacher_maxima(rdc_cpu_level cpu, const float *x, size_t n, size_t columns, uint64_t seed, size_t draws,
                                 float *maxima);

/* forms [draws]: s^T gram s, gram [n, n] given by its lower triangle. Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_rademacher_forms(rdc_cpu_level cpu, const double *gram, size_t n, uint64_t seed, size_t draws, double *forms);

/* The diagonal [n] and what is beside it [n - 1] of a tridiagonal matrix with the eigenvalues of a symmetric one [n, n], which is
 * used up. */
void rdc_tridiagonal_form(double *matrix, size_t n, double *diagonal, double *beside);

/* A source of symbols and what it costs to reproduce them as outputs. */
typedef struct rdc_source {
    const double *p;          /* [sources], probabilities that sum to 1 */
    const double *distortion; /* [sources, outputs], finite */
    size_t sources, outputs;
} rdc_source;

/* A channel's distortion and rate, in nats, which bound the rate-distortion function R(D) from above; and a line from below:
 * R(D) >= intercept - slope * D for all D. */
typedef struct rdc_rate_point {
    double distortion, rate, intercept;
} rdc_rate_point;

/* Iterates the outputs' probabilities q [outputs], above 0 at first, until rate and line are within the tolerance of each other
 * or the iterations are used up, at least one. Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_blahut_arimoto(const rdc_source *source, double slope, double tolerance, uint64_t iterations, double *q,
                              rdc_rate_point *point);

#endif
