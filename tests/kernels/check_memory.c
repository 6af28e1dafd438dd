/* What becomes of every public function that takes memory where there is none: its n-th allocation fails, for n = 0, 1, ... until all
 * succeed. Each time it says RDC_ERROR_MEMORY, nothing is lost, nothing is written, and the next call does all of its work.
 *
 * The program is linked with --wrap=malloc, --wrap=calloc, --wrap=realloc and --wrap=free. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "codec_inputs.h"
#include "entropy/part.h"
#include "exact_inputs.h"
#include "inputs.h"
#include "links.h"
#include "prediction_inputs.h"

/* ---- Allocations, which threads may make at once ---- */

static _Atomic long until_failure = LONG_MAX, held;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

static void *counted(void *memory) {
    held += memory != NULL;
    return memory;
}

void *__wrap_malloc(size_t size) {
    return until_failure-- == 0 ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size) {
    return until_failure-- == 0 ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *memory, size_t size) {
    if (until_failure-- == 0) return NULL;
    void *moved = __real_realloc(memory, size);
    held += moved && !memory;
    return moved;
}

void __wrap_free(void *memory) {
    held -= memory != NULL;
    __real_free(memory);
}

/* ---- What is called ---- */

#define SCALAR_KERNELS rdc_rans_kernels_of(RDC_CPU_SCALAR)
#define MOST_OUT ((RDC_PART_SYMBOLS + 64) * sizeof(int32_t))
#define FILL 0x5a
#define POINTS 700
#define MATRIX 130 /* rows */
#define DRAWS 1100
#define TOKENS 40

/* Made before anything may fail. */
static struct {
    rng r;
    rdc_tables *few, *many;
    coded_block block, parts;
    exact_product product;
    network network;
    rdc_net_state *state;
    predicted predicted;
    rdc_prediction *prediction;
    codec_case codec;
    const uint8_t *payload;
    size_t payload_size;
    double doubles[MATRIX * MATRIX];
    float floats[MATRIX * MATRIX];
    int64_t counts[MATRIX];
} given;

/* Puts what it finds into `out`, which holds FILL or what `prepare` puts there. */
typedef rdc_status call(uint8_t *out);

static rdc_status make_few_tables(uint8_t *out) {
    rdc_tables *made = NULL;
    const uint32_t counts[] = {2, 3};
    const int32_t offsets[] = {0, -1};
    const uint16_t frequencies[] = {4095, 1, 1, 4094, 1};
    const rdc_status status = rdc_tables_create(&made, 12, 2, counts, offsets, frequencies, 5, NULL);
    check_that((status.error == RDC_OK) == (made != NULL), "tables are made or not");
    if (made) rdc_tables_export(made, (uint32_t *)(void *)out, (int32_t *)(void *)(out + 64), (uint16_t *)(void *)(out + 128));
    rdc_tables_free(made);
    return status;
}

static rdc_status make_gaussian_tables(uint8_t *out) {
    rdc_tables *made = NULL;
    const rdc_status status = rdc_tables_create_gaussian(&made);
    check_that((status.error == RDC_OK) == (made != NULL), "tables are made or not");
    if (made) out[0] = (uint8_t)rdc_tables_count(made);
    rdc_tables_free(made);
    return status;
}

static rdc_status round_pmf(uint8_t *out) {
    static const double pmf[] = {0.1, 0.5, 1e-9, 0.3};
    rdc_rounded rounded = {0};
    const rdc_status status = rdc_pmf_round(pmf, 4, 7, 12, &rounded);
    for (uint32_t i = 0; i < rounded.count; i++) out[i] = (uint8_t)rounded.frequencies[i];
    rdc_rounded_free(&rounded);
    return status;
}

/* Two symbols far apart: a wide table. */
static rdc_status round_wide_pmf(uint8_t *out) {
    static const double pmf[5000] = {[0] = 0.5, [4999] = 0.5};
    rdc_rounded rounded = {0};
    rdc_tables *made = NULL;
    rdc_status status = rdc_pmf_round(pmf, 5000, 7, 12, &rounded);
    if (status.error == RDC_OK) {
        const rdc_wide_arrays wide = {rounded.raw_bits, &rounded.run_count, rounded.runs, rounded.run_count};
        status = rdc_tables_create(&made, 12, 1, &rounded.count, &rounded.offset, rounded.frequencies, rounded.count, &wide);
    }
    if (made) out[0] = (uint8_t)rdc_tables_run_total(made);
    rdc_tables_free(made);
    rdc_rounded_free(&rounded);
    return status;
}

