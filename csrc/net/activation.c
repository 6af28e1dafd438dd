#include "net/activation.h"

#include "base/cpu.h"

/* One loop for all: shifts that differ from output to output are vector instructions from AVX2 on. */
static RDC_ALWAYS_INLINE void activate(const rdc_net_stage *stage, const int32_t *sums, size_t tokens, int16_t *out) {
    const int32_t lowest = stage->lowest, highest = stage->highest;
    for (size_t t = 0; t < tokens; t++) {
        for (size_t o = 0; o < stage->outputs; o++) {
            /* >> of a negative number is arithmetic with every compiler that this is built with; a test would tell */
            int32_t value = (sums[t * stage->matrix.rows + o] + stage->bias[o]) >> stage->shift[o];
            value = value < lowest ? lowest : value > highest ? highest : value;
            out[t * stage->outputs + o] = (int16_t)value;
        }
    }
    if (!stage->table) return;
    for (size_t i = 0; i < tokens * stage->outputs; i++) out[i] = stage->table[out[i] - lowest];
}

static void activate_baseline(const rdc_net_stage *stage, const int32_t *sums, size_t tokens, int16_t *out) {
    activate(stage, sums, tokens, out);
}

#if RDC_X86
RDC_TARGET_AVX2 static void activate_avx2(const rdc_net_stage *stage, const int32_t *sums, size_t tokens, int16_t *out) {
    activate(stage, sums, tokens, out);
}
#endif

rdc_activation *rdc_activation_of(rdc_cpu_level level) {
    switch (level) {
#if RDC_X86
    case RDC_CPU_AVX2:
    case RDC_CPU_AVX512: return activate_avx2;
#endif
    default: return activate_baseline;
    }
}
