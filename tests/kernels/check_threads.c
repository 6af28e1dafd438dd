/* Several threads work with the same tables, networks, matrices, predictors and loaded codecs at once, each with a state of its own: all find what one
 * thread alone finds, and ThreadSanitizer sees no race. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "checkpoint_inputs.h"
#include "exact_inputs.h"
#include "inputs.h"
#include "prediction_inputs.h"

#define THREADS 6
#define ROUNDS 4
#define SYMBOLS 3000
#define TOKENS 30
#define QUALITIES 12    /* more than a codec keeps transforms of */
#define FRAME_BYTES 512 /* at most */

/* What no thread changes. */
static struct {
    rdc_tables *tables;
    coded_block block;
    exact_product product;
    network network;
    const int16_t *x;
    predicted predicted;
    rdc_checkpoint *codecs[2]; /* alike; the first one is for the thread that is alone, for codecs keep what is made of them */
    const float *h;            /* [1, channels] */
} shared;

/* What a thread finds. */
typedef struct findings {
    rdc_cpu_level level;
    uint8_t *block;
    size_t block_size;
    int32_t *symbols, *levels, *choice;
    rdc_references references;
    uint16_t *index;
    double *products, *components;
    int16_t *outputs, *applied;
    const rdc_checkpoint *codec;
    uint8_t *frames; /* [QUALITIES, FRAME_BYTES] */
    int failures;
} findings;

static void *room(size_t count, size_t size) {
    void *made = calloc(count + 1, size);
    check_that(made != NULL, "there is memory");
    return made;
}

static findings make_findings(rdc_cpu_level level, const rdc_checkpoint *codec) {
    const size_t n = shared.predicted.info.tokens * shared.predicted.predictor.grid.components;
    const size_t outputs = TOKENS * rdc_net_outputs(shared.network.net);
    const size_t references = shared.predicted.info.tokens * shared.predicted.predictor.references.most;
    return (findings){
        .level = level,
        .block = room(shared.block.size, 1),
        .symbols = room(shared.block.n, sizeof(int32_t)),
        .levels = room(n, sizeof(int32_t)),
        .choice = room(shared.predicted.info.tokens, sizeof(int32_t)),
        .references = {room(references, sizeof(int32_t)), room(references, sizeof(int32_t))},
        .index = room(n, sizeof(uint16_t)),
        .products = room(shared.product.tokens * shared.product.outputs, sizeof(double)),
        .components = room(n, sizeof(double)),
        .outputs = room(outputs, sizeof(int16_t)),
        .applied = room(outputs, sizeof(int16_t)),
        .codec = codec,
        .frames = room(QUALITIES, FRAME_BYTES),
    };
}