static rdc_status encode(const coded_block *block, uint8_t *out) {
    rdc_coded_block *made = NULL;
    const rdc_status status = rdc_block_encode(SCALAR_KERNELS, block->tables, block->symbols, block->index, block->n,
                                               block->lanes, 2, &made);
    check_that((status.error == RDC_OK) == (made != NULL), "a block is made or not");
    if (made) rdc_coded_block_write(made, out);
    rdc_coded_block_free(made);
    return status;
}

static rdc_status encode_block_of_one_part(uint8_t *out) {
    return encode(&given.block, out);
}

static rdc_status encode_parts(uint8_t *out) {
    return encode(&given.parts, out);
}

static rdc_status decode_parts(uint8_t *out) {
    const coded_block *b = &given.parts;
    return rdc_block_decode_all(SCALAR_KERNELS, b->tables, b->bytes, b->size, b->n, b->index, 2, (int32_t *)(void *)out);
}

static rdc_status make_exact_matrix(uint8_t *out) {
    static const double integers[] = {1, 2, 3, 4, 5, 6};
    static const double values[] = {1, -1};
    rdc_exact_matrix *made = NULL;
    rdc_status status = rdc_exact_matrix_make(&made, integers, 2, 3, (rdc_exact_format){1, 2, 3});
    check_that((status.error == RDC_OK) == (made != NULL), "a matrix is made or not");
    if (made) status = rdc_exact_multiply(RDC_CPU_SCALAR, made, values, 1, (double *)(void *)out);
    rdc_exact_matrix_free(made);
    return status;
}

static rdc_status make_exact_blocks(uint8_t *out) {
    static const int16_t integers[] = {1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8};
    static const double values[] = {1, -1, 2, -2};
    static const rdc_exact_format formats[] = {{1, 2, 3}, {1, 2, 3}};
    rdc_exact_matrix *made = NULL;
    rdc_status status = rdc_exact_blocks_make(&made, integers, (rdc_exact_shape){2, 4, 2, 2}, formats);
    check_that((status.error == RDC_OK) == (made != NULL), "blocks are made or not");
    if (made) status = rdc_exact_multiply(RDC_CPU_SCALAR, made, values, 1, (double *)(void *)out);
    rdc_exact_matrix_free(made);
    return status;
}

static rdc_status multiply(uint8_t *out) {
    return rdc_exact_multiply(RDC_CPU_SCALAR, given.product.matrix, given.product.values, given.product.tokens, (double *)(void *)out);
}

static rdc_status quantise(uint8_t *out) {
    return rdc_trellis_quantise(RDC_CPU_SCALAR, given.doubles, MATRIX, MATRIX, (int32_t *)(void *)out);
}

static rdc_status make_net(uint8_t *out) {
    static const int16_t weights[] = {1, 2, 300, 4};
    static const int32_t bias[] = {1, 2};
    static const uint8_t shift[] = {0, 1};
    const rdc_net_layer layer = {.weights = weights, .bias = bias, .shift = shift, .inputs = 2, .outputs = 2, .taps = 1, .dilation = 1,
                                 .lowest = -9, .highest = 9};
    rdc_net *made = NULL;
    const rdc_status status = rdc_net_make(&made, &layer, 1, 100);
    check_that((status.error == RDC_OK) == (made != NULL), "a network is made or not");
    if (made) out[0] = (uint8_t)rdc_net_outputs(made);
    rdc_net_free(made);
    return status;
}

static rdc_status make_state(uint8_t *out) {
    rdc_net_state *made = NULL;
    const rdc_status status = rdc_net_state_make(&made, given.network.net);
    check_that((status.error == RDC_OK) == (made != NULL), "a state is made or not");
    if (made) rdc_net_state_save(made, (int16_t *)(void *)out);
    rdc_net_state_free(made);
    return status;
}

