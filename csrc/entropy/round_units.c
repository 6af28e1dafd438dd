/* Frequencies of given entries.
 *
 * The expected code length -sum p log2 f under sum f = 2^precision, f >= 1 is a separable convex function
 * of the frequencies, so giving one unit after the other to the entry that gains most by it, p log(1 + 1 / f), is optimal.
 * Most units need no comparison: with lambda the smallest gain that is paid, f lies in (p / lambda - 1/2, p / lambda + 1] or is 1,
 * and the sum over all S entries of total probability P gives 1 / lambda >= (2^precision - S) / P. The largest whole number that
 * this leaves below f is where the giving starts. */
#include <math.h>

#include "entropy/pmf.h"

/* Equal gains by position, so that the result is defined. */
static int rdc_gain_before(rdc_gain a, rdc_gain b) {
    return a.gain > b.gain || (a.gain == b.gain && a.entry < b.entry);
}

static void rdc_gain_sink(rdc_gain *heap, size_t count, size_t at) {
    const rdc_gain moved = heap[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && rdc_gain_before(heap[child + 1], heap[child])) child++;
        if (!rdc_gain_before(heap[child], moved)) break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

static double rdc_gain_of(double p, uint32_t f) {
    return p * log1p(1.0 / f);
}

void rdc_round_support(const double *p, uint32_t count, unsigned precision, uint32_t *f, rdc_gain *heap) {
    double total = 0;
    for (uint32_t i = 0; i < count; i++) total += p[i];
    const double scale = ((double)(1u << precision) - count) / total;
    uint32_t left = 1u << precision;
    for (uint32_t i = 0; i < count; i++) {
        const double below = floor(p[i] * scale - 0.5);
        f[i] = below > 1 ? (uint32_t)below : 1;
        left -= f[i];
        heap[i] = (rdc_gain){rdc_gain_of(p[i], f[i]), i};
    }
    for (size_t i = count / 2; i-- > 0;) rdc_gain_sink(heap, count, i);
    for (; left; left--) {
        const uint32_t i = heap[0].entry;
        f[i]++;
        heap[0].gain = rdc_gain_of(p[i], f[i]);
        rdc_gain_sink(heap, count, 0);
    }
}

double rdc_entry_bits(const double *p, const uint32_t *f, uint32_t count, unsigned precision) {
    double bits = 0;
    for (uint32_t i = 0; i < count; i++) bits += p[i] * (precision - log2(f[i]));
    return bits;
}
