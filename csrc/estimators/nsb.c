/* The prior is a mixture of symmetric Dirichlet distributions over their concentration beta, weighted such that the entropy
 * expected before any data, xi(beta) = digamma(K beta + 1) - digamma(beta + 1), is uniform. The posterior over beta is
 * integrated in u = log(beta): the integrand is analytic there and falls exponentially on both sides, where the trapezoidal
 * rule converges exponentially too. */
#include "estimators/nsb.h"

#include <float.h>
#include <math.h>

#include "estimators/special.h"

#define NEGLIGIBLE 45.0 /* nats below the mode: e^-45 is below the resolution of a double */
#define SCAN_STEP 4.0
#define MODE_TOLERANCE 1e-4 /* in u; it need not be found exactly */
#define FIRST_INTERVALS 16
#define MOST_INTERVALS 65536
#define TOLERANCE 1e-7 /* between rounds: each has about twice the digits of the one before */

typedef struct posterior {
    const rdc_spectrum *spectrum;
    double alphabet;
    double unseen; /* classes */
} posterior;

/* Log of evidence times the slope of xi times beta, that is of the density of u, up to a constant. */
static double log_density(const posterior *p, double u) {
    const double beta = exp(u), kappa = p->alphabet * beta;
    const int is_small = beta < RDC_SERIES_FROM;
    const double log_gamma = is_small ? rdc_log_gamma(beta) : 0;
    double log_evidence = -rdc_log_rising_excess(kappa, p->spectrum->samples);
    for (size_t i = 0; i < p->spectrum->size; i++) {
        const rdc_count_group group = p->spectrum->groups[i];
        /* for small beta as rdc_log_rising_excess has it, with what all groups share taken out */
        log_evidence += group.classes * (is_small ? rdc_log_gamma(beta + group.count) - log_gamma - group.count * u
                                                  : rdc_log_rising_excess(beta, group.count));
    }
    return log_evidence + log(rdc_trigamma_difference(p->alphabet, beta)) + u;
}

/* First and second moment, about an origin, of the entropy given beta (Wolpert and Wolf 1995). With a the parameters of the
 * posterior Dirichlet and A their sum; logarithms are taken relative to the origin, so that the sums stay small. */
static void moments_at(const posterior *p, double beta, double origin, double *first, double *second) {
    const double total = p->spectrum->samples + p->alphabet * beta;
    const rdc_count_group unseen = {0, p->unseen};
    double digamma, trigamma, sum = 0, squares = 0, own = 0;
    rdc_polygamma(total + 2, &digamma, &trigamma);
    const double centre = origin - digamma;
    for (size_t i = 0; i <= p->spectrum->size; i++) {
        const rdc_count_group group = i ? p->spectrum->groups[i - 1] : unseen;
        const double a = group.count + beta, step = 1 / (a + 1);
        double at, slope;
        rdc_polygamma(a + 1, &at, &slope);
        const double once = at + centre, twice = once + step;
        sum += group.classes * a * once;
        squares += group.classes * a * a * once * once;
        own += group.classes * a * (a + 1) * (twice * twice + slope - step * step);
    }
    /* digamma(A + 2) is 1 / (A + 1) above the digamma(A + 1) of the mean */
    *first = -sum / total - 1 / (total + 1);
    *second = (sum * sum - squares + own) / (total * (total + 1)) - trigamma;
}

/* The mode of the density, which falls like e^u below and like e^-u above all scales of the data. */
static double find_mode(const posterior *p) {
    const double lowest = -log(p->alphabet) - NEGLIGIBLE, highest = 2 * log(p->spectrum->samples) + NEGLIGIBLE;
    double mode = lowest, best = log_density(p, lowest);
    for (double u = lowest + SCAN_STEP; u <= highest; u += SCAN_STEP) {
        const double density = log_density(p, u);
        if (density > best) {
            best = density;
            mode = u;
        }
    }
    for (double step = SCAN_STEP / 2; step > MODE_TOLERANCE; step /= 2) {
        const double left = log_density(p, mode - step), right = log_density(p, mode + step);
        if (left > best || right > best) {
            mode += right > left ? step : -step;
            best = fmax(left, right);
        }
    }
    return mode;
}

/* Where the density has become negligible, on one side of the mode. */
static double find_end(const posterior *p, double mode, double best, double step) {
    while (log_density(p, mode + step) > best - NEGLIGIBLE) step *= 1.5;
    return mode + step;
}

typedef struct sums {
    double weight, first, second; /* moments of the entropy about that at the mode */
} sums;

static void add_point(const posterior *p, double u, double best, double origin, sums *s) {
    double first, second;
    const double weight = exp(log_density(p, u) - best);
    moments_at(p, exp(u), origin, &first, &second);
    s->weight += weight;
    s->first += weight * first;
    s->second += weight * second;
}

static rdc_estimate estimate_of(const sums *s, double origin) {
    const double mean = s->first / s->weight, variance = s->second / s->weight - mean * mean;
    return (rdc_estimate){origin + mean, sqrt(fmax(variance, 0))};
}

static int is_close(const rdc_estimate *a, const rdc_estimate *b) {
    return fabs(a->value - b->value) <= TOLERANCE * fabs(a->value) && fabs(a->error - b->error) <= TOLERANCE * a->error;
}

rdc_estimate rdc_nsb(const rdc_spectrum *spectrum, double alphabet) {
    if (alphabet == 1) return (rdc_estimate){0, 0};
    const posterior p = {spectrum, alphabet, alphabet - spectrum->seen};
    const double mode = find_mode(&p), best = log_density(&p, mode);
    const double low = find_end(&p, mode, best, -1e-3), high = find_end(&p, mode, best, 1e-3);
    double origin, ignored;
    moments_at(&p, exp(mode), 0, &origin, &ignored);
    sums s = {0, 0, 0};
    rdc_estimate last = {0, 0}, now = {origin, DBL_MAX};
    /* each round adds the points halfway between those of the rounds before; both ends count for nothing */
    for (int intervals = FIRST_INTERVALS; intervals <= MOST_INTERVALS && !is_close(&now, &last); intervals *= 2) {
        const int stride = intervals == FIRST_INTERVALS ? 1 : 2;
        for (int i = 1; i < intervals; i += stride) add_point(&p, low + (high - low) * i / intervals, best, origin, &s);
        last = now;
        now = estimate_of(&s, origin);
    }
    return now;
}