static rdc_status copy_state(uint8_t *out) {
    rdc_net_state *made = NULL;
    const rdc_status status = rdc_net_state_copy(&made, given.state);
    check_that((status.error == RDC_OK) == (made != NULL), "a state is copied or not");
    if (made) rdc_net_state_save(made, (int16_t *)(void *)out);
    rdc_net_state_free(made);
    return status;
}

/* Of as many inputs as its numbers have rows. */
static rdc_status apply_net(uint8_t *out) {
    return rdc_net_apply(RDC_CPU_SCALAR, given.network.net, (const int16_t *)(const void *)given.doubles, TOKENS, (int16_t *)(void *)out);
}

static rdc_status find_best_rows(uint8_t *out) {
    const int16_t *x = (const int16_t *)(const void *)given.doubles;
    return rdc_net_best_row(RDC_CPU_SCALAR, given.network.net, x, TOKENS, (int32_t *)(void *)out);
}

static rdc_status start_prediction(uint8_t *out) {
    rdc_prediction *made = NULL;
    const rdc_status status = rdc_prediction_make(&made, &given.predicted.predictor);
    check_that((status.error == RDC_OK) == (made != NULL), "a prediction begins or not");
    if (made) rdc_prediction_save(made, (int16_t *)(void *)out);
    rdc_prediction_free(made);
    return status;
}

static rdc_status copy_prediction(uint8_t *out) {
    rdc_prediction *made = NULL;
    const rdc_status status = rdc_prediction_copy(&made, given.prediction);
    check_that((status.error == RDC_OK) == (made != NULL), "a prediction is copied or not");
    if (made) rdc_prediction_save(made, (int16_t *)(void *)out);
    rdc_prediction_free(made);
    return status;
}

/* Where tokens were coded the prediction is taken back, so that each call begins alike; where they were not it must not have moved. */
static rdc_status encode_tokens(uint8_t *out) {
    const predicted *p = &given.predicted;
    const size_t n = p->info.tokens * p->predictor.grid.components;
    const size_t references = p->info.tokens * p->predictor.references.most;
    int32_t *levels = (int32_t *)(void *)out, *choice = levels + n, *distance = choice + p->info.tokens, *weight = distance + references;
    const rdc_status status = rdc_prediction_encode(RDC_CPU_SCALAR, given.prediction, &p->info, p->y, levels,
                                                    (uint16_t *)(void *)(weight + references), (rdc_references){distance, weight}, choice);
    if (status.error == RDC_OK) rdc_prediction_rollback(given.prediction);
    return status;
}

static rdc_status unpack_codebook(uint8_t *out) {
    static const uint8_t exponents[2] = {0}, classes[3] = {0};
    static const int32_t levels[6] = {0, 1, -1, 0, 0, 1};
    static const uint8_t index[6] = {0};
    rdc_coded_block *coded = NULL;
    uint8_t block[64];
    rdc_status status = rdc_block_encode(SCALAR_KERNELS, given.parts.tables, levels, (rdc_index){index, 1}, 6, 1, 1, &coded);
    if (status.error == RDC_OK) {
        const rdc_packed_codebook packed = {block, rdc_coded_block_size(coded), given.parts.tables, exponents, classes, classes, 2, 3};
        rdc_coded_block_write(coded, block);
        status = rdc_codebook_unpack(RDC_CPU_SCALAR, &packed, (int16_t *)(void *)out);
    }
    rdc_coded_block_free(coded);
    return status;
}

static rdc_status make_codec(uint8_t *out) {
    rdc_codec *made = NULL;
    const rdc_status status = rdc_codec_make(&made, &given.codec.parts);
    check_that((status.error == RDC_OK) == (made != NULL), "a codec is made or not");
    if (made) out[0] = (uint8_t)rdc_codec_kinds(made);
    rdc_codec_free(made);
    return status;
}

static rdc_status encode_tokens_of_codec(uint8_t *out) {
    const codec_case *c = &given.codec;
    rdc_prediction *prediction;
    rdc_coded_block *block = NULL;
    rdc_status status = rdc_prediction_make(&prediction, c->parts.predictor);
    if (status.error == RDC_OK) {
        status = rdc_codec_encode(RDC_CPU_SCALAR, c->codec, c->analysis, &prediction, c->h, 1, c->tokens, c->quality, &block);
    }
    check_that((status.error == RDC_OK) == (block != NULL), "there is a payload or not");
    if (block) rdc_coded_block_write(block, out);
    rdc_coded_block_free(block);
    rdc_prediction_free(prediction);
    return status;
}

