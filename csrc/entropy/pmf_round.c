/* From probabilities to a table: one of consecutive symbols, and where that is far from the entropy a wide one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "entropy/escape.h"
#include "entropy/pmf.h"

/* ---- Consecutive symbols ---- */

/* A support that is tried, and the frequencies found for it. */
typedef struct rdc_rounding {
    const rdc_pmf *pmf;
    uint32_t peak;  /* the first of the most probable symbols */
    uint32_t first; /* support: symbols first..last, then the escape */
    uint32_t last;
    double *p;      /* of the entries of the support */
    uint32_t *f;
    rdc_gain *heap;
} rdc_rounding;

/* Sums of the symbols outside the support: their probabilities, and the expected bits of their codes beyond the escape entry, which
 * are unknown for the mass that the pmf does not show. */
static double rdc_rounding_outside(const rdc_rounding *r, double *bits) {
    const rdc_outside outside = {r->first, (int64_t)r->last + 1, rdc_escape_order(r->last - r->first + 2)};
    const double *p = r->pmf->p;
    double sum = r->pmf->missing;
    *bits = 0;
    for (uint32_t s = 0; s < r->pmf->symbols; s++) {
        if (s == r->first) s = r->last + 1;
        if (s == r->pmf->symbols) break;
        sum += p[s];
        if (p[s] > 0) *bits += p[s] * rdc_escape_bits(outside, (int32_t)s);
    }
    return sum;
}

/* Rounds for the support; returns the expected code length in bits. */
static double rdc_rounding_try(rdc_rounding *r) {
    const uint32_t entries = r->last - r->first + 1;
    double escape_bits;
    memcpy(r->p, r->pmf->p + r->first, entries * sizeof *r->p);
    r->p[entries] = rdc_rounding_outside(r, &escape_bits);
    rdc_round_support(r->p, entries + 1, r->pmf->precision, r->f, r->heap);
    return escape_bits + rdc_entry_bits(r->p, r->f, entries + 1, r->pmf->precision);
}

static uint32_t rdc_pmf_peak(const rdc_pmf *pmf) {
    uint32_t peak = 0;
    for (uint32_t s = 1; s < pmf->symbols; s++) peak = pmf->p[s] > pmf->p[peak] ? s : peak;
    return peak;
}

/* Leaves out the symbols at the ends of the support that are less probable than `least`, but for the peak. */
static void rdc_rounding_trim(rdc_rounding *r, double least) {
    while (r->first < r->peak && r->pmf->p[r->first] < least) r->first++;
    while (r->last > r->peak && r->pmf->p[r->last] < least) r->last--;
}

static int rdc_rounding_fits(const rdc_rounding *r) {
    return r->last - r->first + 2 <= 1u << r->pmf->precision;
}

/* Thresholds of the supports that are tried, in units of 2^-precision. A symbol that gets a frequency of 1 takes a unit worth
 * 2^-precision / ln 2 from the others and spares the escape code, a handful of bits, so the best threshold is a fraction of a
 * unit; the first one keeps all symbols of any probability, the last ones serve pmfs with more symbols than units. They rise,
 * so that each support lies within the one before. */
static const double thresholds[] = {1e-290, 0.05, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7, 1, 2, 4};

/* Leaves the best support and its frequencies in r; returns its bits, infinite where no support is short enough. */
static double rdc_rounding_search(rdc_rounding *r) {
    double best = INFINITY;
    uint32_t first = 0, last = 0, tried = 0; /* the best support; how long the latest is that was tried, 0 for none */
    for (size_t i = 0; i < sizeof thresholds / sizeof thresholds[0]; i++) {
        rdc_rounding_trim(r, ldexp(thresholds[i], -(int)r->pmf->precision));
        if (!rdc_rounding_fits(r) || r->last - r->first + 1 == tried) continue;
        tried = r->last - r->first + 1;
        const double bits = rdc_rounding_try(r);
        if (bits >= best) continue;
        best = bits;
        first = r->first;
        last = r->last;
    }
    if (best == INFINITY) return best;
    r->first = first;
    r->last = last;
    if (last - first + 1 != tried) rdc_rounding_try(r);
    return best;
}

static rdc_status rdc_rounding_take(const rdc_rounding *r, rdc_rounded *rounded) {
    const uint32_t count = r->last - r->first + 2;
    uint16_t *frequencies = malloc(count * sizeof *frequencies);
    RDC_RETURN_IF(!frequencies, RDC_ERROR_MEMORY, 0, 0);
    *rounded = (rdc_rounded){.offset = (int32_t)r->first, .count = count, .frequencies = frequencies};
    for (uint32_t i = 0; i < rounded->count; i++) rounded->frequencies[i] = (uint16_t)r->f[i];
    return rdc_ok();
}

