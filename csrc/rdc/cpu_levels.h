/* Classes of CPUs that there are kernels for. */
#ifndef RDC_PUBLIC_CPU_LEVELS_H
#define RDC_PUBLIC_CPU_LEVELS_H

#include "rdc/errors.h"

RDC_BEGIN

/* Classes of CPUs, not single features: any 64-bit ARM, x86 with AVX2 and BMI2 (Haswell, Zen), x86 with AVX-512 up to VBMI2
 * (Ice Lake, Zen 4). Of those that a machine has the last one is the best. */
typedef enum rdc_cpu_level { RDC_CPU_SCALAR, RDC_CPU_NEON, RDC_CPU_AVX2, RDC_CPU_AVX512, RDC_CPU_LEVELS } rdc_cpu_level;

int rdc_cpu_has(rdc_cpu_level level); /* this machine and this build */

/* The level called `name` ("scalar", "neon", "avx2", "avx512"); the best of this machine for NULL. Errors: RDC_ERROR_CPU_NAME. */
rdc_status rdc_cpu_choose(const char *name, rdc_cpu_level *level);
const char *rdc_cpu_name(rdc_cpu_level level);

/* Functions that take a level, one that this machine has, give the same results at each. */

typedef struct rdc_rans_kernels rdc_rans_kernels;

/* The rANS kernels of a level; a constant. The scalar ones define the bytes, every other level writes the same. */
const rdc_rans_kernels *rdc_rans_kernels_of(rdc_cpu_level level);

RDC_END

#endif
