/* Estimators (docs/estimators.md). The same results with any number of threads. */
#ifndef RDC_PUBLIC_ESTIMATORS_H
#define RDC_PUBLIC_ESTIMATORS_H

#include "rdc/cpu_levels.h"

RDC_BEGIN

typedef enum rdc_entropy_method {
    RDC_ENTROPY_PLUGIN,
    RDC_ENTROPY_MILLER_MADOW,
    RDC_ENTROPY_GRASSBERGER,
    RDC_ENTROPY_CHAO_SHEN,
    RDC_ENTROPY_NSB
} rdc_entropy_method;

/* A value and its standard error. */
typedef struct rdc_estimate {
    double value;
    double error;
} rdc_estimate;

/* Entropy in bits of what was seen counts[i] times in class i. `alphabet` is the number of classes that there are, seen or not;
 * only NSB asks for it. Errors: RDC_ERROR_COUNT (at: position), RDC_ERROR_COUNT_SUM (above 2^53), RDC_ERROR_COUNT_SAMPLES
 * (fewer than 2), RDC_ERROR_ALPHABET (fewer than seen, or above 2^53), RDC_ERROR_MEMORY. */
rdc_status rdc_entropy_of_counts(const int64_t *counts, size_t classes, rdc_entropy_method method, uint64_t alphabet,
                                 rdc_estimate *entropy);

/* gram += x x^T, or x^T x where it is that of columns, for x [rows, columns]; of gram only the lower triangle is touched.
 * Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_gram_add(rdc_cpu_level cpu, const double *x, size_t rows, size_t columns, int of_columns, double *gram);

/* Replaces the lower triangle of a symmetric matrix [n, n] by its Cholesky factor; after an error it is neither.
 * Errors: RDC_ERROR_NOT_POSITIVE (at: pivot), RDC_ERROR_MEMORY. */
rdc_status rdc_cholesky(rdc_cpu_level cpu, double *matrix, size_t n);

/* Replaces right [n, columns] by the inverse of a lower triangular factor [n, n] times it. */
void rdc_solve_lower(const double *factor, size_t n, double *right, size_t columns);

/* For vectors [count, columns]: out [count, rows], the matrix [rows, columns] times each. */
void rdc_matrix_times_vectors(const double *matrix, size_t rows, size_t columns, const double *vectors, size_t count,
                              double *out);

/* For vectors [count, rows]: out [count, columns], the transpose times each. */
void rdc_transpose_times_vectors(const double *matrix, size_t rows, size_t columns, const double *vectors, size_t count,
                                 double *out);

/* distances [n, k]: from each point of x [n, dimensions] to its k nearest others, rising.
 * Errors: RDC_ERROR_NEIGHBOURS, RDC_ERROR_NOT_FINITE (at: position), RDC_ERROR_MEMORY. */
rdc_status rdc_neighbour_distances(rdc_cpu_level cpu, const double *x, size_t n, size_t dimensions, size_t k, double *distances);

/* Philox4x32-10: 128 random bits by counter and key. */
void rdc_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* The first n signs, 1 or -1, of a draw. Sign i is negative if bit i % 32 of word i / 32 % 4 is set in Philox's output for the
 * counter (i / 128, draw), both of 64 bits with the low word first, under the seed as key. */
void rdc_random_signs(uint64_t seed, uint64_t draw, size_t n, double *signs);

/* Replaces the diagonal [n] of a symmetric tridiagonal matrix, whose other elements are beside [n - 1], by its eigenvalues;
 * vectors [n, n] get the eigenvectors as columns. Errors: RDC_ERROR_EIGENVALUES (not finite; at: row). */
rdc_status rdc_tridiagonal_eigen(double *diagonal, double *beside, size_t n, double *vectors);

/* Digamma and trigamma of x above 0. */
double rdc_digamma(double x);
double rdc_trigamma(double x);

/* For each draw of signs s, those of rdc_random_signs: maxima [draws] = max(maxima, |sum over i of s_i x[i, j]|) over all
 * columns j of x [n, columns], so that columns may come in parts. Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_rademacher_maxima(rdc_cpu_level cpu, const float *x, size_t n, size_t columns, uint64_t seed, size_t draws,
                                 float *maxima);

/* forms [draws]: s^T gram s, gram [n, n] given by its lower triangle. Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_rademacher_forms(rdc_cpu_level cpu, const double *gram, size_t n, uint64_t seed, size_t draws, double *forms);

/* The diagonal [n] and what is beside it [n - 1] of a tridiagonal matrix with the eigenvalues of a symmetric one [n, n], which is
 * used up. */
void rdc_tridiagonal_form(double *matrix, size_t n, double *diagonal, double *beside);

/* A source of symbols and what it costs to reproduce them as outputs. */
typedef struct rdc_source {
    const double *p;          /* [sources], probabilities that sum to 1 */
    const double *distortion; /* [sources, outputs], finite */
    size_t sources, outputs;
} rdc_source;

/* A channel's distortion and rate, in nats, which bound the rate-distortion function R(D) from above; and a line from below:
 * R(D) >= intercept - slope * D for all D. */
typedef struct rdc_rate_point {
    double distortion, rate, intercept;
} rdc_rate_point;

/* Iterates the outputs' probabilities q [outputs], above 0 at first, until rate and line are within the tolerance of each other
 * or the iterations are used up, at least one. Errors: RDC_ERROR_MEMORY. */
rdc_status rdc_blahut_arimoto(const rdc_source *source, double slope, double tolerance, uint64_t iterations, double *q,
                              rdc_rate_point *point);

RDC_END

#endif
