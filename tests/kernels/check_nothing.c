/* Nothing at all, at no address: no tokens, no symbols, no bytes. Sanitizers see where it is read, copied or counted from. Tokens
 * without components have addresses. */
#include "groups.h"
#include "inputs.h"
#include "prediction_inputs.h"

static void expect(rdc_status status, rdc_error error, const char *what) {
    check_same_status((rdc_status){error, 0, 0}, status, what);
}

static void check_bytes(void) {
    rdc_header header;
    rdc_frame frame;
    size_t at = 0;
    expect(rdc_header_read(NULL, 0, &header, &at), RDC_ERROR_TRUNCATED, "a header of no bytes");
    expect(rdc_frame_read(NULL, 0, &at, RDC_CHAIN_START, &frame), RDC_ERROR_TRUNCATED, "a frame of no bytes");
}

static void check_coder(rdc_cpu_level level, const rdc_tables *tables) {
    const rdc_rans_kernels *kernels = rdc_rans_kernels_of(level);
    const rdc_index none = {NULL, 2};
    rdc_coded_block *coded = NULL;
    rdc_block_decoder decoder;
    double bits;
    expect(rdc_block_encode(kernels, tables, NULL, none, 0, 0, 1, &coded), RDC_OK, "encoding no symbols");
    check_that(rdc_coded_block_size(coded) == 0, "no symbols take no bytes");
    rdc_coded_block_write(coded, NULL);
    rdc_coded_block_free(coded);
    expect(rdc_block_decode_all(kernels, tables, NULL, 0, 0, none, 1, NULL), RDC_OK, "decoding no symbols");
    expect(rdc_block_decode_all(kernels, tables, NULL, 0, 1, (rdc_index){"", 1}, 1, (int32_t[1]){0}), RDC_ERROR_TRUNCATED, "no bytes");
    expect(rdc_block_open(&decoder, kernels, tables, NULL, 0, 0), RDC_OK, "opening a block of no symbols");
    expect(rdc_block_decode(&decoder, none, 0, NULL), RDC_OK, "decoding no symbols of none");
    expect(rdc_block_decode_following(&decoder, NULL, (rdc_parity_register){0, 5, 2}, 0, NULL), RDC_OK, "with tables that follow");
    expect(rdc_block_finish(&decoder), RDC_OK, "the end of a block of no symbols");
    expect(rdc_block_ideal_bits(tables, NULL, none, 0, &bits), RDC_OK, "bits of no symbols");
}

static void check_quantisers(rdc_cpu_level level) {
    const double step = 1, inward[2] = {0, 0};
    expect(rdc_quantise(level, NULL, RDC_FLOAT16, 0, 1, &step, 0, NULL), RDC_OK, "quantising no tokens");
    expect(rdc_quantise(level, NULL, RDC_FLOAT32, 3, 0, NULL, 0, NULL), RDC_OK, "quantising no channels");
    expect(rdc_dequantise(level, NULL, 0, 1, &step, inward, NULL), RDC_OK, "values of no tokens");
    expect(rdc_trellis_quantise(level, NULL, 0, 3, NULL), RDC_OK, "levels of no tokens");
    expect(rdc_trellis_quantise(level, NULL, 3, 0, NULL), RDC_OK, "levels of no components");
    rdc_trellis_odd_levels(NULL, 0, 3, NULL);
    rdc_trellis_odd_levels(NULL, 3, 0, NULL);
}

static void check_matrix(rdc_cpu_level level, size_t inputs, size_t outputs) {
    rdc_exact_matrix *matrix = NULL;
    const double values[3] = {1, 2, 3};
    double products[3] = {7, 7, 7};
    expect(rdc_exact_matrix_make(&matrix, NULL, inputs, outputs, (rdc_exact_format){0, 0, 9}), RDC_OK, "a matrix of nothing");
    expect(rdc_exact_multiply(level, matrix, NULL, 0, NULL), RDC_OK, "products of no tokens");
    expect(rdc_exact_multiply(level, matrix, values, 1, outputs ? products : NULL), RDC_OK, "products with nothing");
    for (size_t o = 0; o < outputs; o++) check_that(products[o] == 0, "a sum of nothing is 0");
    rdc_exact_matrix_free(matrix);
}

static void check_levels_of_nothing(void) {
    const rdc_level_grid none = {NULL, NULL, 0, 1, 0};
    int64_t counts[6];
    expect(rdc_levels_count(&none, NULL, NULL, 0, 1, 2, counts), RDC_OK, "counting no levels");
}

static void check_networks(rng *r, rdc_cpu_level level) {
    const network n = make_network(r);
    rdc_net_state *state = NULL;
    expect(rdc_net_state_make(&state, n.net), RDC_OK, "a state");
    rdc_net_run(level, state, NULL, 0, NULL);
    if (!n.uses_context) {
        expect(rdc_net_apply(level, n.net, NULL, 0, NULL), RDC_OK, "no tokens");
        rdc_net_state_save(state, NULL);
        expect(rdc_net_state_check(n.net, NULL), RDC_OK, "no memory");
        rdc_net_state_restore(state, NULL);
    }
    rdc_net_state_free(state);
    rdc_net_free(n.net);
}

static void check_predictions_of_nothing(rng *r, rdc_cpu_level level) {
    predicted p = make_predicted(r);
    const rdc_side_info none = {NULL, NULL, NULL, NULL, 0};
    rdc_prediction *prediction = make_prediction(&p);
    rdc_block_decoder decoder;
    expect(rdc_prediction_encode(level, prediction, &none, NULL, NULL, NULL, (rdc_references){NULL, NULL}, NULL), RDC_OK, "encoding no tokens");
    expect(rdc_block_open(&decoder, rdc_rans_kernels_of(level), p.tables, NULL, 0, 0), RDC_OK, "opening a block of no symbols");
    expect(rdc_prediction_decode(level, prediction, &none, (rdc_references){NULL, NULL}, &decoder, NULL), RDC_OK, "decoding no tokens");
    rdc_prediction_free(prediction);
    free_predicted(&p);
}

void check_nothing(rng *r) {
    const check_levels levels = check_levels_here();
    const size_t mark = buffers_mark();
    check_bytes();
    for (size_t k = 0; k < levels.count; k++) {
        check_level(levels.of[k]);
        check_coder(levels.of[k], gaussian_tables());
        check_quantisers(levels.of[k]);
        check_matrix(levels.of[k], 0, 3);
        check_matrix(levels.of[k], 3, 0);
        check_networks(r, levels.of[k]);
        check_predictions_of_nothing(r, levels.of[k]);
        buffers_release(mark);
    }
    check_levels_of_nothing();
}
