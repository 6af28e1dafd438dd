/* The scalar quantiser: dead zone and reconstruction points. */
#include <math.h>

#include "base/status.h"
#include "quant/float_types.h"
#include "quant/scalar_kernels.h"

static rdc_status check_steps(const double *steps, size_t n) {
    for (size_t i = 0; i < n; i++) RDC_RETURN_IF(!(steps[i] > 0 && steps[i] < HUGE_VAL), RDC_ERROR_STEP, i, 0);
    return rdc_ok();
}

/* What is wrong with the values: the first that is not finite, or else the first whose symbol is too large. */
static rdc_status refuse(const void *values, rdc_float_type type, size_t n, size_t channels, const double *steps, double offset) {
    size_t beyond = n;
    for (size_t i = n; i-- > 0;) {
        const float x = rdc_float_at(values, type, i);
        if (!(fabs((double)x / steps[i % channels]) + offset < INT32_MAX)) beyond = i;
    }
    for (size_t i = 0; i < n; i++) RDC_RETURN_IF(!isfinite(rdc_float_at(values, type, i)), RDC_ERROR_NOT_FINITE, i, 0);
    return rdc_fail(RDC_ERROR_QUANTISE_RANGE, beyond, 0);
}

rdc_status rdc_quantise(rdc_cpu_level cpu, const void *values, rdc_float_type type, size_t tokens, size_t channels,
                        const double *steps, double dead_zone, int32_t *symbols) {
    RDC_RETURN_IF(!(dead_zone >= 0 && dead_zone <= 1), RDC_ERROR_DEAD_ZONE, 0, 0);
    RDC_FORWARD_IF_ERROR(check_steps(steps, channels));
    const double offset = 0.5 - 0.5 * dead_zone;
    if (rdc_scalar_kernels_of(cpu)->quantise(values, type, tokens, channels, steps, offset, symbols)) return rdc_ok();
    return refuse(values, type, tokens * channels, channels, steps, offset);
}

rdc_status rdc_dequantise(rdc_cpu_level cpu, const int32_t *symbols, size_t tokens, size_t channels, const double *steps,
                          const double *inward, float *values) {
    RDC_FORWARD_IF_ERROR(check_steps(steps, channels));
    for (int k = 0; k < 2; k++) RDC_RETURN_IF(!(inward[k] >= -0.5 && inward[k] <= 0.5), RDC_ERROR_RECONSTRUCTION, k, 0);
    rdc_scalar_kernels_of(cpu)->dequantise(symbols, tokens, channels, steps, inward, values);
    return rdc_ok();
}
