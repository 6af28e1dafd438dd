/* The body of the vector kernels: sums of TILE_VECTORS vectors of rows by some tokens in registers at a time. Included with these defined:
 *
 * TARGET, NAME           of the kernel
 * VECTOR_ROWS            rows of a vector, a divisor of RDC_MATRIX_ROWS
 * TILE_VECTORS           vectors of a tile
 * TILE_TOKENS            tokens of a tile
 * vec, acc               pairs of int16 for VECTOR_ROWS rows, and their sums
 * zero()                 sums of nothing
 * load(p)                int16 at p
 * widen(p)               int8 at p, as int16
 * pair(p)                the two int16 at p, for all rows
 * add_products(s, w, x)  s with the products of w and x added
 * add_sums(s, r)         s with r added
 * store_sums(p, s)       the sums of the rows, one after the other, to p */

/* The weights of a vector's rows at a pair of columns. */
static RDC_ALWAYS_INLINE TARGET vec weights_at(const rdc_matrix *m, int wide, size_t row, size_t column) {
    const size_t place = rdc_matrix_place(m->columns, row, column);
    return wide ? load((const int16_t *)m->weights + place) : widen((const int8_t *)m->weights + place);
}

/* Sums of `vectors` vectors of rows and `tokens` tokens. One token alone has two sets of sums, for even and odd pairs: they would wait for
 * each other otherwise. */
static RDC_ALWAYS_INLINE TARGET void tile(const rdc_matrix *m, int wide, size_t row, size_t vectors, const int16_t *x, size_t tokens,
                                          int32_t *sums) {
    const size_t sets = tokens == 1 ? 2 : 1;
    acc s[TILE_TOKENS][TILE_VECTORS][2];
    for (size_t t = 0; t < tokens; t++)
        for (size_t v = 0; v < vectors; v++) s[t][v][0] = s[t][v][1] = zero();
    for (size_t c = 0; c < m->columns; c += 2 * sets) {
        for (size_t k = 0; k < sets; k++) {
            vec w[TILE_VECTORS];
            for (size_t v = 0; v < vectors; v++) w[v] = weights_at(m, wide, row + v * VECTOR_ROWS, c + 2 * k);
            for (size_t t = 0; t < tokens; t++) {
                const vec values = pair(x + t * m->columns + c + 2 * k);
                for (size_t v = 0; v < vectors; v++) s[t][v][k] = add_products(s[t][v][k], w[v], values);
            }
        }
    }
    for (size_t t = 0; t < tokens; t++)
        for (size_t v = 0; v < vectors; v++) store_sums(sums + t * m->rows + row + v * VECTOR_ROWS, add_sums(s[t][v][0], s[t][v][1]));
}

/* The rows of a tile stay in the first-level cache while all tokens pass. */
static RDC_ALWAYS_INLINE TARGET void rows_of_tile(const rdc_matrix *m, int wide, size_t row, size_t vectors, const int16_t *x, size_t tokens,
                                                  int32_t *sums) {
    size_t t = 0;
    for (; t + TILE_TOKENS <= tokens; t += TILE_TOKENS) tile(m, wide, row, vectors, x + t * m->columns, TILE_TOKENS, sums + t * m->rows);
    for (; t < tokens; t++) tile(m, wide, row, vectors, x + t * m->columns, 1, sums + t * m->rows);
}

static RDC_ALWAYS_INLINE TARGET void tiles(const rdc_matrix *m, int wide, const int16_t *x, size_t tokens, int32_t *sums) {
    size_t row = 0;
    for (; row + TILE_VECTORS * VECTOR_ROWS <= m->rows; row += TILE_VECTORS * VECTOR_ROWS) rows_of_tile(m, wide, row, TILE_VECTORS, x, tokens, sums);
    for (; row < m->rows; row += VECTOR_ROWS) rows_of_tile(m, wide, row, 1, x, tokens, sums);
}

TARGET void NAME(const rdc_matrix *m, const int16_t *x, size_t tokens, int32_t *sums) {
    if (m->wide) tiles(m, 1, x, tokens, sums);
    else tiles(m, 0, x, tokens, sums);
}
