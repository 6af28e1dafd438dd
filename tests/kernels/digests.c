/* Checksums of blocks and of what networks put out: machines that print the same write the same bytes. */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "groups.h"
#include "inputs.h"
#include "net_inputs.h"
#include "prediction_inputs.h"
#include "wide_inputs.h"

#define SETS 12 /* of tables, for each precision */
#define NETWORKS 60
#define PREDICTIONS 60

/* A checksum of blocks in order: of the one so far and that of the next. */
static uint32_t add_to_digest(uint32_t digest, const uint8_t *bytes, size_t size) {
    uint8_t pair[8];
    rdc_store32(pair, digest);
    rdc_store32(pair + 4, rdc_crc32(UINT32_MAX, bytes, size));
    return rdc_crc32(UINT32_MAX, pair, sizeof pair);
}

static rdc_cpu_level best_level(void) {
    const check_levels levels = check_levels_here();
    return levels.of[levels.count - 1];
}

/* Adds the block of these symbols; decodes it as well. */
static uint32_t digest_symbols(uint32_t digest, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n,
                               unsigned lanes) {
    const rdc_rans_kernels *kernels = rdc_rans_kernels_of(best_level());
    const size_t mark = buffers_mark();
    size_t size;
    const uint8_t *block = encode_block(kernels, tables, symbols, index, n, lanes, &size);
    int32_t *decoded = malloc(n * sizeof *decoded); /* may be too large for a buffer */
    check_that(decoded != NULL, "there is memory");
    const rdc_status status = rdc_block_decode_all(kernels, tables, block, size, n, index, 1, decoded);
    check_that(status.error == RDC_OK, "a block can be decoded");
    check_same(symbols, decoded, n * sizeof *symbols, "decoded symbols");
    digest = add_to_digest(digest, block, size);
    free(decoded);
    buffers_release(mark);
    return digest;
}

/* Of blocks with these tables, which are freed. */
static uint32_t digest_tables(uint32_t digest, rng *r, rdc_tables *tables) {
    const size_t mark = buffers_mark(), n = 1 + rng_count(r, 3000, 32);
    const rdc_index index = make_index(r, tables, n);
    const int32_t *symbols = make_symbols(r, tables, index, n);
    digest = digest_symbols(digest, tables, symbols, index, n, 0);
    for (unsigned lanes = 1; lanes <= RDC_MAX_LANES; lanes *= 2) digest = digest_symbols(digest, tables, symbols, index, n, lanes);
    buffers_release(mark);
    rdc_tables_free(tables);
    return digest;
}

static void print_digest_of_precision(unsigned precision) {
    check_begin("digests", 0, precision);
    rng r = rng_of(0, precision);
    uint32_t digest = 0;
    for (int set = 0; set < SETS; set++) digest = digest_tables(digest, &r, make_tables(&r, precision));
    printf("blocks of precision %u: %08lx\n", precision, (unsigned long)digest);
}

static uint32_t digest_wide_tables(uint32_t digest, rng *r) {
    return digest_tables(digest, r, make_wide_tables(r, RDC_MIN_PRECISION + rng_below(r, 4)));
}

/* A block of two parts with the built-in tables, and symbols that suit them. */
static void print_digest_of_parts(void) {
    check_begin("digests", 0, 0);
    rng r = rng_of(0, 0);
    const size_t n = 540001;
    rdc_tables *tables = NULL;
    check_that(rdc_tables_create_gaussian(&tables).error == RDC_OK, "the built-in tables can be made");
    int32_t *symbols = malloc(n * sizeof *symbols);
    uint8_t *index = malloc(n);
    check_that(symbols && index, "there is memory");
    for (size_t i = 0; i < n; i++) {
        index[i] = (uint8_t)rng_below(&r, (uint32_t)tables->count);
        const int32_t width = (int32_t)(tables->tables[index[i]].escape / 8 + 1);
        symbols[i] = (int32_t)(rng_below(&r, (uint32_t)width + 1) + rng_below(&r, (uint32_t)width + 1)) - width;
    }
    printf("block of two parts: %08lx\n", (unsigned long)digest_symbols(0, tables, symbols, (rdc_index){index, 1}, n, 0));
    free(symbols);
    free(index);
    rdc_tables_free(tables);
}

/* Of a network's outputs for any inputs. */
static uint32_t digest_network(uint32_t digest, rng *r) {
    const size_t mark = buffers_mark(), tokens = 1 + rng_count(r, 100, 64);
    const network n = make_network(r);
    const size_t values = tokens * rdc_net_outputs(n.net);
    const int16_t *x = make_values(r, tokens * rdc_net_inputs(n.net), INT16_MAX + 1);
    int16_t *out = buffer_take(values * sizeof *out);
    uint8_t *bytes = buffer_take(2 * values);
    rdc_net_state *state = NULL;
    check_that(rdc_net_state_make(&state, n.net).error == RDC_OK, "there is memory");
    rdc_net_run(best_level(), state, x, tokens, out);
    for (size_t i = 0; i < values; i++) rdc_store16(bytes + 2 * i, (uint16_t)out[i]);
    digest = add_to_digest(digest, bytes, 2 * values);
    rdc_net_state_free(state);
    rdc_net_free(n.net);
    buffers_release(mark);
    return digest;
}

/* Of the block of levels coded under predictions, and of the components that it decodes to. */
static uint32_t digest_prediction(uint32_t digest, rng *r) {
    const size_t mark = buffers_mark();
    predicted p = make_predicted(r);
    const coded_levels coded = encode_predicted(best_level(), &p);
    if (coded.status.error == RDC_OK) {
        const size_t values = p.info.tokens * p.predictor.grid.components;
        const double *decoded = decode_predicted(best_level(), &p, &coded);
        uint8_t *bytes = buffer_take(8 * values);
        for (size_t i = 0; i < values; i++) {
            const int64_t fixed = (int64_t)(decoded[i] * (1 << RDC_COMPONENT_BITS));
            rdc_store32(bytes + 8 * i, (uint32_t)fixed);
            rdc_store32(bytes + 8 * i + 4, (uint32_t)((uint64_t)fixed >> 32));
        }
        digest = add_to_digest(add_to_digest(digest, coded.block, coded.size), bytes, 8 * values);
    }
    free_predicted(&p);
    buffers_release(mark);
    return digest;
}

/* Of inputs that follow one another: adds one at a time. */
static void print_digest_of(const char *name, uint32_t add(uint32_t digest, rng *r), int count) {
    check_begin("digests", 0, 0);
    rng r = rng_of(0, 0);
    uint32_t digest = 0;
    for (int k = 0; k < count; k++) digest = add(digest, &r);
    printf("%s: %08lx\n", name, (unsigned long)digest);
}

void print_digests(void) {
    for (unsigned precision = RDC_MIN_PRECISION; precision <= RDC_MAX_PRECISION; precision++) print_digest_of_precision(precision);
    print_digest_of_parts();
    print_digest_of("blocks of wide tables", digest_wide_tables, 4 * SETS);
    print_digest_of("networks", digest_network, NETWORKS);
    print_digest_of("predictions", digest_prediction, PREDICTIONS);
}