static void free_findings(findings *f) {
    void *const all[] = {f->block, f->symbols, f->levels, f->choice, f->references.distance, f->references.weight,
                         f->index, f->products, f->components, f->outputs, f->applied, f->frames};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void expect(findings *f, rdc_status status) {
    f->failures += status.error != RDC_OK;
}

/* ---- What threads do ---- */

static void code_shared_block(findings *f) {
    const coded_block *b = &shared.block;
    const rdc_rans_kernels *kernels = rdc_rans_kernels_of(f->level);
    rdc_coded_block *coded = NULL;
    expect(f, rdc_block_encode(kernels, b->tables, b->symbols, b->index, b->n, b->lanes, 1, &coded));
    f->block_size = coded ? rdc_coded_block_size(coded) : 0;
    if (f->block_size == b->size) rdc_coded_block_write(coded, f->block);
    rdc_coded_block_free(coded);
    expect(f, rdc_block_decode_all(kernels, b->tables, b->bytes, b->size, b->n, b->index, 1, f->symbols));
}

static void run_network(findings *f) {
    rdc_net_state *state = NULL;
    expect(f, rdc_net_state_make(&state, shared.network.net));
    if (state) rdc_net_run(f->level, state, shared.x, TOKENS, f->outputs);
    rdc_net_state_free(state);
    expect(f, rdc_net_apply(f->level, shared.network.net, shared.x, TOKENS, f->applied));
}

static void encode_tokens(findings *f) {
    rdc_prediction *prediction = NULL;
    const predicted *p = &shared.predicted;
    expect(f, rdc_prediction_make(&prediction, &p->predictor));
    if (prediction) expect(f, rdc_prediction_encode(f->level, prediction, &p->info, p->y, f->levels, f->index, f->references, f->choice));
    rdc_prediction_free(prediction);
}

/* With the scales as side information has them: the block need not be the one that these would give. */
static void decode_tokens(findings *f) {
    rdc_prediction *prediction = NULL;
    rdc_coded_block *coded = NULL;
    const predicted *p = &shared.predicted;
    const size_t n = p->info.tokens * p->predictor.grid.components;
    int32_t *scales = calloc(p->info.tokens, sizeof *scales);
    rdc_block_decoder decoder;
    rdc_side_info info = p->info;
    for (size_t t = 0; scales && t < info.tokens; t++) scales[t] = info.token_scale[t] + p->predictor.costs.candidates[f->choice[t]];
    info.token_scale = scales;
    expect(f, rdc_prediction_make(&prediction, &p->predictor));
    expect(f, rdc_block_encode(rdc_rans_kernels_of(f->level), p->tables, f->levels, (rdc_index){f->index, 2}, n, 0, 1, &coded));
    const size_t size = coded ? rdc_coded_block_size(coded) : 0;
    uint8_t *bytes = malloc(size + 1);
    if (scales && bytes && coded && prediction) {
        rdc_coded_block_write(coded, bytes);
        expect(f, rdc_block_open(&decoder, rdc_rans_kernels_of(f->level), p->tables, bytes, size, n));
        expect(f, rdc_prediction_decode(f->level, prediction, &info, f->references, &decoder, f->components));
        expect(f, rdc_block_finish(&decoder));
    }
    rdc_coded_block_free(coded);
    rdc_prediction_free(prediction);
    free(scales);
    free(bytes);
}

/* A frame of each quality, whose transforms threads make at once. */
static void encode_frames(findings *f) {
    for (int32_t k = 0; k < QUALITIES; k++) {
        rdc_encoder *encoder = NULL;
        rdc_bytes frame = {NULL, 0};
        expect(f, rdc_encoder_make(&encoder, f->codec, 2 * k));
        if (encoder) expect(f, rdc_encoder_encode(encoder, shared.h, RDC_FLOAT32, 1, &frame));
        if (frame.size <= FRAME_BYTES) memcpy(f->frames + k * FRAME_BYTES, frame.bytes, frame.size);
        else f->failures++;
        rdc_encoder_free(encoder);
    }
}

static void *work(void *argument) {
    findings *f = argument;
    for (int round = 0; round < ROUNDS; round++) {
        code_shared_block(f);
        expect(f, rdc_exact_multiply(f->level, shared.product.matrix, shared.product.values, shared.product.tokens, f->products));
        run_network(f);
        encode_tokens(f);
        decode_tokens(f);
        encode_frames(f);
    }
    return NULL;
}

/* ---- Comparing ---- */

static void compare(const findings *alone, const findings *f) {
    const size_t n = shared.predicted.info.tokens * shared.predicted.predictor.grid.components;
    const size_t outputs = TOKENS * rdc_net_outputs(shared.network.net) * sizeof(int16_t);
    check_level(f->level);
    check_that(f->failures == 0 && f->block_size == shared.block.size, "every call succeeds");
    check_same(shared.block.bytes, f->block, shared.block.size, "block");
    check_same(shared.block.symbols, f->symbols, shared.block.n * sizeof(int32_t), "symbols");
    check_same(alone->products, f->products, shared.product.tokens * shared.product.outputs * sizeof(double), "products");
    check_same(alone->outputs, f->outputs, outputs, "outputs");
    check_same(alone->applied, f->applied, outputs, "outputs of tokens on their own");
    check_same(alone->levels, f->levels, n * sizeof(int32_t), "levels");
    check_same(alone->index, f->index, n * sizeof(uint16_t), "tables of levels");
    check_same(alone->components, f->components, n * sizeof(double), "components");
    check_same(alone->frames, f->frames, QUALITIES * FRAME_BYTES, "frames");
}

static void make_shared_block(rng *r) {
    const size_t mark = buffers_mark();
    shared.tables = make_tables(r, 14);
    do {
        buffers_release(mark);
        shared.block = make_block(r, shared.tables, SYMBOLS);
    } while (shared.block.n < SYMBOLS / 2);
}

static void make_shared_network(rng *r) {
    const size_t mark = buffers_mark();
    do {
        buffers_release(mark);
        rdc_net_free(shared.network.net);
        shared.network = make_network(r);
    } while (shared.network.uses_context);
    shared.x = make_values(r, TOKENS * rdc_net_inputs(shared.network.net), INT16_MAX + 1);
}

static void make_shared_prediction(rng *r) {
    const size_t mark = buffers_mark();
    rdc_status status;
    do {
        buffers_release(mark);
        free_predicted(&shared.predicted);
        shared.predicted = make_predicted(r);
        status = encode_predicted(RDC_CPU_SCALAR, &shared.predicted).status;
    } while (status.error != RDC_OK || shared.predicted.info.tokens < 10);
}

static void make_shared_codecs(rng *r) {
    const saved_codec saved = make_saved_codec(r, 1);
    for (size_t k = 0; k < 2; k++) {
        check_that(rdc_checkpoint_read(&shared.codecs[k], NULL, 0, saved.bytes, saved.size, NULL).error == RDC_OK, "a codec can be loaded");
    }
    float *h = buffer_take(rdc_checkpoint_describe(shared.codecs[0])->channels * sizeof *h);
    for (size_t i = 0; i < rdc_checkpoint_describe(shared.codecs[0])->channels; i++) h[i] = (float)rng_below(r, 1000) / 100 - 5;
    shared.h = h;
}

int main(void) {
    check_begin("threads", 0, 0);
    rng r = rng_of(2, 5);
    make_shared_block(&r);
    shared.product = make_exact_product(&r);
    make_shared_network(&r);
    make_shared_prediction(&r);
    make_shared_codecs(&r);
    const check_levels levels = check_levels_here();
    findings alone = make_findings(RDC_CPU_SCALAR, shared.codecs[0]), found[THREADS];
    work(&alone);
    compare(&alone, &alone);
    pthread_t threads[THREADS];
    for (size_t k = 0; k < THREADS; k++) {
        found[k] = make_findings(levels.of[k % levels.count], shared.codecs[1]);
        check_that(pthread_create(&threads[k], NULL, work, &found[k]) == 0, "a thread can be started");
    }
    for (size_t k = 0; k < THREADS; k++) pthread_join(threads[k], NULL);
    for (size_t k = 0; k < THREADS; k++) {
        compare(&alone, &found[k]);
        free_findings(&found[k]);
    }
    free_findings(&alone);
    rdc_tables_free(shared.tables);
    rdc_exact_matrix_free(shared.product.matrix);
    rdc_net_free(shared.network.net);
    free_predicted(&shared.predicted);
    for (size_t k = 0; k < 2; k++) rdc_checkpoint_free(shared.codecs[k]);
    buffers_release(0);
    printf("%d threads find the same\n", THREADS);
    return 0;
}
