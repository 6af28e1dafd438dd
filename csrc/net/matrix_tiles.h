/* The body of the vector kernels: RDC_MATRIX_ROWS rows by TILE_TOKENS tokens in registers at a time. Included with these defined:
 *
 * TARGET, NAME           of the kernel
 * TILE_TOKENS            tokens of a tile
 * LANES                  int16 in a vector
 * vec, acc               vectors of int16 and of int32
 * zero()                 sums of nothing
 * load(p)                int16 at p
 * widen(p)               int8 at p, as int16
 * add_products(s, w, x)  s with the products of w and x added, in any order
 * store_totals(p, s)     the sums of the elements of RDC_MATRIX_ROWS accs, one after the other at p */

static RDC_ALWAYS_INLINE TARGET void tile(const rdc_matrix *m, int wide, size_t row, const int16_t *x, size_t tokens,
                                          int32_t *sums) {
    const int8_t *narrow_rows = (const int8_t *)m->weights + row * m->columns;
    const int16_t *wide_rows = (const int16_t *)m->weights + row * m->columns;
    acc s[TILE_TOKENS][RDC_MATRIX_ROWS];
    for (size_t t = 0; t < tokens; t++)
        for (size_t r = 0; r < RDC_MATRIX_ROWS; r++) s[t][r] = zero();
    for (size_t c = 0; c < m->columns; c += LANES) {
        vec w[RDC_MATRIX_ROWS];
        for (size_t r = 0; r < RDC_MATRIX_ROWS; r++) {
            const size_t at = r * m->columns + c;
            w[r] = wide ? load(wide_rows + at) : widen(narrow_rows + at);
        }
        for (size_t t = 0; t < tokens; t++) {
            const vec values = load(x + t * m->columns + c);
            for (size_t r = 0; r < RDC_MATRIX_ROWS; r++) s[t][r] = add_products(s[t][r], w[r], values);
        }
    }
    for (size_t t = 0; t < tokens; t++) store_totals(sums + t * m->rows + row, s[t]);
}

/* The rows of a tile stay in the first-level cache while all tokens pass. */
static RDC_ALWAYS_INLINE TARGET void tiles(const rdc_matrix *m, int wide, const int16_t *x, size_t tokens, int32_t *sums) {
    for (size_t row = 0; row < m->rows; row += RDC_MATRIX_ROWS) {
        size_t t = 0;
        for (; t + TILE_TOKENS <= tokens; t += TILE_TOKENS) {
            tile(m, wide, row, x + t * m->columns, TILE_TOKENS, sums + t * m->rows);
        }
        for (; t < tokens; t++) tile(m, wide, row, x + t * m->columns, 1, sums + t * m->rows);
    }
}

TARGET void NAME(const rdc_matrix *m, const int16_t *x, size_t tokens, int32_t *sums) {
    if (m->wide) tiles(m, 1, x, tokens, sums);
    else tiles(m, 0, x, tokens, sums);
}
