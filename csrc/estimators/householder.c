/* A symmetric matrix to tridiagonal form by Householder's reflections. */
#include <math.h>

#include "rdc.h"

/* Turns x [n] into the vector of a reflection that maps x to (alpha, 0, ...), of squared norm 2; returns alpha. */
static double reflector(double *x, size_t n) {
    double square = 0;
    for (size_t i = 0; i < n; i++) square += x[i] * x[i];
    const double alpha = x[0] > 0 ? -sqrt(square) : sqrt(square);
    const double scale = sqrt(square - alpha * x[0]);
    x[0] -= alpha;
    for (size_t i = 0; i < n; i++) x[i] = scale > 0 ? x[i] / scale : 0;
    return alpha;
}

/* a -= v w^T + w v^T for rows and columns from `from` on; w = a v - (v^T a v / 2) v goes into place. */
static void reflect(double *a, size_t n, size_t from, const double *v, double *w) {
    const size_t size = n - from;
    double half = 0;
    for (size_t i = 0; i < size; i++) {
        const double *row = a + (from + i) * n + from;
        w[i] = 0;
        for (size_t j = 0; j < size; j++) w[i] += row[j] * v[j];
        half += v[i] * w[i] / 2;
    }
    for (size_t i = 0; i < size; i++) w[i] -= half * v[i];
    for (size_t i = 0; i < size; i++) {
        double *row = a + (from + i) * n + from;
        for (size_t j = 0; j < size; j++) row[j] -= v[i] * w[j] + w[i] * v[j];
    }
}

void rdc_tridiagonal_form(double *matrix, size_t n, double *diagonal, double *beside) {
    for (size_t k = 0; k + 1 < n; k++) {
        const size_t size = n - k - 1;
        double *v = matrix + k * n + k + 1; /* row k is done with: it gives room for v, and the diagonal's tail for w */
        double *w = diagonal + k + 1;
        diagonal[k] = matrix[k * n + k];
        beside[k] = reflector(v, size);
        reflect(matrix, n, k + 1, v, w);
    }
    if (n) diagonal[n - 1] = matrix[n * n - 1];
}
