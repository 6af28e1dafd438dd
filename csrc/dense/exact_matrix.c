/* Products with matrices of integers. No sum of theirs needs more bits than a double has, so none is rounded: whatever the order and
 * however many threads, the same. Not left to BLAS, whose threads go on to wait for work on the processors that ours need next. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/rounding.h"
#include "base/status.h"
#include "base/threads.h"
#include "dense/exact_matrix.h"
#include "dense/exact_pairs.h"
#include "dense/exact_rows.h"
#include "dense/exact_tiles.h"

#define EXACT 9007199254740992.0   /* 2^53 */
#define MOST_RANGE_BITS 50         /* up to where doubles are rounded */
#define MOST_BITS 256              /* so that neither values nor products leave the range of doubles for their scales alone */
#define CHUNK (8 * RDC_DENSE_ROWS) /* tokens that pass a panel of columns while it is in the cache */
#define FEW 4                      /* tokens fewer than these are taken one by one ... */
#define MOST_INTEGER 1073741824.0  /* ... where values are integers of 32 bits: 2^30 */

static rdc_status check_format(rdc_exact_format format) {
    RDC_RETURN_IF(format.matrix_bits < -MOST_BITS || format.matrix_bits > MOST_BITS, RDC_ERROR_EXACT_MATRIX_BITS, 0, format.matrix_bits);
    RDC_RETURN_IF(format.value_bits < -MOST_BITS || format.value_bits > MOST_BITS, RDC_ERROR_EXACT_VALUE_BITS, 0, format.value_bits);
    RDC_RETURN_IF(format.value_range_bits < 0 || format.value_range_bits > MOST_RANGE_BITS, RDC_ERROR_EXACT_RANGE_BITS, 0,
                  format.value_range_bits);
    return rdc_ok();
}

/* Infinities are no integers here. */
static rdc_status check_integers(const double *integers, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const int is_integer = fabs(integers[i]) < HUGE_VAL && integers[i] == rint(integers[i]);
        RDC_RETURN_IF(!is_integer, RDC_ERROR_EXACT_INTEGER, i, 0);
    }
    return rdc_ok();
}

/* The memory that a matrix takes is half of that of doubles, and a token on its own waits for nothing else. */
static rdc_status check_range(const double *integers, size_t n) {
    for (size_t i = 0; i < n; i++) RDC_RETURN_IF(fabs(integers[i]) > INT32_MAX, RDC_ERROR_EXACT_INTEGER, i, 0);
    return rdc_ok();
}

static double largest_column(const double *integers, size_t inputs, size_t outputs) {
    double largest = 0;
    for (size_t o = 0; o < outputs; o++) {
        double sum = 0;
        for (size_t i = 0; i < inputs; i++) sum += fabs(integers[i * outputs + o]);
        if (sum > largest) largest = sum;
    }
    return largest;
}

/* No sum of products may need more bits than a double has; one beyond the range of doubles counts as the most that it reaches. */
static rdc_status check_sums(const double *integers, size_t inputs, size_t outputs, double limit) {
    const double sum = largest_column(integers, inputs, outputs) * limit;
    int bits;
    (void)frexp(sum < DBL_MAX ? sum : DBL_MAX, &bits);
    RDC_RETURN_IF(sum >= EXACT, RDC_ERROR_EXACT, 0, bits);
    return rdc_ok();
}

/* The integer at input i of an output, zero behind the last of either. */
static double integer_at(const rdc_exact_matrix *m, const double *integers, size_t i, size_t o) {
    return i < m->inputs && o < m->outputs ? integers[i * m->outputs + o] : 0;
}

static void pack_columns(const rdc_exact_matrix *m, const double *integers, int32_t *columns) {
    for (size_t o = 0; o < m->panels * RDC_DENSE_COLUMNS; o++) {
        int32_t *panel = columns + o / RDC_DENSE_COLUMNS * m->inputs * RDC_DENSE_COLUMNS + o % RDC_DENSE_COLUMNS;
        for (size_t i = 0; i < m->inputs; i++) panel[i * RDC_DENSE_COLUMNS] = (int32_t)integer_at(m, integers, i, o);
    }
}

static void pack_pairs(const rdc_exact_matrix *m, const double *integers, int16_t *pairs) {
    for (size_t o = 0; o < m->panels * RDC_DENSE_COLUMNS; o++) {
        int16_t *panel = pairs + o / RDC_DENSE_COLUMNS * rdc_exact_pairs_of(m) * RDC_PAIR_COLUMNS + 2 * (o % RDC_DENSE_COLUMNS);
        for (size_t i = 0; i < 2 * rdc_exact_pairs_of(m); i++) panel[i / 2 * RDC_PAIR_COLUMNS + i % 2] = (int16_t)integer_at(m, integers, i, o);
    }
}

