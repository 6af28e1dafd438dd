/* Special functions of positive arguments, to a few units in the last place; thread-safe, which lgamma() of C is not.
 * Private to csrc/estimators. */
#ifndef RDC_ESTIMATORS_SPECIAL_H
#define RDC_ESTIMATORS_SPECIAL_H

#include "rdc.h" /* digamma and trigamma */

/* From here on asymptotic series are exact to double precision, which is faster. */
#define RDC_SERIES_FROM 10.0

/* Both at once. */
void rdc_polygamma(double x, double *digamma, double *trigamma);

/* k trigamma(k x + 1) - trigamma(x + 1) for k above 1, whose digits cancel for large x where it is computed as written. */
double rdc_trigamma_difference(double k, double x);

double rdc_log_gamma(double x);

/* log(gamma(x + n) / (gamma(x) x^n)), which goes to 0 for large x. */
double rdc_log_rising_excess(double x, double n);

#endif
