/* From the sums of a stage to what it puts out. Private to csrc/net. */
#ifndef RDC_NET_ACTIVATION_H
#define RDC_NET_ACTIVATION_H

#include "net/net.h"

/* out [tokens, outputs] of sums [tokens, rows of the stage's matrix]. */
typedef void rdc_activation(const rdc_net_stage *stage, const int32_t *sums, size_t tokens, int16_t *out);

rdc_activation *rdc_activation_of(rdc_cpu_level level);

#endif