static int is_short(const double *integers, size_t n, double limit) {
    int fits = limit <= RDC_PAIR_LIMIT;
    for (size_t i = 0; i < n; i++) fits &= fabs(integers[i]) <= INT16_MAX;
    return fits;
}

/* Takes the memory of a matrix whose sizes are there, and fills it. */
static rdc_status pack(rdc_exact_matrix *m, const double *integers) {
    const size_t columns = m->panels * (m->is_short ? rdc_exact_pairs_of(m) * RDC_PAIR_COLUMNS : m->inputs * RDC_DENSE_COLUMNS);
    m->memory = malloc(columns * (m->is_short ? sizeof *m->pairs : sizeof *m->columns) + RDC_ALIGNMENT);
    RDC_RETURN_IF(!m->memory, RDC_ERROR_MEMORY, 0, 0);
    void *const aligned = rdc_aligned(m->memory);
    if (m->is_short) pack_pairs(m, integers, aligned);
    else pack_columns(m, integers, aligned);
    m->pairs = m->is_short ? aligned : NULL;
    m->columns = m->is_short ? NULL : aligned;
    return rdc_ok();
}

rdc_status rdc_exact_matrix_make(rdc_exact_matrix **matrix, const double *integers, size_t inputs, size_t outputs,
                                 rdc_exact_format format) {
    *matrix = NULL;
    RDC_FORWARD_IF_ERROR(check_format(format));
    const double limit = ldexp(1, format.value_range_bits);
    RDC_FORWARD_IF_ERROR(check_integers(integers, inputs * outputs));
    RDC_FORWARD_IF_ERROR(check_sums(integers, inputs, outputs, limit));
    RDC_FORWARD_IF_ERROR(check_range(integers, inputs * outputs));
    rdc_exact_matrix *made = calloc(1, sizeof *made);
    RDC_RETURN_IF(!made, RDC_ERROR_MEMORY, 0, 0);
    made->inputs = inputs;
    made->outputs = outputs;
    made->panels = outputs / RDC_DENSE_COLUMNS + (outputs % RDC_DENSE_COLUMNS != 0);
    made->value_scale = ldexp(1, format.value_bits);
    made->limit = limit;
    made->product_scale = ldexp(1, -format.matrix_bits - format.value_bits);
    made->is_short = is_short(integers, inputs * outputs, limit);
    rdc_status status = pack(made, integers);
    if (status.error == RDC_OK && limit <= MOST_INTEGER) status = rdc_exact_tiles_make(&made->tiles, integers, inputs, outputs, made->is_short);
    if (status.error == RDC_OK) *matrix = made;
    else rdc_exact_matrix_free(made);
    return status;
}

static rdc_status check_shape(rdc_exact_shape shape) {
    const size_t most = RDC_EXACT_MOST_CHANNELS;
    RDC_RETURN_IF(shape.stages < 1 || shape.stages > RDC_EXACT_MOST_STAGES, RDC_ERROR_EXACT_STAGES, 0, (int64_t)shape.stages);
    RDC_RETURN_IF(shape.channels < 1 || shape.channels > most, RDC_ERROR_EXACT_CHANNELS, 0, (int64_t)shape.channels);
    RDC_RETURN_IF(shape.width < 1 || shape.channels % shape.width != 0, RDC_ERROR_EXACT_WIDTH, shape.channels, (int64_t)shape.width);
    RDC_RETURN_IF(shape.stride < 1 || shape.channels % shape.stride != 0, RDC_ERROR_EXACT_STRIDE, shape.channels, (int64_t)shape.stride);
    return rdc_ok();
}

/* Values that are cut in two have so few bits that no sum of these leaves a double: 2^16 channels of 2^22 times 2^15. */
rdc_status rdc_exact_blocks_make(rdc_exact_matrix **matrix, const int16_t *integers, rdc_exact_shape shape, const rdc_exact_format *formats) {
    *matrix = NULL;
    RDC_FORWARD_IF_ERROR(check_shape(shape));
    for (size_t s = 0; s < shape.stages; s++) {
        RDC_FORWARD_IF_ERROR(check_format(formats[s]));
        RDC_RETURN_IF(ldexp(1, formats[s].value_range_bits) > RDC_PAIR_LIMIT, RDC_ERROR_EXACT_SHORT_BITS, s, formats[s].value_range_bits);
    }
    rdc_exact_matrix *made = calloc(1, sizeof *made);
    RDC_RETURN_IF(!made, RDC_ERROR_MEMORY, 0, 0);
    made->inputs = made->outputs = shape.channels;
    const rdc_status status = rdc_exact_blocks_pack(&made->blocks, integers, shape, formats);
    if (status.error == RDC_OK) *matrix = made;
    else free(made);
    return status;
}

