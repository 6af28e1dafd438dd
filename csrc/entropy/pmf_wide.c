/* Wide tables for any pmf: symbols that are about equally probable share an entry.
 *
 * The symbols have places 0, 1, ..., in their own order or in that of their probabilities. A group of 2^r places that begins at a
 * multiple of 2^r can be an entry. With its probability m, in units of 2^-precision, and its frequency f, it takes
 * (sum of p log(p 2^r / m)) + m log(m / f) + f - m more than its entropy, natural logarithms: what stands for the differences within
 * it, and what for the rounding; f - m are the units that it takes from all others, and those sum to nothing. So groups are joined
 * from below wherever one takes no more than its halves; and as each entry is taken to cost a little as well, there are few. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "entropy/pmf.h"
#include "entropy/wide.h"

#define MOST_RAW_BITS 30
#define FIRST_ENTRY_COST (1.0 / 64) /* units; doubled until the entries are few enough */

/* A place, and a group that begins there. */
typedef struct place {
    uint32_t symbol;
    uint32_t raw_bits; /* of the group that is best */
    double p;          /* of the largest group so far, in units */
    double p_log_p;
    double cost;       /* of its best groups */
} place;

typedef struct grouping {
    const rdc_pmf *pmf;
    double least;    /* symbols that are less probable are left to the escape */
    double left_out; /* their probability, and that of those that are not shown */
    uint32_t lowest, highest; /* of the others, ... */
    uint32_t n;               /* ... of which there are so many */
    place *places;
    uint32_t count;  /* entries, with the escape */
    double *p;
    uint32_t *f;
    rdc_gain *heap;
} grouping;

/* ---- Places ---- */

/* All symbols together that are less probable than a power of two may have this share of a unit: the escape, which has a unit in any
 * case, codes them in less than 80 bits each. */
#define LEFT_OUT (1.0 / 64)

#define EXPONENTS (DBL_MAX_EXP - DBL_MIN_EXP + DBL_MANT_DIG + 1)

/* A power of two; symbols that are about as probable as any are not left out. */
static double choose_least(const rdc_pmf *pmf) {
    const int lowest = DBL_MIN_EXP - DBL_MANT_DIG;
    double sums[EXPONENTS] = {0}, sum = 0;
    int peak = lowest, exponent;
    for (uint32_t s = 0; s < pmf->symbols; s++) {
        frexp(pmf->p[s], &exponent);
        if (pmf->p[s] <= 0) continue;
        sums[exponent - lowest] += pmf->p[s];
        peak = exponent > peak ? exponent : peak;
    }
    for (exponent = lowest; exponent < peak; exponent++) {
        sum += sums[exponent - lowest];
        if (sum > ldexp(LEFT_OUT, -(int)pmf->precision)) break;
    }
    return fmax(ldexp(0.5, exponent), DBL_TRUE_MIN); /* numbers of this exponent are 2^(exponent - 1) or more */
}

static int is_left_out(const grouping *g, uint32_t symbol) {
    return !(g->pmf->p[symbol] >= g->least);
}

/* Sizes of probabilities: sign, exponent and 4 bits of a double, 0 the largest. Neighbours of one size are as good as equal, and in
 * the order of symbols they make longer runs. */
#define SIZES 65536u

static uint32_t size_of(double p) {
    uint64_t bits;
    memcpy(&bits, &p, sizeof bits);
    return SIZES - 1 - (uint32_t)(bits >> 48);
}

static rdc_status order_by_size(grouping *g) {
    uint32_t *next = calloc(SIZES + 1, sizeof *next);
    place *ordered = malloc(g->n * sizeof *ordered);
    if (!next || !ordered) {
        free(next);
        free(ordered);
        return rdc_fail(RDC_ERROR_MEMORY, 0, 0);
    }
    for (uint32_t i = 0; i < g->n; i++) next[size_of(g->places[i].p) + 1]++;
    for (uint32_t size = 1; size < SIZES; size++) next[size] += next[size - 1];
    for (uint32_t i = 0; i < g->n; i++) ordered[next[size_of(g->places[i].p)]++] = g->places[i];
    free(next);
    free(g->places);
    g->places = ordered;
    return rdc_ok();
}

static rdc_status make_places(grouping *g, int by_size) {
    g->least = choose_least(g->pmf);
    g->left_out = g->pmf->missing;
    for (uint32_t s = 0; s < g->pmf->symbols; s++) {
        if (is_left_out(g, s)) g->left_out += g->pmf->p[s];
        else g->n++;
    }
    g->places = malloc(g->n * sizeof *g->places);
    RDC_RETURN_IF(!g->places, RDC_ERROR_MEMORY, 0, 0);
    place *next = g->places; /* NOLINTBEGIN(clang-analyzer-unix.Malloc): the most probable symbol is never left out */
    for (uint32_t s = 0; s < g->pmf->symbols; s++) {
        if (!is_left_out(g, s)) *next++ = (place){.symbol = s, .p = g->pmf->p[s]};
    }
    g->lowest = g->places[0].symbol;
    g->highest = g->places[g->n - 1].symbol; /* NOLINTEND(clang-analyzer-unix.Malloc) */
    return by_size ? order_by_size(g) : rdc_ok();
}

/* ---- Groups ---- */

static double rounding_cost(double p, double f) {
    return p * log(p / f) + f - p;
}

/* Of a group as one entry. */
static double group_cost(const place *group, unsigned raw_bits) {
    const double below = floor(group->p), within = group->p_log_p - group->p * (log(group->p) - raw_bits * log(2));
    const double above = rounding_cost(group->p, below + 1);
    return fmax(within, 0) + (below >= 1 ? fmin(above, rounding_cost(group->p, below)) : above);
}

