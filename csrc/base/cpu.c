#include <string.h>

#include "base/status.h"

static const char *const names[] = {[RDC_CPU_SCALAR] = "scalar"};

rdc_status rdc_cpu_choose(const char *name, rdc_cpu_level *level) {
    *level = RDC_CPU_SCALAR;
    RDC_RETURN_IF(name && strcmp(name, names[RDC_CPU_SCALAR]) != 0, RDC_ERROR_CPU_NAME, 0, 0);
    return rdc_ok();
}

const char *rdc_cpu_name(rdc_cpu_level level) {
    return names[level];
}