void rdc_exact_matrix_free(rdc_exact_matrix *matrix) {
    if (!matrix) return;
    rdc_exact_blocks_free(matrix->blocks);
    rdc_exact_tiles_free(matrix->tiles);
    free(matrix->memory);
    free(matrix);
}

size_t rdc_exact_matrix_inputs(const rdc_exact_matrix *matrix) {
    return matrix->inputs;
}

size_t rdc_exact_matrix_outputs(const rdc_exact_matrix *matrix) {
    return matrix->outputs;
}

/* Values of up to RDC_DENSE_ROWS tokens as integers, [inputs, RDC_DENSE_ROWS]. `row` is room for one token's. */
static void pack_tokens(const rdc_exact_matrix *m, const double *values, size_t tokens, double *row, double *packed) {
    for (size_t t = 0; t < tokens; t++) {
        for (size_t i = 0; i < m->inputs; i++) row[i] = rdc_rounded_within(values[t * m->inputs + i] * m->value_scale, m->limit);
        for (size_t i = 0; i < m->inputs; i++) packed[i * RDC_DENSE_ROWS + t] = row[i];
    }
    for (size_t t = tokens; t < RDC_DENSE_ROWS; t++) {
        for (size_t i = 0; i < m->inputs; i++) packed[i * RDC_DENSE_ROWS + t] = 0;
    }
}

static void store(const rdc_exact_matrix *m, const double *sums, size_t tokens, size_t panel, double *products) {
    const size_t first = panel * RDC_DENSE_COLUMNS, count = rdc_exact_columns_of(m, panel);
    for (size_t t = 0; t < tokens; t++) {
        for (size_t o = 0; o < count; o++) products[t * m->outputs + first + o] = sums[t * RDC_DENSE_COLUMNS + o] * m->product_scale;
    }
}

/* A panel for the kernel of many tokens. */
static const double *widened(const rdc_exact_matrix *m, size_t panel, double *room) {
    if (m->is_short) {
        const int16_t *pairs = m->pairs + panel * rdc_exact_pairs_of(m) * RDC_PAIR_COLUMNS;
        for (size_t i = 0; i < m->inputs; i++) {
            const int16_t *row = pairs + i / 2 * RDC_PAIR_COLUMNS + i % 2;
            for (size_t o = 0; o < RDC_DENSE_COLUMNS; o++) room[i * RDC_DENSE_COLUMNS + o] = row[2 * o];
        }
    } else {
        const int32_t *columns = m->columns + panel * m->inputs * RDC_DENSE_COLUMNS;
        for (size_t i = 0; i < m->inputs * RDC_DENSE_COLUMNS; i++) room[i] = columns[i];
    }
    return room;
}

/* Room that a thread works in: tokens of a chunk, one more, and a panel. */
static double *panel_room(const rdc_exact_matrix *m, double *work) {
    return work + (CHUNK + RDC_DENSE_ROWS) * m->inputs; /* so many rows are a whole number of cache lines */
}

static size_t work_room(const rdc_exact_matrix *m) {
    if (m->blocks) return rdc_exact_blocks_room(m->blocks, RDC_DENSE_ROWS) + RDC_ALIGNMENT;
    const size_t of_doubles = (CHUNK + RDC_DENSE_ROWS + RDC_DENSE_COLUMNS) * m->inputs * sizeof(double);
    const size_t of_tiles = m->tiles ? rdc_exact_tiles_room(m, CHUNK) : 0;
    return (of_tiles > of_doubles ? of_tiles : of_doubles) + RDC_ALIGNMENT;
}

static void multiply_chunk(rdc_cpu_level cpu, const rdc_exact_matrix *m, const double *values, size_t tokens, double *work, double *products) {
    rdc_dense_kernel *kernel = rdc_dense_kernel_of(cpu);
    for (size_t t = 0; t < tokens; t += RDC_DENSE_ROWS) {
        const size_t n = tokens - t < RDC_DENSE_ROWS ? tokens - t : RDC_DENSE_ROWS;
        pack_tokens(m, values + t * m->inputs, n, work + CHUNK * m->inputs, work + t * m->inputs);
    }
    for (size_t panel = 0; panel < m->panels; panel++) {
        const double *columns = widened(m, panel, panel_room(m, work));
        for (size_t t = 0; t < tokens; t += RDC_DENSE_ROWS) {
            _Alignas(RDC_ALIGNMENT) double sums[RDC_DENSE_ROWS * RDC_DENSE_COLUMNS];
            kernel(work + t * m->inputs, columns, m->inputs, sums);
            store(m, sums, tokens - t < RDC_DENSE_ROWS ? tokens - t : RDC_DENSE_ROWS, panel, products + t * m->outputs);
        }
    }
}