static rdc_status decode_tokens_of_codec(uint8_t *out) {
    const codec_case *c = &given.codec;
    rdc_prediction *prediction;
    rdc_status status = rdc_prediction_make(&prediction, c->parts.predictor);
    if (status.error == RDC_OK) {
        const rdc_payload payload = {given.payload, given.payload_size};
        status = rdc_codec_decode(RDC_CPU_SCALAR, c->codec, &prediction, &payload, 1, c->tokens, c->quality, (float *)(void *)out);
    }
    rdc_prediction_free(prediction);
    return status;
}

/* ---- Estimators ---- */

static rdc_status find_entropy(uint8_t *out) {
    return rdc_entropy_of_counts(given.counts, MATRIX, RDC_ENTROPY_NSB, 2 * MATRIX, (rdc_estimate *)(void *)out);
}

static rdc_status add_gram(uint8_t *out) {
    return rdc_gram_add(RDC_CPU_SCALAR, given.doubles, MATRIX, MATRIX, 0, (double *)(void *)out);
}

static void prepare_positive_definite(uint8_t *out) {
    double *matrix = (double *)(void *)out;
    for (size_t i = 0; i < MATRIX; i++) {
        for (size_t j = 0; j < MATRIX; j++) matrix[i * MATRIX + j] = i == j ? 2 * MATRIX : 1;
    }
}

static rdc_status factor(uint8_t *out) {
    return rdc_cholesky(RDC_CPU_SCALAR, (double *)(void *)out, MATRIX);
}

static rdc_status find_neighbours(uint8_t *out) {
    return rdc_neighbour_distances(RDC_CPU_SCALAR, given.doubles, POINTS, MATRIX * MATRIX / POINTS, 3, (double *)(void *)out);
}

static rdc_status find_maxima(uint8_t *out) {
    return rdc_rademacher_maxima(RDC_CPU_SCALAR, given.floats, MATRIX, MATRIX, 5, DRAWS, (float *)(void *)out);
}

static void prepare_zeros(uint8_t *out) {
    memset(out, 0, DRAWS * sizeof(float));
}

static rdc_status find_forms(uint8_t *out) {
    return rdc_rademacher_forms(RDC_CPU_SCALAR, given.doubles, MATRIX, 5, DRAWS, (double *)(void *)out);
}

static void prepare_probabilities(uint8_t *out) {
    double *q = (double *)(void *)out;
    q[0] = q[1] = 0.5;
}

static rdc_status find_rate(uint8_t *out) {
    static const double p[] = {0.3, 0.7}, distortion[] = {0, 1, 1, 0};
    const rdc_source source = {p, distortion, 2, 2};
    double *q = (double *)(void *)out;
    return rdc_blahut_arimoto(&source, 1, 1e-6, 50, q, (rdc_rate_point *)(void *)(q + 2));
}

