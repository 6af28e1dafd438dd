#include "estimators/special.h"

#include <math.h>

#define HALF_LOG_2_PI 0.91893853320467274178

/* digamma(x) - log(x) for large x (Abramowitz and Stegun 6.3.18). */
static double digamma_series(double x) {
    const double y = 1 / (x * x);
    return -0.5 / x -
           y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y * (1.0 / 240 - y * (1.0 / 132 - y * (691.0 / 32760 - y / 12))))));
}

/* trigamma(x) - 1 / x - 1 / (2 x^2) for large x (6.4.12). */
static double trigamma_series(double x) {
    const double y = 1 / (x * x);
    return y / x * (1.0 / 6 - y * (1.0 / 30 - y * (1.0 / 42 - y * (1.0 / 30 - y * (5.0 / 66 - y * (691.0 / 2730 - y * 7 / 6))))));
}

void rdc_polygamma(double x, double *digamma, double *trigamma) {
    double first = 0, second = 0;
    for (; x < RDC_SERIES_FROM; x += 1) {
        const double inverse = 1 / x;
        first += inverse;
        second += inverse * inverse;
    }
    *digamma = log(x) + digamma_series(x) - first;
    *trigamma = 1 / x + 0.5 / (x * x) + trigamma_series(x) + second;
}

double rdc_digamma(double x) {
    double digamma, trigamma;
    rdc_polygamma(x, &digamma, &trigamma);
    return digamma;
}

double rdc_trigamma(double x) {
    double digamma, trigamma;
    rdc_polygamma(x, &digamma, &trigamma);
    return trigamma;
}

double rdc_trigamma_difference(double k, double x) {
    if (x < RDC_SERIES_FROM) return k * rdc_trigamma(k * x + 1) - rdc_trigamma(x + 1);
    /* trigamma(x + 1) = 1 / x - 1 / (2 x^2) + the series; 1 / x cancels */
    const double kx = k * x;
    return k * (trigamma_series(kx) - 0.5 / (kx * kx)) - (trigamma_series(x) - 0.5 / (x * x));
}

/* log(gamma(x)) - (x - 1/2) log(x) + x - log(2 pi) / 2 for large x (6.1.41). */
static double stirling_series(double x) {
    const double y = 1 / (x * x);
    const double high = 1.0 / 1680 - y * (1.0 / 1188 - y * (691.0 / 360360 - y / 156));
    return (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y * high))) / x;
}

double rdc_log_gamma(double x) {
    double factors = 1;
    for (; x < RDC_SERIES_FROM; x += 1) factors *= x; /* gamma(x) = gamma(x + 1) / x */
    return (x - 0.5) * log(x) - x + HALF_LOG_2_PI + stirling_series(x) - log(factors);
}

double rdc_log_rising_excess(double x, double n) {
    if (x < RDC_SERIES_FROM) return rdc_log_gamma(x + n) - rdc_log_gamma(x) - n * log(x);
    return (x + n - 0.5) * log1p(n / x) - n + stirling_series(x + n) - stirling_series(x);
}