/* A token's values as integers, for either kernel. */
typedef struct row_room {
    int32_t *values;     /* [inputs] */
    int16_t *high, *low; /* [2 * pairs] */
} row_room;

static row_room round_row(const rdc_exact_matrix *m, const double *values, double *work) {
    const row_room room = {(int32_t *)(void *)work, (int16_t *)(void *)(work + m->inputs), (int16_t *)(void *)(work + 2 * m->inputs)};
    for (size_t i = 0; i < m->inputs; i++) room.values[i] = (int32_t)rdc_rounded_within(values[i] * m->value_scale, m->limit);
    if (!m->is_short) return room;
    for (size_t i = 0; i < m->inputs; i++) rdc_pair_cut(room.values[i], &room.high[i], &room.low[i]);
    if (m->inputs % 2) room.low[m->inputs] = room.high[m->inputs] = 0;
    return room;
}

/* One by one, in integers. */
static void multiply_few(rdc_cpu_level cpu, const rdc_exact_matrix *m, const double *values, size_t tokens, double *work, double *products) {
    for (size_t t = 0; t < tokens; t++, values += m->inputs, products += m->outputs) {
        const row_room row = round_row(m, values, work);
        for (size_t panel = 0; panel < m->panels; panel++) {
            _Alignas(RDC_ALIGNMENT) int64_t sums[RDC_DENSE_COLUMNS];
            if (m->is_short) rdc_exact_pair_kernel_of(cpu)(row.high, row.low, m->pairs + panel * rdc_exact_pairs_of(m) * RDC_PAIR_COLUMNS, rdc_exact_pairs_of(m), sums);
            else rdc_exact_row_kernel_of(cpu)(row.values, m->columns + panel * m->inputs * RDC_DENSE_COLUMNS, m->inputs, sums);
            double *const to = products + panel * RDC_DENSE_COLUMNS;
            for (size_t o = 0; o < rdc_exact_columns_of(m, panel); o++) to[o] = (double)sums[o] * m->product_scale;
        }
    }
}

/* Tile by tile. */
static void multiply_blocks(rdc_cpu_level cpu, const rdc_exact_matrix *m, const double *values, size_t tokens, double *work, double *products) {
    for (size_t t = 0; t < tokens; t += RDC_DENSE_ROWS) {
        const size_t n = tokens - t < RDC_DENSE_ROWS ? tokens - t : RDC_DENSE_ROWS;
        rdc_exact_blocks_multiply(cpu, m->blocks, values + t * m->inputs, n, work, products + t * m->outputs);
    }
}

/* What a thread does. */
static void multiply_some(rdc_cpu_level cpu, const rdc_exact_matrix *m, const double *values, size_t tokens, double *work, double *products) {
    rdc_exact_tiles_function *multiply_tiles = rdc_exact_tiles_function_of(cpu, m);
    if (m->blocks) multiply_blocks(cpu, m, values, tokens, work, products);
    else if (tokens < FEW && m->limit <= MOST_INTEGER) multiply_few(cpu, m, values, tokens, work, products);
    else if (multiply_tiles) multiply_tiles(m, values, tokens, work, products);
    else multiply_chunk(cpu, m, values, tokens, work, products);
}

/* Tokens that a thread takes at a time: all threads have work, in whole tiles. */
static size_t chunk_for(size_t tokens, size_t threads) {
    const size_t tiles = (tokens + threads * RDC_DENSE_ROWS - 1) / (threads * RDC_DENSE_ROWS);
    return tiles * RDC_DENSE_ROWS < CHUNK ? (tiles + (tiles == 0)) * RDC_DENSE_ROWS : CHUNK;
}

/* All memory is taken before anything is written. */
rdc_status rdc_exact_multiply(rdc_cpu_level cpu, const rdc_exact_matrix *m, const double *values, size_t tokens, double *products) {
    if (tokens == 0 || m->outputs == 0) return rdc_ok();
    const int threads = rdc_threads_for(tokens);
    const size_t chunk = chunk_for(tokens, (size_t)threads), room = work_room(m);
    uint8_t *memory = malloc((size_t)threads * room);
    RDC_RETURN_IF(!memory, RDC_ERROR_MEMORY, 0, 0);
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(static)
#endif
    for (int64_t t = 0; t < (int64_t)tokens; t += (int64_t)chunk) {
        const size_t at = (size_t)t, n = tokens - at < chunk ? tokens - at : chunk;
        double *work = rdc_aligned(memory + rdc_thread_number() * room);
        multiply_some(cpu, m, values + at * m->inputs, n, work, products + at * m->outputs);
    }
    free(memory);
    return rdc_ok();
}
