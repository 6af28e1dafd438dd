/* Frequency tables of nearly right arrays, and frequencies of probabilities. */
#include <math.h>

#include "blocks.h"
#include "targets.h"

#define MOST_TABLES 5
#define MOST_ENTRIES 40
#define MOST_SYMBOLS 200
#define MOST_PROBABILITIES 300

/* ---- Frequencies ---- */

/* What rdc_tables_create takes, each array in a buffer of its size. */
typedef struct arrays {
    unsigned precision;
    size_t tables, total;
    uint32_t *counts;
    int32_t *offsets;
    uint16_t *frequencies;
    const rdc_wide_arrays *wide; /* NULL where none is wide */
} arrays;

static unsigned any_precision(rng *r) {
    return rng_one_in(r, 16) ? rng_below(r, 40) : RDC_MIN_PRECISION + rng_below(r, 4);
}

static uint32_t any_count(rng *r, uint32_t units) {
    return rng_one_in(r, 8) ? units - rng_below(r, 2) : 2 + rng_below(r, MOST_ENTRIES);
}

/* Ones, and the rest in shares anywhere; they sum to `units`. */
static void share_out(rng *r, uint16_t *frequencies, uint32_t count, uint32_t units) {
    uint32_t rest = units - count;
    for (uint32_t s = 0; s < count; s++) frequencies[s] = 1;
    for (uint32_t shares = rng_below(r, 6); shares && rest; shares--) {
        const uint32_t share = rng_below(r, rest + 1);
        frequencies[rng_below(r, count)] += (uint16_t)share;
        rest -= share;
    }
    frequencies[rng_below(r, count)] += (uint16_t)rest;
}

static arrays make_arrays(rng *r) {
    arrays made = {.precision = any_precision(r), .tables = rng_below(r, MOST_TABLES + 1)};
    const uint32_t units = made.precision <= RDC_MAX_PRECISION ? 1u << made.precision : 64;
    made.counts = buffer_take(made.tables * sizeof *made.counts);
    made.offsets = buffer_take(made.tables * sizeof *made.offsets);
    for (size_t t = 0; t < made.tables; t++) {
        made.counts[t] = any_count(r, units) % (units + 1);
        made.offsets[t] = rng_one_in(r, 4) ? wild_int32(r, INT32_MAX - (int32_t)made.counts[t]) : -(int32_t)rng_below(r, 20);
        made.total += made.counts[t];
    }
    made.frequencies = buffer_take(made.total * sizeof *made.frequencies);
    for (size_t t = 0, at = 0; t < made.tables; at += made.counts[t++]) {
        if (made.counts[t]) share_out(r, made.frequencies + at, made.counts[t], made.counts[t] <= units ? units : made.counts[t]);
    }
    return made;
}

/* One number of them, so that nearly right ones are refused. */
static void spoil(rng *r, arrays *a) {
    static const size_t table_counts[] = {0, RDC_MAX_TABLES + 1, SIZE_MAX};
    switch (rng_below(r, 8)) {
    case 0: a->tables = table_counts[rng_below(r, 3)]; break;
    case 1: if (a->total) a->frequencies[rng_below(r, (uint32_t)a->total)] = (uint16_t)rng_next(r); break;
    case 2: if (a->tables) a->counts[rng_below(r, (uint32_t)a->tables)] = (uint32_t)wild_int32(r, MOST_ENTRIES); break;
    case 3: a->total -= a->total ? 1 : 0; break;
    case 4: if (a->tables) a->tables--; break;
    default: break;
    }
}

static void check_export(const rdc_tables *tables, const arrays *a) {
    uint32_t *counts = buffer_take(a->tables * sizeof *counts);
    int32_t *offsets = buffer_take(a->tables * sizeof *offsets);
    uint16_t *frequencies = buffer_take(a->total * sizeof *frequencies);
    check_that(rdc_tables_count(tables) == a->tables && rdc_tables_total(tables) == a->total, "tables keep their numbers");
    rdc_tables_export(tables, counts, offsets, frequencies);
    check_same(a->counts, counts, a->tables * sizeof *counts, "counts");
    check_same(a->offsets, offsets, a->tables * sizeof *offsets, "offsets");
    check_same(a->frequencies, frequencies, a->total * sizeof *frequencies, "frequencies");
}

static void check_tables(rng *r, const arrays *a) {
    rdc_tables *tables = NULL;
    if (rdc_tables_create(&tables, a->precision, a->tables, a->counts, a->offsets, a->frequencies, a->total, a->wide).error != RDC_OK) {
        check_that(!tables, "no tables are made of what is refused");
        return;
    }
    check_export(tables, a);
    const coded_block block = make_block(r, tables, MOST_SYMBOLS);
    const outcome expected = {{RDC_OK, 0, 0}, block.symbols};
    compare_outcomes(expected, compare_levels(&block, *r), block.n, "what tables code");
    rdc_tables_free(tables);
}

/* ---- Probabilities ---- */

static double *make_pmf(rng *r, size_t n) {
    double *pmf = buffer_take(n * sizeof *pmf), sum = 0;
    const uint32_t wild = rng_one_in(r, 4) ? 1 + rng_below(r, (uint32_t)n) : UINT32_MAX;
    for (size_t s = 0; s < n; s++) {
        pmf[s] = ldexp(rng_below(r, 256), -(int)rng_below(r, 8) * (rng_one_in(r, 8) ? 150 : 3));
        sum += pmf[s];
    }
    const double scale = (rng_one_in(r, 3) ? 1 : rng_below(r, 257) / 256.0) / (sum > 0 ? sum : 1);
    for (size_t s = 0; s < n; s++) pmf[s] *= scale;
    for (size_t s = 0; s < n; s++) {
        if (wild != UINT32_MAX && rng_one_in(r, wild)) pmf[s] = fabs(wild_double(r)) * (rng_one_in(r, 8) ? -1 : 1e-9);
    }
    return pmf;
}

static void check_pmf(rng *r) {
    const size_t n = rng_one_in(r, 32) ? rng_below(r, 40000) : rng_below(r, MOST_PROBABILITIES);
    const double *pmf = make_pmf(r, n);
    const int32_t offset = wild_int32(r, INT32_MAX - (int32_t)n);
    const unsigned precision = any_precision(r);
    rdc_rounded rounded = {0};
    if (rdc_pmf_round(pmf, n, offset, precision, &rounded).error != RDC_OK) {
        check_that(rounded.count == 0 && !rounded.frequencies && !rounded.runs, "nothing is left where a pmf is refused");
        return;
    }
    const int is_wide = rounded.run_count > 0;
    const int lies_within = rounded.offset >= offset && (is_wide || (int64_t)rounded.offset - offset + rounded.count <= (int64_t)n + 1);
    check_that(lies_within, "the support lies within that of the pmf");
    const rdc_wide_arrays wide = {rounded.raw_bits, &rounded.run_count, rounded.runs, rounded.run_count};
    const arrays made = {precision, 1, rounded.count, &rounded.count, &rounded.offset, rounded.frequencies, is_wide ? &wide : NULL};
    check_tables(r, &made);
    rdc_rounded_free(&rounded);
}

void fuzz_tables(rng *r) {
    arrays a = make_arrays(r);
    if (rng_one_in(r, 2)) spoil(r, &a);
    check_tables(r, &a);
    check_pmf(r);
}
