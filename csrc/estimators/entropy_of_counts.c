/* Entropy estimators that are sums over classes, with the jackknife as their standard error, and the entry to all estimators. */
#include <math.h>

#include "base/status.h"
#include "estimators/nsb.h"
#include "estimators/special.h"
#include "estimators/spectrum.h"

#define NATS_A_BIT 0.69314718055994530942
#define MOST_CLASSES (UINT64_C(1) << 53)

/* What a class's share in an estimate depends on beside its own count. */
typedef struct context {
    rdc_entropy_method method;
    double samples;
    double coverage; /* share of the probability that the classes seen have, by Good and Turing */
} context;

/* If all samples were singletons the coverage would be zero; one of them is taken for a repetition then. */
static context context_of(rdc_entropy_method method, double samples, double singletons) {
    if (singletons >= samples) singletons = samples - 1;
    return (context){method, samples, 1 - singletons / samples};
}

static double share_plugin(const context *c, double count) {
    return -count / c->samples * log(count / c->samples);
}

/* Grassberger 2003, equations 27 and 29. */
static double share_grassberger(const context *c, double count) {
    const double alternating = 0.5 * (rdc_digamma((count + 1) / 2) - rdc_digamma(count / 2));
    const double g = rdc_digamma(count) + (fmod(count, 2) > 0 ? -alternating : alternating);
    return count / c->samples * (log(c->samples) - g);
}

/* Chao and Shen 2003: probabilities shrunk by the coverage, each weighted by the inverse of the chance to be seen at all. */
static double share_chao_shen(const context *c, double count) {
    const double p = fmin(c->coverage * count / c->samples, 1);
    return p * log(p) / expm1(c->samples * log1p(-p));
}

static double share(const context *c, double count) {
    if (count < 1) return 0;
    switch (c->method) {
    case RDC_ENTROPY_MILLER_MADOW: return share_plugin(c, count) + 0.5 / c->samples;
    case RDC_ENTROPY_GRASSBERGER: return share_grassberger(c, count);
    case RDC_ENTROPY_CHAO_SHEN: return share_chao_shen(c, count);
    default: return share_plugin(c, count);
    }
}

static double total(const context *c, const rdc_spectrum *spectrum) {
    double sum = c->method == RDC_ENTROPY_MILLER_MADOW ? -0.5 / c->samples : 0;
    for (size_t i = 0; i < spectrum->size; i++) sum += spectrum->groups[i].classes * share(c, spectrum->groups[i].count);
    return sum;
}

/* Leaving out a sample of a class changes the share of this class, the number of samples, and by at most 1 that of singletons. */
static double jackknife_error(rdc_entropy_method method, const rdc_spectrum *spectrum, double singletons, double value) {
    const double n = spectrum->samples;
    context contexts[3];
    double totals[3], mean = 0, square = 0; /* of differences to the value */
    for (int k = 0; k < 3; k++) {
        contexts[k] = context_of(method, n - 1, singletons + k - 1);
        totals[k] = total(&contexts[k], spectrum) - value;
    }
    for (size_t i = 0; i < spectrum->size; i++) {
        const double count = spectrum->groups[i].count, weight = count * spectrum->groups[i].classes / n;
        const int k = count > 2 ? 1 : count > 1 ? 2 : 0;
        const double difference = totals[k] - share(&contexts[k], count) + share(&contexts[k], count - 1);
        mean += weight * difference;
        square += weight * difference * difference;
    }
    return sqrt((n - 1) * fmax(square - mean * mean, 0));
}

static rdc_estimate additive(rdc_entropy_method method, const rdc_spectrum *spectrum) {
    const double singletons = spectrum->groups[0].count > 1 ? 0 : spectrum->groups[0].classes;
    const context c = context_of(method, spectrum->samples, singletons);
    const double value = total(&c, spectrum), error = jackknife_error(method, spectrum, singletons, value);
    /* the bias of frequencies that are put in as they are has a known size; it is an error like any other */
    const int is_biased = method == RDC_ENTROPY_PLUGIN || method == RDC_ENTROPY_CHAO_SHEN;
    const double bias = is_biased ? (spectrum->seen - 1) / (2 * spectrum->samples) : 0;
    /* of second order: all that is left where classes are equally likely */
    const double curvature = sqrt((spectrum->seen - 1) / 2) / spectrum->samples;
    return (rdc_estimate){value, hypot(error, hypot(bias, curvature))};
}

static rdc_estimate in_bits(rdc_estimate nats) {
    return (rdc_estimate){nats.value / NATS_A_BIT, nats.error / NATS_A_BIT};
}

rdc_status rdc_entropy_of_counts(const int64_t *counts, size_t classes, rdc_entropy_method method, uint64_t alphabet,
                                 rdc_estimate *entropy) {
    rdc_spectrum spectrum;
    RDC_FORWARD_IF_ERROR(rdc_spectrum_make(&spectrum, counts, classes));
    const uint64_t seen = (uint64_t)spectrum.seen;
    const int is_known = method != RDC_ENTROPY_NSB || (alphabet >= seen && alphabet <= MOST_CLASSES);
    if (is_known) {
        *entropy = in_bits(method == RDC_ENTROPY_NSB ? rdc_nsb(&spectrum, (double)alphabet) : additive(method, &spectrum));
    }
    rdc_spectrum_free(&spectrum);
    RDC_RETURN_IF(!is_known, RDC_ERROR_ALPHABET, seen, alphabet);
    return rdc_ok();
}