static const struct {
    const char *name;
    call *run;
    void (*prepare)(uint8_t *out);
    size_t out;     /* bytes that are looked at */
    int is_used_up; /* what is written is no longer what it was after an error */
} calls[] = {
    {"rdc_tables_create", make_few_tables, NULL, 256, 0},
    {"rdc_tables_create_gaussian", make_gaussian_tables, NULL, 1, 0},
    {"rdc_pmf_round", round_pmf, NULL, 64, 0},
    {"rdc_pmf_round of a wide table", round_wide_pmf, NULL, 64, 0},
    {"rdc_pmf_round", round_wide_pmf, NULL, 64, 0},
    {"rdc_block_encode", encode_block_of_one_part, NULL, 1 << 16, 0},
    {"rdc_block_encode, parts", encode_parts, NULL, MOST_OUT, 0},
    {"rdc_block_decode_all", decode_parts, NULL, MOST_OUT, 0},
    {"rdc_exact_matrix_make", make_exact_matrix, NULL, 3 * sizeof(double), 0},
    {"rdc_exact_blocks_make", make_exact_blocks, NULL, 4 * sizeof(double), 0},
    {"rdc_exact_multiply", multiply, NULL, 1 << 18, 0},
    {"rdc_trellis_quantise", quantise, NULL, MATRIX * MATRIX * sizeof(int32_t), 0},
    {"rdc_net_make", make_net, NULL, 1, 0},
    {"rdc_net_state_make", make_state, NULL, 1 << 16, 0},
    {"rdc_net_state_copy", copy_state, NULL, 1 << 16, 0},
    {"rdc_net_apply", apply_net, NULL, 1 << 16, 0},
    {"rdc_net_best_row", find_best_rows, NULL, TOKENS * sizeof(int32_t), 0},
    {"rdc_prediction_make", start_prediction, NULL, 1 << 16, 0},
    {"rdc_prediction_copy", copy_prediction, NULL, 1 << 16, 0},
    {"rdc_prediction_encode", encode_tokens, NULL, 1 << 16, 1},
    {"rdc_codebook_unpack", unpack_codebook, NULL, 6 * sizeof(int16_t), 0},
    {"rdc_codec_make", make_codec, NULL, 1, 0},
    {"rdc_codec_encode", encode_tokens_of_codec, NULL, 1 << 16, 0},
    {"rdc_codec_decode", decode_tokens_of_codec, NULL, 1 << 16, 0},
    {"rdc_checkpoint_read, calibrated", load_calibrated, NULL, 8, 0},
    {"rdc_checkpoint_read, learned", load_learned, NULL, 8, 0},
    {"rdc_encoder_make and _fork", make_encoder, NULL, 1, 0},
    {"rdc_decoder_make and _fork", make_decoder, NULL, 1, 0},
    {"rdc_encoder_encode", encode_frame, NULL, 256, 0},
    {"rdc_encoder_encode at another quality", encode_at_another_quality, NULL, 256, 0},
    {"rdc_decoder_decode", decode_frame, NULL, 256, 0},
    {"rdc_entropy_of_counts", find_entropy, NULL, sizeof(rdc_estimate), 0},
    {"rdc_gram_add", add_gram, NULL, MATRIX * MATRIX * sizeof(double), 0},
    {"rdc_cholesky", factor, prepare_positive_definite, MATRIX * MATRIX * sizeof(double), 1},
    {"rdc_neighbour_distances", find_neighbours, NULL, 3 * POINTS * sizeof(double), 0},
    {"rdc_rademacher_maxima", find_maxima, prepare_zeros, DRAWS * sizeof(float), 0},
    {"rdc_rademacher_forms", find_forms, NULL, DRAWS * sizeof(double), 0},
    {"rdc_blahut_arimoto", find_rate, prepare_probabilities, 2 * sizeof(double) + sizeof(rdc_rate_point), 0},
};

#define CALLS (sizeof calls / sizeof *calls)

/* ---- Inputs ---- */

static void make_parts(void) {
    coded_block *b = &given.parts;
    *b = (coded_block){.tables = gaussian_tables(), .n = RDC_PART_SYMBOLS + 9};
    uint8_t *index = buffer_take(b->n);
    b->symbols = buffer_take(b->n * sizeof *b->symbols);
    for (size_t i = 0; i < b->n; i++) {
        index[i] = (uint8_t)(i % 16);
        b->symbols[i] = i % 1000 == 0 ? 100 : 0;
    }
    b->index = (rdc_index){index, 1};
    b->bytes = encode_block(SCALAR_KERNELS, b->tables, b->symbols, b->index, b->n, 0, &b->size);
}

/* One whose network has one layer without a memory, so that all that networks do can be done with it. */
static void make_network_to_apply(void) {
    const size_t mark = buffers_mark();
    do {
        buffers_release(mark);
        rdc_net_free(given.network.net);
        given.network = make_network_between(&given.r, 8, 20);
    } while (given.network.uses_context || given.network.count > 1);
}

/* Of tokens enough for threads, as what follows. */
static void make_product(void) {
    const size_t mark = buffers_mark();
    do {
        buffers_release(mark);
        rdc_exact_matrix_free(given.product.matrix);
        given.product = make_exact_product(&given.r);
    } while (given.product.tokens < 20);
}

