/* The one table of error texts. {at} and {got} stand for the fields of the status. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rdc.h"

static const struct {
    rdc_error error;
    const char *text;
} texts[] = {
    {RDC_OK, "no error"},
    {RDC_ERROR_MEMORY, "out of memory"},

    {RDC_ERROR_PRECISION, "precision: expected 12 to 15 bits, got {got}"},
    {RDC_ERROR_TABLE_COUNT, "tables: expected 1 to 65535 of them, got {got}"},
    {RDC_ERROR_SYMBOL_COUNT, "table {at}: expected at least one symbol and the escape, at most 2^precision entries in all, got {got}"},
    {RDC_ERROR_FREQUENCY_COUNT, "frequencies: the counts ask for another number of entries than the {got} given"},
    {RDC_ERROR_FREQUENCY_ZERO, "frequencies[{at}]: expected at least 1, got 0"},
    {RDC_ERROR_FREQUENCY_SUM, "table {at}: the frequencies must sum to 2^precision, got {got}"},
    {RDC_ERROR_OFFSET, "table {at}: the symbols must lie within int32, got offset {got}"},
    {RDC_ERROR_ENTRY_BITS, "table {at}: expected entries of 0 to 30 raw bits and an escape of none, got {got}"},
    {RDC_ERROR_RUN_COUNT, "runs: the run_counts ask for another number of runs than the {got} given"},
    {RDC_ERROR_RUN_LENGTH, "table {at}: expected runs of as many symbols as its entries stand for, 1 or more each, got {got}"},
    {RDC_ERROR_RUN_OVERLAP, "table {at}: expected runs that do not overlap, got symbol {got} in two"},
    {RDC_ERROR_INDEX, "index: no such table, got {got} at position {at}"},
    {RDC_ERROR_LANES, "lanes: expected a power of two from 1 to 32, got {got}"},
    {RDC_ERROR_PMF_VALUE, "pmf: expected a finite probability of at least 0 at position {at}"},
    {RDC_ERROR_PMF_SUM, "pmf: expected a sum above 0 and at most 1"},
    {RDC_ERROR_PMF_SYMBOLS, "pmf: expected 1 to 2^30 symbols, got {got}"},
    {RDC_ERROR_PMF_OFFSET, "offset: the symbols must lie within int32, got {got}"},
    {RDC_ERROR_PMF_RATE, "pmf: no table comes within 1% or 0.02 bits of its entropy, {at} millionths of a bit; the best takes {got}"},
    {RDC_ERROR_CPU_NAME, "RDCODEC_CPU: expected a class of kernels that this machine has, of scalar, neon, avx2, avx512"},
    {RDC_ERROR_TOO_MANY_DECODED, "index: only {at} symbols are left in the block, got {got} indices"},
    {RDC_ERROR_NOT_ALL_DECODED, "finish: {got} symbols of the block are not decoded yet"},
    {RDC_ERROR_NOT_FINITE, "values: expected finite ones, got NaN or infinity at position {at}"},
    {RDC_ERROR_QUANTISE_RANGE, "values: too large for the quantisation step at position {at}"},
    {RDC_ERROR_STEP, "steps: expected finite ones above 0, got something else at position {at}"},
    {RDC_ERROR_DEAD_ZONE, "dead_zone: expected 0 to 1 steps, got something else"},
    {RDC_ERROR_RECONSTRUCTION, "inward: expected -0.5 to 0.5 steps, got something else at position {at}"},
    {RDC_ERROR_GRID, "component {at}: its tables lie outside the grid, got {got}"},
    {RDC_ERROR_CANDIDATES, "candidates: expected at least one, and 1 to 65536 costs a table, got {got}"},
    {RDC_ERROR_BATCH_AXIS, "rows: expected 1 where there is no batch axis, got {got}"},
    {RDC_ERROR_NET_LAYERS, "network: expected 1 to 32 layers, and 1 to find rows, got {got}"},
    {RDC_ERROR_NET_CHANNELS, "layer {at}: expected 1 to 65536 channels and at most 2^20 weights an output, got {got}"},
    {RDC_ERROR_NET_CHAIN, "layer {at}: expected as many inputs as the layer before has outputs, got {got}"},
    {RDC_ERROR_NET_TAPS, "layer {at}: expected 1 to 64 taps, got {got}"},
    {RDC_ERROR_NET_DILATION, "layer {at}: expected a dilation of 1 to 4096 and at most 2^24 inputs before a token, got {got}"},
    {RDC_ERROR_NET_CLIP, "layer {at}: expected a lowest value that is not above the highest, got {got}"},
    {RDC_ERROR_NET_SHIFT, "layer {at}: expected shifts of 0 to 30, got {got}"},
    {RDC_ERROR_NET_RANGE, "layer {at}: the sum of output {got} could leave 32 bits"},
    {RDC_ERROR_NET_LIMIT, "input_limit: expected 1 to 32767, got {got}"},
    {RDC_ERROR_NET_MEMORY, "network: expected layers of one tap, for tokens are taken on their own"},
    {RDC_ERROR_NET_STATE, "state: no such network remembers {got}, which stands at position {at}"},
    {RDC_ERROR_PREDICTOR_NET, "network: expected {at} inputs or outputs, got {got}"},
    {RDC_ERROR_PREDICTOR_UNIT, "unit of component {at}: expected an exponent from -10 to 30, got {got}"},
    {RDC_ERROR_EXPONENT, "exponent of token {at}: expected -128 to 128, got {got}"},
    {RDC_ERROR_EXACT, "matrix: an exact product needs {got} bits, a double has 53"},
    {RDC_ERROR_EXACT_MATRIX_BITS, "matrix_bits: expected -256 to 256, got {got}"},
    {RDC_ERROR_EXACT_VALUE_BITS, "value_bits: expected -256 to 256, got {got}"},
    {RDC_ERROR_EXACT_RANGE_BITS, "value_range_bits: expected 0 to 50, got {got}"},
    {RDC_ERROR_EXACT_INTEGER, "matrix: expected integers of 32 bits, got something else at position {at}"},
    {RDC_ERROR_EXACT_STAGES, "blocks: expected 1 to 8 stages, got {got}"},
    {RDC_ERROR_EXACT_CHANNELS, "blocks: expected 1 to 65536 channels, got {got}"},
    {RDC_ERROR_EXACT_WIDTH, "blocks: expected a width that divides {at} channels, got {got}"},
    {RDC_ERROR_EXACT_STRIDE, "stride: expected one that divides {at} channels, got {got}"},
    {RDC_ERROR_EXACT_SHORT_BITS, "value_range_bits of stage {at}: expected 0 to 22, got {got}"},
    {RDC_ERROR_PREDICTION_SIZE, "state: expected {at} numbers and those of up to so many tokens as can be referred to, got {got}"},
    {RDC_ERROR_REFERENCE_RULES, "references: expected up to 65536 tokens and 8 a token, or neither, got {at} and {got}"},
    {RDC_ERROR_REFERENCE_SCALE, "reference scale of component {at}: expected 0 to 4096, got {got}"},
    {RDC_ERROR_ADAPTATION, "adaptation: expected 0 to 65535, got {got}"},
    {RDC_ERROR_CODEC_PART, "codec: its part {at} does not fit the others, got {got}"},
    {RDC_ERROR_CODEWORD_EXPONENT, "codeword {at}: expected sums of exponents below 16, got {got}"},
    {RDC_ERROR_CODEWORD_BITS, "codeword {at}: expected values of 16 bits, got {got}"},
    {RDC_ERROR_ROOM, "tokens: the frame holds {got}, there is room for {at}"},
    {RDC_ERROR_CODEC_QUALITY, "quality: expected -64 to 64, got {got}"},
    {RDC_ERROR_SEVERAL_CODECS, "rows: expected ends of one codec, got one of another in row {got}"},

    {RDC_ERROR_COUNT, "counts[{at}]: expected at least 0, got {got}"},
    {RDC_ERROR_COUNT_SUM, "counts: expected a sum of at most 2^53, passed at position {at}"},
    {RDC_ERROR_COUNT_SAMPLES, "counts: expected at least 2 samples, got {got}"},
    {RDC_ERROR_ALPHABET, "alphabet: expected at least the {at} classes that were seen and at most 2^53, got {got}"},
    {RDC_ERROR_NOT_POSITIVE, "covariance: expected a positive definite one, but it is singular or not finite at pivot {at}"},
    {RDC_ERROR_NEIGHBOURS, "neighbours: expected at least 1 and fewer than the {at} points, got {got}"},
    {RDC_ERROR_EIGENVALUES, "matrix: expected finite values, but its eigenvalues do not converge from row {at} on"},

    {RDC_ERROR_TRUNCATED, "byte {at}: the data end too early"},
    {RDC_ERROR_TRAILING_BYTES, "byte {at}: expected the end, got {got} more bytes"},
    {RDC_ERROR_VARINT, "byte {at}: expected a varint of least length and at most 9 bytes"},
    {RDC_ERROR_BLOCK_FLAGS, "byte {at}: expected the first byte of a block, got {got}"},
    {RDC_ERROR_LANE_STATE, "byte {at}: expected a lane state of at least 65536, got {got}"},
    {RDC_ERROR_FINAL_STATE, "byte {at}: expected the coder to end in its initial state, got {got}"},
    {RDC_ERROR_TAIL_LENGTH, "byte {at}: expected a tail shorter than the block and of at least 1 symbol, got {got}"},
    {RDC_ERROR_STATE_BYTES, "byte {at}: expected a state without high zero bytes, got {got}"},
    {RDC_ERROR_STATE_SIZE, "byte {at}: expected a state that is at most 2^32 - 33 above its start, got {got}"},
    {RDC_ERROR_STATE_PADDING, "byte {at}: expected zero bits behind the states of the lanes, got {got}"},
    {RDC_ERROR_PART_SIZE, "byte {at}: expected the size of a part within the block, got {got}"},
    {RDC_ERROR_WORDS_LEFT, "byte {at}: expected all words to be used, got {got} bytes of them left over"},
    {RDC_ERROR_ODD_WORDS, "byte {at}: expected words of two bytes, got {got} bytes"},
    {RDC_ERROR_ESCAPE_LENGTH, "byte {at}: expected the length of an escape section within the block, got {got}"},
    {RDC_ERROR_ESCAPE_CODE, "byte {at}: expected an Exp-Golomb code, got something else"},
    {RDC_ERROR_ESCAPE_VALUE, "byte {at}: expected an escaped symbol within int32, got {got}"},
    {RDC_ERROR_ESCAPE_GAP, "byte {at}: expected an escaped symbol that no run of its table has, got {got}"},
    {RDC_ERROR_ESCAPE_LEFT, "byte {at}: expected the escape section to end in less than 8 zero bits, got {got} bits left over"},
    {RDC_ERROR_RAW_BITS, "byte {at}: expected {got} more bits of a symbol in the escape section"},
    {RDC_ERROR_MAGIC, "byte {at}: expected the first four bytes of an rdcodec stream"},
    {RDC_ERROR_DTYPE, "byte {at}: expected a dtype from 0 to 2, got {got}"},
    {RDC_ERROR_HEADER_FLAGS, "byte {at}: expected flags of 0 or 1, got {got}"},
    {RDC_ERROR_ROWS, "byte {at}: expected 1 row where there is no batch axis, got {got}"},
    {RDC_ERROR_HEADER_CHECKSUM, "byte {at}: the checksum of the header does not match, got {got}"},
    {RDC_ERROR_FRAME_LENGTH, "byte {at}: expected a length that a frame can have, got {got}"},
    {RDC_ERROR_FRAME_CHECKSUM, "byte {at}: the checksum of the frame does not match, got {got}; it is damaged or not the next one of its row"},
    {RDC_ERROR_QUALITY, "byte {at}: expected a quality within int32"},
    {RDC_ERROR_RESTART, "byte {at}: expected a new start with a quality and with a number from 1 to 2^32 - 1, got {got}"},
    {RDC_ERROR_REFERENCE, "reference: expected a token 1 to {at} before, got {got}"},
    {RDC_ERROR_REFERENCE_WEIGHT, "weight of reference {at}: expected -8 to 8, got {got}"},
    {RDC_ERROR_HALF, "payload: expected finite values, got something else at position {at}"},
    {RDC_ERROR_GAIN_SYMBOL, "gain of token {at}: expected 0 to 255, got {got}"},
    {RDC_ERROR_CODEWORD_SYMBOL, "codeword of token {at}: expected one of the codebook, got {got}"},
    {RDC_ERROR_STEP_SYMBOL, "step of token {at}: expected one of the codec's, got {got}"},
    {RDC_ERROR_SCALE_SYMBOL, "scale of token {at}: expected one of the codec's, got {got}"},
    {RDC_ERROR_REFERENCE_SYMBOL, "reference of token {at}: expected a token that came before it, got {got}"},
    {RDC_ERROR_WEIGHT_SYMBOL, "weight of a reference of token {at}: expected 0 to 16, got {got}"},
    {RDC_ERROR_FRAME_QUALITY, "the frame states quality {got}, the codec has -64 to 64"},
    {RDC_ERROR_NO_QUALITY, "byte {at}: the first frame states no quality; it continues another row"},
    {RDC_ERROR_RESTART_AGAIN, "byte 0: new start {got} of its row, expected one after {at}"},
    {RDC_ERROR_EMPTY_FRAME, "a frame of no tokens holds {got} bytes of them"},

    {RDC_ERROR_VERSION, "byte {at}: expected format version 1, got {got}"},

    {RDC_ERROR_SYMBOL_LIMIT, "symbols: expected at most 2^30 in a block, got {got}"},
    {RDC_ERROR_CHANNEL_LIMIT, "channels: expected 1 to 65536, got {got}"},
    {RDC_ERROR_TOKEN_LIMIT, "tokens: expected at most 2^31 in all rows of a stream, got {got} a row"},
    {RDC_ERROR_FRAME_TOKEN_LIMIT, "tokens: expected 0 to 4096 in a frame, got {got}"},
    {RDC_ERROR_PAYLOAD_LIMIT, "payload: expected at most 2^26 bytes in a frame, got {got}"},
    {RDC_ERROR_NET_WEIGHT_LIMIT, "network: expected at most 2^28 weights, got {got}"},
    {RDC_ERROR_NET_PAST_LIMIT, "network: expected at most 2^24 inputs of all layers before a token, got {got}"},
    {RDC_ERROR_NET_STATE_LIMIT, "network: expected a state of at most 2^28 bytes, got {got}"},

    {RDC_ERROR_FILE, "the file cannot be read"},
    {RDC_ERROR_CHECKPOINT, "the checkpoint is damaged"},
    {RDC_ERROR_CHECKPOINT_LIMIT, "the checkpoint is beyond the limits"},
    {RDC_ERROR_CHECKPOINT_VERSION, "the checkpoint is of a later version"},
    {RDC_ERROR_JSON, "byte {at}: expected JSON in UTF-8, at most 64 deep"},
    {RDC_ERROR_JSON_NAMES, "expected objects of JSON that name nothing twice"},
};

static const char *rdc_error_template(rdc_error error) {
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].error == error) return texts[i].text;
    }
    return "unknown error";
}

void rdc_error_text(rdc_status status, char *text, size_t capacity) {
    size_t used = 0;
    for (const char *from = rdc_error_template(status.error); *from && used + 1 < capacity;) {
        char number[24] = {*from, 0};
        if (strncmp(from, "{at}", 4) == 0) {
            snprintf(number, sizeof number, "%" PRIu64, status.at);
            from += 4;
        } else if (strncmp(from, "{got}", 5) == 0) {
            snprintf(number, sizeof number, "%" PRId64, status.got);
            from += 5;
        } else {
            from++;
        }
        for (const char *c = number; *c && used + 1 < capacity; c++) text[used++] = *c;
    }
    if (capacity) text[used] = 0;
}
