/* The estimator of Nemenman, Shafee and Bialek. Private to csrc/estimators. */
#ifndef RDC_ESTIMATORS_NSB_H
#define RDC_ESTIMATORS_NSB_H

#include "estimators/spectrum.h"

/* Mean and standard deviation, in nats, of the entropy under the posterior. `alphabet` is at least the number of classes
 * seen. */
rdc_estimate rdc_nsb(const rdc_spectrum *spectrum, double alphabet);

#endif
