/* Rounding of doubles to integers, ties to even, in instructions that every CPU has for vectors. */
#ifndef RDC_BASE_ROUNDING_H
#define RDC_BASE_ROUNDING_H

#define RDC_NEAREST 6755399441055744.0 /* 1.5 * 2^52: added and taken away, it rounds what is below 2^51 */

/* Rounded, and clipped to a magnitude that is an integer; what is no number becomes that. */
static inline double rdc_rounded_within(double x, double limit) {
    const double below = x < limit ? x : limit, within = below > -limit ? below : -limit;
    return (within + RDC_NEAREST) - RDC_NEAREST;
}

#endif
