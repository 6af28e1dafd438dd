/* The trellis of the dependent quantiser. Shared by the quantiser and by the code that chooses tables along the trellis.
 *
 * The points of the even quantiser are the even integers, those of the odd one are 0 and the odd integers. A level counts
 * the points of its quantiser, so its parity splits them in two subsets; the parity drives the state, and the lowest bit of
 * the state says which quantiser comes next. The states follow Ungerboeck's code of 8 states (parity check polynomials 13
 * and 04 octal: IEEE Trans. Inf. Theory 28, 1982, table I); zero belongs to both quantisers as in the dependent quantisation
 * of H.266 (Schwarz et al., DCC 2019), since at low rates most levels are 0. */
#ifndef RDC_QUANT_TRELLIS_H
#define RDC_QUANT_TRELLIS_H

#include "rdc.h"

#define RDC_TRELLIS_STATES 8
#define RDC_TRELLIS_LARGEST 536870912.0 /* 2^29, half steps, which no value reaches: levels and points stay well within int32 */

/* Every token starts in state 0. The code's shift register, in fewer cycles than looking the next state up would take: what
 * goes through the levels one by one waits for it. */
#define RDC_TRELLIS_FEEDBACK 5u
#define RDC_TRELLIS_INPUT 2u

static inline unsigned rdc_trellis_next(unsigned state, int32_t level) {
    return (state >> 1) ^ (RDC_TRELLIS_FEEDBACK * (state & 1)) ^ (RDC_TRELLIS_INPUT * ((uint32_t)level & 1));
}

static inline unsigned rdc_trellis_odd(unsigned state) {
    return state & 1;
}

/* The point of a level; 64 bits, for a decoder meets every int32. Without a branch, which no processor could foretell. */
static inline int64_t rdc_trellis_point(int32_t level, unsigned odd) {
    const int64_t sign = (level > 0) - (level < 0);
    return 2 * (int64_t)level - (sign & -(int64_t)odd);
}

#define RDC_RATED_MAGNITUDES 8 /* that differ in what they cost: few enough for all tables to stay in the first-level cache */

/* What the levels of a token cost in the tables that it will probably have. */
typedef struct rdc_level_rates {
    const uint16_t *costs; /* [tables, 2, RDC_RATED_MAGNITUDES] of the even and the odd quantiser's; the last is for all larger ones */
    const uint32_t *rows;  /* [components], the table of each */
    double weight;         /* squared half steps that one unit of the costs is worth */
} rdc_level_rates;

/* Levels of one token's values [components], those of least squared error and cost together, in memory of rdc_trellis_rated_room doubles:
 * for callers that may take none in between. Errors: as rdc_trellis_quantise. */
size_t rdc_trellis_rated_room(size_t components);
rdc_status rdc_trellis_quantise_rated(rdc_cpu_level cpu, const double *values, size_t components, const rdc_level_rates *rates,
                                      double *memory, int32_t *levels);

#endif
