/* From probabilities to integer frequencies.
 *
 * For a given support the expected code length -sum p log2 f under sum f = 2^precision, f >= 1 is a separable convex function
 * of the frequencies, so giving one unit after the other to the entry that gains most by it, p log(1 + 1 / f), is optimal.
 * Most units need no comparison: with lambda the smallest gain that is paid, f lies in (p / lambda - 1/2, p / lambda + 1] or is 1,
 * and the sum over all S entries of total probability P gives 1 / lambda >= (2^precision - S) / P. The largest whole number that
 * this leaves below f is where the giving starts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "entropy/escape.h"

/* A heap of entries by the gain of their next unit; equal gains by position, so that the result is defined. */
typedef struct rdc_gain {
    double gain;
    uint32_t entry;
} rdc_gain;

static int rdc_gain_before(rdc_gain a, rdc_gain b) {
    return a.gain > b.gain || (a.gain == b.gain && a.entry < b.entry);
}

static void rdc_gain_sink(rdc_gain *heap, size_t count, size_t at) {
    const rdc_gain moved = heap[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && rdc_gain_before(heap[child + 1], heap[child])) child++;
        if (!rdc_gain_before(heap[child], moved)) break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

static double rdc_gain_of(double p, uint32_t f) {
    return p * log1p(1.0 / f);
}

/* Optimal frequencies of `count` <= 2^precision probabilities whose sum is above 0. `heap` has room for them. */
static void rdc_round_support(const double *p, uint32_t count, unsigned precision, uint32_t *f, rdc_gain *heap) {
    double total = 0;
    for (uint32_t i = 0; i < count; i++) total += p[i];
    const double scale = ((double)(1u << precision) - count) / total;
    uint32_t left = 1u << precision;
    for (uint32_t i = 0; i < count; i++) {
        const double below = floor(p[i] * scale - 0.5);
        f[i] = below > 1 ? (uint32_t)below : 1;
        left -= f[i];
        heap[i] = (rdc_gain){rdc_gain_of(p[i], f[i]), i};
    }
    for (size_t i = count / 2; i-- > 0;) rdc_gain_sink(heap, count, i);
    for (; left; left--) {
        const uint32_t i = heap[0].entry;
        f[i]++;
        heap[0].gain = rdc_gain_of(p[i], f[i]);
        rdc_gain_sink(heap, count, 0);
    }
}

/* A pmf, its support that is tried, and the frequencies found for it. */
typedef struct rdc_rounding {
    const double *pmf;
    uint32_t symbols;
    uint32_t peak;     /* the first of the most probable symbols */
    double missing;    /* 1 - sum of the pmf, at least 0 */
    unsigned precision;
    uint32_t first;    /* support: symbols first..last, then the escape */
    uint32_t last;
    double *p;         /* of the entries of the support */
    uint32_t *f;
    rdc_gain *heap;
} rdc_rounding;

/* Expected bits of the symbols outside the support beyond their escape entry; unknown for the mass that the pmf does not show. */
static double rdc_rounding_escape_bits(const rdc_rounding *r) {
    const uint32_t entries = r->last - r->first + 1;
    const rdc_table table = {
        .offset = (int32_t)r->first,
        .escape = (uint16_t)entries,
        .order = (uint8_t)rdc_escape_order(entries + 1),
    };
    double bits = 0;
    for (uint32_t s = 0; s < r->first; s++) bits += r->pmf[s] * rdc_escape_bits(&table, (int32_t)s);
    for (uint32_t s = r->last + 1; s < r->symbols; s++) bits += r->pmf[s] * rdc_escape_bits(&table, (int32_t)s);
    return bits;
}

/* Rounds for the support; returns the expected code length in bits. */
static double rdc_rounding_try(rdc_rounding *r) {
    const uint32_t entries = r->last - r->first + 1;
    double outside = r->missing;
    for (uint32_t s = 0; s < r->first; s++) outside += r->pmf[s];
    for (uint32_t s = r->last + 1; s < r->symbols; s++) outside += r->pmf[s];
    memcpy(r->p, r->pmf + r->first, entries * sizeof *r->p);
    r->p[entries] = outside;
    rdc_round_support(r->p, entries + 1, r->precision, r->f, r->heap);

    double bits = rdc_rounding_escape_bits(r);
    for (uint32_t i = 0; i <= entries; i++) bits += r->p[i] * (r->precision - log2(r->f[i]));
    return bits;
}

static uint32_t rdc_pmf_peak(const double *pmf, uint32_t symbols) {
    uint32_t peak = 0;
    for (uint32_t s = 1; s < symbols; s++) peak = pmf[s] > pmf[peak] ? s : peak;
    return peak;
}

/* Leaves out the symbols at the ends of the support that are less probable than `least`, but for the peak. */
static void rdc_rounding_trim(rdc_rounding *r, double least) {
    while (r->first < r->peak && r->pmf[r->first] < least) r->first++;
    while (r->last > r->peak && r->pmf[r->last] < least) r->last--;
}

static int rdc_rounding_fits(const rdc_rounding *r) {
    return r->last - r->first + 2 <= 1u << r->precision;
}

/* Thresholds of the supports that are tried, in units of 2^-precision. A symbol that gets a frequency of 1 takes a unit worth
 * 2^-precision / ln 2 from the others and spares the escape code, a handful of bits, so the best threshold is a fraction of a
 * unit; the first one keeps all symbols of any probability, the last ones serve pmfs with more symbols than units. They rise,
 * so that each support lies within the one before. */
static const double thresholds[] = {1e-290, 0.05, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7, 1, 2, 4};

/* Leaves the best support and its frequencies in r. */
static rdc_status rdc_rounding_search(rdc_rounding *r) {
    double best = INFINITY;
    uint32_t first = 0, last = 0, tried = 0; /* the best support; how long the latest is that was tried, 0 for none */
    for (size_t i = 0; i < sizeof thresholds / sizeof thresholds[0]; i++) {
        rdc_rounding_trim(r, ldexp(thresholds[i], -(int)r->precision));
        if (!rdc_rounding_fits(r) || r->last - r->first + 1 == tried) continue;
        tried = r->last - r->first + 1;
        const double bits = rdc_rounding_try(r);
        if (bits >= best) continue;
        best = bits;
        first = r->first;
        last = r->last;
    }
    RDC_RETURN_IF(best == INFINITY, RDC_ERROR_SYMBOL_COUNT, 0, r->symbols);
    r->first = first;
    r->last = last;
    if (last - first + 1 != tried) rdc_rounding_try(r);
    return rdc_ok();
}

/* A sum may exceed 1 by what the rounding of the probabilities explains. */
#define SUM_TOLERANCE 1e-6

static rdc_status rdc_pmf_check(const double *pmf, size_t symbols, int32_t offset, unsigned precision, double *missing) {
    RDC_RETURN_IF(precision < RDC_MIN_PRECISION || precision > RDC_MAX_PRECISION, RDC_ERROR_PRECISION, 0, precision);
    RDC_RETURN_IF(symbols < 1 || symbols > RDC_MAX_SYMBOLS, RDC_ERROR_SYMBOL_COUNT, 0, symbols);
    RDC_RETURN_IF(offset > INT32_MAX - (int32_t)symbols, RDC_ERROR_OFFSET, 0, offset);
    double sum = 0;
    for (size_t s = 0; s < symbols; s++) {
        RDC_RETURN_IF(!(pmf[s] >= 0 && pmf[s] < INFINITY), RDC_ERROR_PMF_VALUE, s, 0);
        sum += pmf[s];
    }
    RDC_RETURN_IF(!(sum > 0 && sum <= 1 + SUM_TOLERANCE), RDC_ERROR_PMF_SUM, 0, 0);
    *missing = sum < 1 ? 1 - sum : 0;
    return rdc_ok();
}

rdc_status rdc_pmf_round(const double *pmf, size_t symbols, int32_t offset, unsigned precision, uint16_t *frequencies,
                         uint32_t *count, int32_t *first) {
    rdc_rounding r = {.pmf = pmf, .symbols = (uint32_t)symbols, .precision = precision};
    RDC_FORWARD_IF_ERROR(rdc_pmf_check(pmf, symbols, offset, precision, &r.missing));
    r.peak = rdc_pmf_peak(pmf, r.symbols);
    r.last = r.symbols - 1;
    const size_t room = symbols + 1;
    r.p = malloc(room * sizeof *r.p);
    r.f = malloc(room * sizeof *r.f);
    r.heap = malloc(room * sizeof *r.heap);
    rdc_status status = rdc_fail(RDC_ERROR_MEMORY, 0, 0);
    if (r.p && r.f && r.heap) status = rdc_rounding_search(&r);
    if (status.error == RDC_OK) {
        *count = r.last - r.first + 2;
        *first = offset + (int32_t)r.first;
        for (uint32_t i = 0; i < *count; i++) frequencies[i] = (uint16_t)r.f[i];
    }
    free(r.p);
    free(r.f);
    free(r.heap);
    return status;
}