/* The best table of consecutive symbols and what it takes; it is made if that is at most `limit`. */
static rdc_status rdc_pmf_round_support(const rdc_pmf *pmf, double limit, rdc_rounded *rounded, double *bits) {
    const size_t room = (size_t)1 << pmf->precision;
    rdc_rounding r = {.pmf = pmf, .peak = rdc_pmf_peak(pmf), .last = pmf->symbols - 1};
    r.p = malloc(room * sizeof *r.p);
    r.f = malloc(room * sizeof *r.f);
    r.heap = malloc(room * sizeof *r.heap);
    rdc_status status = rdc_fail(RDC_ERROR_MEMORY, 0, 0);
    if (r.p && r.f && r.heap) {
        *bits = rdc_rounding_search(&r);
        status = *bits <= limit ? rdc_rounding_take(&r, rounded) : rdc_ok();
    }
    free(r.p);
    free(r.f);
    free(r.heap);
    return status;
}

/* ---- Any symbols ---- */

/* A sum may exceed 1 by what the rounding of the probabilities explains. */
#define SUM_TOLERANCE 1e-6

static rdc_status rdc_pmf_check(const double *pmf, size_t symbols, int32_t offset, unsigned precision, double *missing) {
    RDC_RETURN_IF(precision < RDC_MIN_PRECISION || precision > RDC_MAX_PRECISION, RDC_ERROR_PRECISION, 0, precision);
    RDC_RETURN_IF(symbols < 1 || symbols > RDC_MAX_SYMBOLS, RDC_ERROR_PMF_SYMBOLS, 0, symbols);
    RDC_RETURN_IF(offset > INT32_MAX - (int32_t)(symbols - 1), RDC_ERROR_PMF_OFFSET, 0, offset);
    double sum = 0;
    for (size_t s = 0; s < symbols; s++) {
        RDC_RETURN_IF(!(pmf[s] >= 0 && pmf[s] < INFINITY), RDC_ERROR_PMF_VALUE, s, 0);
        sum += pmf[s];
    }
    RDC_RETURN_IF(!(sum > 0 && sum <= 1 + SUM_TOLERANCE), RDC_ERROR_PMF_SUM, 0, 0);
    *missing = sum < 1 ? 1 - sum : 0;
    return rdc_ok();
}

/* In bits; the symbols that are not shown count as one. */
static double rdc_pmf_entropy(const rdc_pmf *pmf) {
    double entropy = pmf->missing > 0 ? -pmf->missing * log2(pmf->missing) : 0;
    for (uint32_t s = 0; s < pmf->symbols; s++) entropy -= pmf->p[s] > 0 ? pmf->p[s] * log2(pmf->p[s]) : 0;
    return entropy;
}

/* A table may take so many bits more than the entropy, the larger of the two: of what is promised, a tenth is left to blocks. */
#define MORE_BITS 0.018
#define MORE_OF_ENTROPY 0.009

rdc_status rdc_pmf_round(const double *p, size_t symbols, int32_t offset, unsigned precision, rdc_rounded *rounded) {
    double missing, bits;
    RDC_FORWARD_IF_ERROR(rdc_pmf_check(p, symbols, offset, precision, &missing));
    const rdc_pmf pmf = {p, (uint32_t)symbols, missing, precision};
    const double entropy = rdc_pmf_entropy(&pmf), limit = entropy + fmax(MORE_BITS, MORE_OF_ENTROPY * entropy);
    RDC_FORWARD_IF_ERROR(rdc_pmf_round_support(&pmf, limit, rounded, &bits));
    /* symbols in their own order have the fewest runs, those in the order of their probabilities the best neighbours */
    for (int by_size = 0; by_size < 2 && bits > limit; by_size++) {
        RDC_FORWARD_IF_ERROR(rdc_pmf_round_wide(&pmf, by_size, rounded, &bits));
        if (bits > limit) rdc_rounded_free(rounded);
    }
    RDC_RETURN_IF(bits > limit, RDC_ERROR_PMF_RATE, entropy * 1e6, bits * 1e6);
    rounded->offset += offset;
    return rdc_ok();
}

void rdc_rounded_free(rdc_rounded *rounded) {
    free(rounded->frequencies);
    free(rounded->raw_bits);
    free(rounded->runs);
    *rounded = (rdc_rounded){0};
}
