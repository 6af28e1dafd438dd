/* Shuffles for vectors without compress and expand, by the set of lanes that are due a word: constants made by the preprocessor.
 * Private to csrc/entropy. */
#ifndef RDC_ENTROPY_LANE_RANKS_H
#define RDC_ENTROPY_LANE_RANKS_H

#include <stdint.h>

#define RDC_BIT(m, i) ((uint64_t)(m) >> (i) & 1)
#define RDC_BELOW(m, i) /* lanes of the set m below lane i, for sets of 8 lanes */                                          \
    ((i > 0 ? RDC_BIT(m, 0) : 0) + (i > 1 ? RDC_BIT(m, 1) : 0) + (i > 2 ? RDC_BIT(m, 2) : 0) + (i > 3 ? RDC_BIT(m, 3) : 0) + \
     (i > 4 ? RDC_BIT(m, 4) : 0) + (i > 5 ? RDC_BIT(m, 5) : 0) + (i > 6 ? RDC_BIT(m, 6) : 0))
#define RDC_FROM(m, i) (RDC_BELOW(m, 7) + RDC_BIT(m, 7) - RDC_BELOW(m, i)) /* lane i and those above */

/* Expanding: lane i of the set takes the word of its rank. Packing: it goes to the place that leaves those above it at the upper end. */
#define RDC_EXPAND_LANE(m, i) (RDC_BIT(m, i) * RDC_BELOW(m, i) << 8 * i)
#define RDC_PACK_LANE(m, i) (RDC_BIT(m, i) * i << 8 * (RDC_BIT(m, i) ? 8 - RDC_FROM(m, i) : 0))
#define RDC_ALL_LANES(lane, m) \
    (lane(m, 0) | lane(m, 1) | lane(m, 2) | lane(m, 3) | lane(m, 4) | lane(m, 5) | lane(m, 6) | lane(m, 7))
#define RDC_4_SETS(lane, m) \
    RDC_ALL_LANES(lane, m), RDC_ALL_LANES(lane, (m) + 1), RDC_ALL_LANES(lane, (m) + 2), RDC_ALL_LANES(lane, (m) + 3)
#define RDC_16_SETS(lane, m) \
    RDC_4_SETS(lane, m), RDC_4_SETS(lane, (m) + 4), RDC_4_SETS(lane, (m) + 8), RDC_4_SETS(lane, (m) + 12)
#define RDC_64_SETS(lane, m) \
    RDC_16_SETS(lane, m), RDC_16_SETS(lane, (m) + 16), RDC_16_SETS(lane, (m) + 32), RDC_16_SETS(lane, (m) + 48)
#define RDC_256_SETS(lane) RDC_64_SETS(lane, 0), RDC_64_SETS(lane, 64), RDC_64_SETS(lane, 128), RDC_64_SETS(lane, 192)

#endif
