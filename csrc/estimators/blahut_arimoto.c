/* The algorithm of Blahut and of Arimoto (1972) for a point of the rate-distortion function. */
#include <math.h>
#include <stdlib.h>

#include "base/status.h"

typedef struct workspace {
    double *likelihoods; /* [sources, outputs], exp(-slope * distortion), 1 at each row's least distortion */
    double *sums;        /* [sources], of likelihoods under the outputs' probabilities */
    double *weights;     /* [sources], probability over sum */
    double *factors;     /* [outputs], what each output's probability is to be multiplied by */
    double offset;       /* mean of the rows' least distortions */
} workspace;

static int workspace_make(workspace *w, size_t sources, size_t outputs) {
    w->likelihoods = malloc(sources * outputs * sizeof *w->likelihoods);
    w->sums = malloc(sources * sizeof *w->sums);
    w->weights = malloc(sources * sizeof *w->weights);
    w->factors = malloc(outputs * sizeof *w->factors);
    return w->likelihoods && w->sums && w->weights && w->factors;
}

static void workspace_free(workspace *w) {
    free(w->likelihoods);
    free(w->sums);
    free(w->weights);
    free(w->factors);
}

static double least(const double *row, size_t n) {
    double low = row[0];
    for (size_t j = 1; j < n; j++) low = row[j] < low ? row[j] : low;
    return low;
}

static void find_likelihoods(const rdc_source *s, double slope, workspace *w) {
    w->offset = 0;
    for (size_t i = 0; i < s->sources; i++) {
        const double *row = s->distortion + i * s->outputs, low = least(row, s->outputs);
        for (size_t j = 0; j < s->outputs; j++) w->likelihoods[i * s->outputs + j] = exp(-slope * (row[j] - low));
        w->offset += s->p[i] * low;
    }
}

static void find_factors(const rdc_source *s, const double *q, workspace *w) {
    rdc_matrix_times_vectors(w->likelihoods, s->sources, s->outputs, q, 1, w->sums);
    for (size_t i = 0; i < s->sources; i++) w->weights[i] = s->p[i] / w->sums[i];
    rdc_transpose_times_vectors(w->likelihoods, s->sources, s->outputs, w->weights, 1, w->factors);
}

static double mean_distortion(const rdc_source *s, const double *q, const workspace *w) {
    double sum = 0;
    for (size_t i = 0; i < s->sources; i++) {
        const double *row = s->distortion + i * s->outputs, *likelihoods = w->likelihoods + i * s->outputs;
        double expected = 0;
        for (size_t j = 0; j < s->outputs; j++) expected += q[j] * likelihoods[j] * row[j];
        sum += w->weights[i] * expected;
    }
    return sum;
}

/* What the channel of q and the slope has, and how far below it the function may be: log of the largest factor minus their mean
 * log (Blahut 1972, theorem 6). */
static rdc_rate_point point_of(const rdc_source *s, double slope, const double *q, const workspace *w) {
    rdc_rate_point point = {.distortion = mean_distortion(s, q, w)};
    double logs = 0, largest = 0, mean_log = 0;
    for (size_t i = 0; i < s->sources; i++) logs -= s->p[i] * log(w->sums[i]);
    for (size_t j = 0; j < s->outputs; j++) {
        largest = w->factors[j] > largest ? w->factors[j] : largest;
        if (q[j] * w->factors[j] > 0) mean_log += q[j] * w->factors[j] * log(w->factors[j]);
    }
    point.rate = logs - slope * (point.distortion - w->offset) - mean_log;
    point.intercept = logs + slope * w->offset - log(largest);
    return point;
}

static rdc_rate_point iterate(const rdc_source *s, double slope, double tolerance, uint64_t iterations, double *q, workspace *w) {
    rdc_rate_point point = {0, 0, 0};
    find_likelihoods(s, slope, w);
    for (uint64_t i = 0; i < iterations; i++) {
        find_factors(s, q, w);
        point = point_of(s, slope, q, w);
        if (point.rate - (point.intercept - slope * point.distortion) <= tolerance) break;
        for (size_t j = 0; j < s->outputs; j++) q[j] *= w->factors[j];
    }
    return point;
}

rdc_status rdc_blahut_arimoto(const rdc_source *source, double slope, double tolerance, uint64_t iterations, double *q,
                              rdc_rate_point *point) {
    workspace w;
    const int enough_memory = workspace_make(&w, source->sources, source->outputs);
    if (enough_memory) *point = iterate(source, slope, tolerance, iterations, q, &w);
    workspace_free(&w);
    RDC_RETURN_IF(!enough_memory, RDC_ERROR_MEMORY, 0, 0);
    return rdc_ok();
}
