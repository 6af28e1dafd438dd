/* Exact products: every level beside sums of 64-bit integers. */
#include "exact_inputs.h"
#include "groups.h"

static void check_product(exact_product p) {
    const check_levels levels = check_levels_here();
    for (size_t k = 0; k < levels.count; k++) {
        const size_t inner_mark = buffers_mark(), n = p.tokens * p.outputs;
        double *products = buffer_take(n * sizeof *products);
        check_level(levels.of[k]);
        check_that(rdc_exact_multiply(levels.of[k], p.matrix, p.values, p.tokens, products).error == RDC_OK, "there is memory");
        for (size_t i = 0; i < n; i++) check_that(products[i] == (double)p.expected[i] * p.unit, "products are exact");
        buffers_release(inner_mark);
    }
    rdc_exact_matrix_free(p.matrix);
}

void check_exact_products(rng *r) {
    const size_t mark = buffers_mark();
    check_product(make_exact_product(r));
    check_product(make_block_product(r));
    buffers_release(mark);
}
