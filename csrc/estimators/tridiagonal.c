/* Eigenvalues and eigenvectors of a symmetric tridiagonal matrix by implicitly shifted QL (Bowdler, Martin, Reinsch and
 * Wilkinson 1968). */
#include <float.h>
#include <math.h>

#include "base/status.h"

#define MOST_SWEEPS 60 /* an eigenvalue; two or three are usual */

/* The first off-diagonal element from `from` on that is negligible, or the last index. */
static size_t split_of(const double *diagonal, const double *beside, size_t n, size_t from) {
    size_t m = from;
    while (m + 1 < n && fabs(beside[m]) > DBL_EPSILON * (fabs(diagonal[m]) + fabs(diagonal[m + 1]))) m++;
    return m;
}

/* Rotates columns i and i + 1 of the vectors. */
static void rotate(double *vectors, size_t n, size_t i, double cosine, double sine) {
    for (size_t row = 0; row < n; row++) {
        double *v = vectors + row * n + i;
        const double low = v[0], high = v[1];
        v[1] = sine * low + cosine * high;
        v[0] = cosine * low - sine * high;
    }
}

/* One sweep over rows [from, to]. */
static void sweep(double *diagonal, double *beside, double *vectors, size_t n, size_t from, size_t to) {
    const double half = (diagonal[from + 1] - diagonal[from]) / (2 * beside[from]), root = hypot(half, 1);
    double g = diagonal[to] - diagonal[from] + beside[from] / (half + (half < 0 ? -root : root));
    double cosine = 1, sine = 1, shift = 0;
    for (size_t i = to; i-- > from;) {
        const double f = sine * beside[i], b = cosine * beside[i], r = hypot(f, g);
        if (i + 1 < to) beside[i + 1] = r;
        if (r == 0) {
            diagonal[i + 1] -= shift;
            beside[to - 1] = 0;
            return;
        }
        sine = f / r;
        cosine = g / r;
        g = diagonal[i + 1] - shift;
        const double t = (diagonal[i] - g) * sine + 2 * cosine * b;
        shift = sine * t;
        diagonal[i + 1] = g + shift;
        g = cosine * t - b;
        rotate(vectors, n, i, cosine, sine);
    }
    diagonal[from] -= shift;
    beside[from] = g;
}

rdc_status rdc_tridiagonal_eigen(double *diagonal, double *beside, size_t n, double *vectors) {
    for (size_t i = 0; i < n * n; i++) vectors[i] = i % (n + 1) == 0;
    for (size_t from = 0; from < n; from++) {
        size_t to = split_of(diagonal, beside, n, from);
        for (int sweeps = 0; to > from; sweeps++) {
            RDC_RETURN_IF(sweeps == MOST_SWEEPS, RDC_ERROR_EIGENVALUES, from, 0);
            sweep(diagonal, beside, vectors, n, from, to);
            to = split_of(diagonal, beside, n, from);
        }
    }
    return rdc_ok();
}
