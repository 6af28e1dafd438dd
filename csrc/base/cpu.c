#include "base/cpu.h"

#include <string.h>

#include "base/status.h"

static const char *const names[] = {
    [RDC_CPU_SCALAR] = "scalar", [RDC_CPU_NEON] = "neon", [RDC_CPU_AVX2] = "avx2", [RDC_CPU_AVX512] = "avx512",
};

/* The compiler's runtime also asks whether the operating system keeps the wide registers. */
int rdc_cpu_has(rdc_cpu_level level) {
    switch (level) {
    case RDC_CPU_SCALAR: return 1;
    case RDC_CPU_NEON: return RDC_ARM;
#if RDC_X86
    case RDC_CPU_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
    case RDC_CPU_AVX512:
        return rdc_cpu_has(RDC_CPU_AVX2) && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
               __builtin_cpu_supports("avx512vnni");
#endif
    default: return 0;
    }
}

rdc_status rdc_cpu_choose(const char *name, rdc_cpu_level *level) {
    for (rdc_cpu_level at = RDC_CPU_LEVELS; at-- > 0;) {
        if (!rdc_cpu_has(at) || (name && strcmp(name, names[at]) != 0)) continue;
        *level = at;
        return rdc_ok();
    }
    return rdc_fail(RDC_ERROR_CPU_NAME, 0, 0);
}

const char *rdc_cpu_name(rdc_cpu_level level) {
    return names[level];
}
