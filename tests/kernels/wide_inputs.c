#include "wide_inputs.h"

#include "inputs.h"

#define MOST_TABLES 6
#define MOST_ENTRIES 200
#define MOST_RUNS 500

/* What tables are made of. */
typedef struct arrays {
    uint32_t counts[MOST_TABLES];
    int32_t offsets[MOST_TABLES];
    uint16_t frequencies[MOST_TABLES * MOST_ENTRIES];
    uint8_t raw_bits[MOST_TABLES * MOST_ENTRIES];
    uint32_t run_counts[MOST_TABLES];
    uint32_t runs[2 * MOST_TABLES * MOST_RUNS];
    size_t total, run_total;
} arrays;

/* Gives the entries of a table raw bits; returns how many symbols they stand for. */
static uint32_t fill_raw_bits(rng *r, uint8_t *raw_bits, uint32_t entries) {
    const uint32_t most = rng_one_in(r, 3) ? 20 : rng_below(r, 4);
    uint32_t places = 0;
    for (uint32_t s = 0; s < entries; s++) {
        raw_bits[s] = (uint8_t)rng_below(r, most + 1);
        places += (uint32_t)1 << raw_bits[s];
    }
    return places;
}

static void swap_runs(uint32_t *runs, uint32_t a, uint32_t b) {
    for (int k = 0; k < 2; k++) {
        const uint32_t kept = runs[2 * a + (uint32_t)k];
        runs[2 * a + (uint32_t)k] = runs[2 * b + (uint32_t)k];
        runs[2 * b + (uint32_t)k] = kept;
    }
}

/* Cuts the places into runs; returns how many, and where the last one in the order of symbols ends. */
static uint32_t fill_runs_of(rng *r, uint32_t *runs, uint32_t places, uint32_t *end) {
    const uint32_t longest = rng_one_in(r, 3) ? places : 1 + rng_below(r, 40), gap = rng_one_in(r, 3) ? 0 : 1 + rng_below(r, 1000);
    const int shuffled = rng_one_in(r, 2);
    uint32_t count = 0;
    *end = 0;
    while (places > 0) {
        uint32_t length = 1 + rng_below(r, longest);
        if (length > places || count + 1 == MOST_RUNS) length = places;
        *end += count && gap ? rng_below(r, gap) : 0;
        runs[2 * count] = *end;
        runs[2 * count + 1] = length;
        *end += length;
        places -= length;
        count++;
    }
    for (uint32_t k = 1; shuffled && k < count; k++) swap_runs(runs, k, rng_below(r, k + 1));
    return count;
}

static int32_t offset_of(rng *r, uint32_t end) {
    switch (rng_below(r, 3)) {
    case 0: return INT32_MIN;
    case 1: return INT32_MAX - (int32_t)(end - 1);
    default: return (int32_t)rng_below(r, 2001) - 1000;
    }
}

static void add_table(rng *r, arrays *a, uint32_t t, uint32_t units) {
    uint32_t end = a->counts[t] = fill_frequencies(r, a->frequencies + a->total, MOST_ENTRIES, units);
    if (!rng_one_in(r, 4)) {
        const uint32_t places = fill_raw_bits(r, a->raw_bits + a->total, a->counts[t] - 1);
        a->run_counts[t] = fill_runs_of(r, a->runs + 2 * a->run_total, places, &end);
    }
    a->offsets[t] = offset_of(r, end);
    a->total += a->counts[t];
    a->run_total += a->run_counts[t];
}

rdc_tables *make_wide_tables(rng *r, unsigned precision) {
    const size_t mark = buffers_mark();
    const uint32_t tables = 1 + rng_below(r, MOST_TABLES);
    const arrays nothing = {.total = 0};
    arrays *a = buffer_copy(&nothing, sizeof nothing);
    for (uint32_t t = 0; t < tables; t++) add_table(r, a, t, 1u << precision);
    const rdc_wide_arrays wide = {a->raw_bits, a->run_counts, a->runs, a->run_total};
    rdc_tables *made = NULL;
    check_that(rdc_tables_create(&made, precision, tables, a->counts, a->offsets, a->frequencies, a->total, &wide).error == RDC_OK,
               "wide tables can be made");
    buffers_release(mark);
    return made;
}

int32_t wide_symbol(rng *r, const rdc_wide *wide, uint32_t rarity) {
    const rdc_span run = wide->places_to_runs[rng_below(r, wide->runs)];
    const uint32_t first = (uint32_t)wide->offset + run.to;
    if (!rng_one_in(r, rarity)) return (int32_t)(first + rng_below(r, run.length));
    switch (rng_below(r, 3)) {
    case 0: return (int32_t)(first - 1);
    case 1: return (int32_t)(first + run.length);
    default: return (int32_t)rng_next(r);
    }
}