/* What the places from a and b on are as one group, or apart where that costs less. */
static place join(place a, place b, unsigned raw_bits, double entry_cost) {
    place joined = {a.symbol, raw_bits, a.p + b.p, a.p_log_p + b.p_log_p, 0};
    joined.cost = group_cost(&joined, raw_bits) + entry_cost;
    if (joined.cost <= a.cost + b.cost) return joined;
    joined.cost = a.cost + b.cost;
    joined.raw_bits = a.raw_bits;
    return joined;
}

static void join_places(const rdc_pmf *pmf, place *places, uint32_t n, double entry_cost) {
    for (uint32_t i = 0; i < n; i++) {
        const double p = ldexp(pmf->p[places[i].symbol], (int)pmf->precision);
        places[i] = (place){places[i].symbol, 0, p, p * log(p), 0};
        places[i].cost = group_cost(&places[i], 0) + entry_cost;
    }
    for (unsigned r = 1; r <= MOST_RAW_BITS && n >> r; r++) {
        const uint32_t half = (uint32_t)1 << (r - 1);
        for (uint32_t i = 0; i < n >> r << r; i += 2 * half) places[i] = join(places[i], places[i + half], r, entry_cost);
    }
}

static uint32_t next_group(const grouping *g, uint32_t at) {
    return at + ((uint32_t)1 << g->places[at].raw_bits);
}

/* Few enough groups to leave the escape an entry. */
static void make_groups(grouping *g) {
    const uint32_t most = (1u << g->pmf->precision) - 1;
    g->count = most + 2;
    for (double entry_cost = FIRST_ENTRY_COST; g->count > most + 1; entry_cost *= 2) {
        join_places(g->pmf, g->places, g->n, entry_cost);
        g->count = 1;
        for (uint32_t at = 0; at < g->n; at = next_group(g, at)) g->count++;
    }
}

/* ---- The table ---- */

static rdc_status round_groups(grouping *g) {
    g->p = calloc(g->count, sizeof *g->p);
    g->f = malloc(g->count * sizeof *g->f);
    g->heap = malloc(g->count * sizeof *g->heap);
    RDC_RETURN_IF(!g->p || !g->f || !g->heap, RDC_ERROR_MEMORY, 0, 0);
    uint32_t entry = 0;
    for (uint32_t at = 0; at < g->n; entry++) {
        for (const uint32_t end = next_group(g, at); at < end; at++) g->p[entry] += g->pmf->p[g->places[at].symbol];
    }
    g->p[entry] = g->left_out;
    rdc_round_support(g->p, g->count, g->pmf->precision, g->f, g->heap);
    return rdc_ok();
}

static int begins_run(const grouping *g, uint32_t at) {
    return at == 0 || g->places[at].symbol != g->places[at - 1].symbol + 1;
}

static rdc_status take_table(const grouping *g, rdc_rounded *rounded) {
    uint32_t runs = 0;
    for (uint32_t at = 0; at < g->n; at++) runs += begins_run(g, at);
    *rounded = (rdc_rounded){.offset = (int32_t)g->lowest, .count = g->count, .run_count = runs};
    rounded->frequencies = malloc(g->count * sizeof *rounded->frequencies);
    rounded->raw_bits = calloc(g->count, sizeof *rounded->raw_bits);
    rounded->runs = calloc(runs, 2 * sizeof *rounded->runs);
    if (!rounded->frequencies || !rounded->raw_bits || !rounded->runs) {
        rdc_rounded_free(rounded);
        return rdc_fail(RDC_ERROR_MEMORY, 0, 0);
    }
    for (uint32_t i = 0; i < g->count; i++) rounded->frequencies[i] = (uint16_t)g->f[i];
    for (uint32_t at = 0, entry = 0; at < g->n; at = next_group(g, at)) rounded->raw_bits[entry++] = (uint8_t)g->places[at].raw_bits;
    uint32_t *next = rounded->runs;
    for (uint32_t at = 0; at < g->n; at++) {
        if (begins_run(g, at)) {
            *next++ = g->places[at].symbol - g->lowest;
            next++;
        }
        next[-1]++;
    }
    return rdc_ok();
}

static double expected_bits(const grouping *g) {
    rdc_wide ends;
    rdc_wide_set_ends(&ends, (int32_t)g->lowest, g->highest - g->lowest, g->n);
    double bits = rdc_entry_bits(g->p, g->f, g->count, g->pmf->precision);
    for (uint32_t at = 0, entry = 0; at < g->n; at = next_group(g, at)) bits += g->p[entry++] * g->places[at].raw_bits;
    for (uint32_t s = 0; s < g->pmf->symbols; s++) {
        if (is_left_out(g, s) && g->pmf->p[s] > 0) bits += g->pmf->p[s] * rdc_wide_escape_bits(&ends, (int32_t)s);
    }
    return bits;
}

rdc_status rdc_pmf_round_wide(const rdc_pmf *pmf, int by_size, rdc_rounded *rounded, double *bits) {
    grouping g = {.pmf = pmf};
    rdc_status status = make_places(&g, by_size);
    if (status.error == RDC_OK) {
        make_groups(&g);
        status = round_groups(&g);
    }
    if (status.error == RDC_OK) status = take_table(&g, rounded);
    if (status.error == RDC_OK) *bits = expected_bits(&g);
    free(g.places);
    free(g.p);
    free(g.f);
    free(g.heap);
    return status;
}