static void make_prediction_of_tokens(void) {
    const size_t mark = buffers_mark();
    do {
        buffers_release(mark);
        free_predicted(&given.predicted);
        given.predicted = make_predicted(&given.r);
    } while (given.predicted.info.tokens < 20 || encode_predicted(RDC_CPU_SCALAR, &given.predicted).status.error != RDC_OK);
    given.prediction = make_prediction(&given.predicted);
    uint8_t *out = buffer_take(1 << 16);
    check_that(encode_tokens(out).error == RDC_OK, "there is memory"); /* of which it keeps some for the next time */
}

/* Of all kinds of parts. */
static void make_codec_of_tokens(void) {
    const size_t mark = buffers_mark();
    do {
        buffers_release(mark);
        free_codec_case(&given.codec);
        given.codec = make_codec_case(&given.r);
    } while (given.codec.tokens < 20 || !given.codec.parts.latents || !given.codec.parts.step.net || !given.codec.parts.predictor->net);
    given.payload = encode_codec_case(RDC_CPU_SCALAR, &given.codec, &given.payload_size);
}

static void make_inputs(void) {
    given.r = rng_of(1, 1);
    for (size_t i = 0; i < MATRIX * MATRIX; i++) {
        given.doubles[i] = (int32_t)rng_below(&given.r, 2001) - 1000;
        given.floats[i] = (float)given.doubles[i];
    }
    for (size_t i = 0; i < MATRIX; i++) given.counts[i] = rng_below(&given.r, 90);
    given.few = make_tables(&given.r, 14);
    given.block = make_block(&given.r, given.few, 3000);
    make_parts();
    make_product();
    make_network_to_apply();
    check_that(rdc_net_state_make(&given.state, given.network.net).error == RDC_OK, "there is memory");
    make_prediction_of_tokens();
    make_codec_of_tokens();
    make_links(&given.r);
}

static void free_inputs(void) {
    rdc_tables_free(given.few);
    rdc_exact_matrix_free(given.product.matrix);
    rdc_net_state_free(given.state);
    rdc_net_free(given.network.net);
    rdc_prediction_free(given.prediction);
    free_predicted(&given.predicted);
    free_codec_case(&given.codec);
    free_links();
}

/* ---- Failures ---- */

static void prepare(size_t k, uint8_t *out) {
    memset(out, FILL, calls[k].out);
    if (calls[k].prepare) calls[k].prepare(out);
}

static rdc_status run_failing_at(size_t k, long n, uint8_t *out) {
    const long before = held;
    until_failure = n;
    const rdc_status status = calls[k].run(out);
    until_failure = LONG_MAX;
    check_that(held == before, "no memory is lost");
    return status;
}

/* Returns how many allocations there are. */
static long check_call(size_t k, uint8_t *expected, uint8_t *out, uint8_t *untouched) {
    check_begin(calls[k].name, 0, 0);
    prepare(k, untouched);
    prepare(k, expected);
    check_that(run_failing_at(k, LONG_MAX, expected).error == RDC_OK, "there is memory");
    for (long n = 0;; n++) {
        check_begin(calls[k].name, 0, (size_t)n);
        prepare(k, out);
        const rdc_status status = run_failing_at(k, n, out);
        if (status.error == RDC_OK) {
            check_same(expected, out, calls[k].out, "result");
            return n;
        }
        check_that(status.error == RDC_ERROR_MEMORY, "lack of memory is said");
        if (calls[k].is_used_up) prepare(k, out);
        check_same(untouched, out, calls[k].out, "what was there before");
        check_that(run_failing_at(k, LONG_MAX, out).error == RDC_OK, "the next call has memory");
        check_same(expected, out, calls[k].out, "result of the next call");
    }
}

int main(void) {
    check_begin("inputs", 0, 0);
    make_inputs();
    uint8_t *out[3];
    for (int i = 0; i < 3; i++) out[i] = malloc(MOST_OUT);
    check_that(out[0] && out[1] && out[2], "there is memory");
    for (size_t k = 0; k < CALLS; k++) {
        const long allocations = check_call(k, out[0], out[1], out[2]);
        check_that(allocations > 0, "the call takes memory");
        printf("%s: %ld allocations\n", calls[k].name, allocations);
    }
    for (int i = 0; i < 3; i++) free(out[i]);
    free_inputs();
    buffers_release(0);
    return 0;
}
