/* The analysis of integers A of a learned codec becomes round(A + g A E) at a quality: E of low rank in units, and g = 2^(-quality / 8).
 * Sums are exact for all that training writes. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/octave.h"
#include "checkpoint/checkpoint.h"

#define LEAST_EMPHASISED (-16) /* quality from which on downwards the emphasis does not grow */
#define RANGE_BITS 24          /* of the integers on the way to a matrix */
#define KEPT_MATRICES 8
#define EXACT_BITS 53

/* The transform of a quality. */
typedef struct kept_matrix {
    int32_t quality;
    rdc_exact_matrix *matrix;
} kept_matrix;

struct rdc_emphasis {
    size_t channels, rank;
    rdc_exact_format format;
    double *analysis; /* [channels, components], integers */
    double *inner;    /* [channels, rank], integers */
    int8_t *outer;    /* [rank, components] */
    double *unit;     /* [components] */
    int exponent;     /* of the products of inner and outer, in units */
    _Atomic(kept_matrix *) kept[KEPT_MATRICES]; /* filled from the first on; what is there stays */
};

/* ---- One matrix ---- */

static double grid_power(int index) {
    const int octave = (index + RDC_GRID_STEPS * 64) / RDC_GRID_STEPS - 64;
    return ldexp(rdc_octave_part(index - RDC_GRID_STEPS * octave), octave);
}

/* The integers [channels, components] at a quality. */
static void emphasise(const rdc_emphasis *e, int32_t quality, double *integers) {
    const double gain = grid_power(-quality);
    for (size_t i = 0; i < e->channels; i++) {
        double *row = integers + i * e->channels;
        for (size_t j = 0; j < e->channels; j++) row[j] = 0;
        for (size_t k = 0; k < e->rank; k++) {
            const double factor = e->inner[i * e->rank + k];
            for (size_t j = 0; j < e->channels; j++) row[j] += factor * e->outer[k * e->channels + j];
        }
        for (size_t j = 0; j < e->channels; j++) {
            const double change = ldexp(row[j], e->exponent) * e->unit[j];
            row[j] = rint(e->analysis[i * e->channels + j] + gain * change);
        }
    }
}

/* The largest sum of a column's magnitudes. `sums` is room for a row. */
static double column_sum(const double *integers, size_t size, double *sums) {
    double largest = 0;
    for (size_t j = 0; j < size; j++) sums[j] = 0;
    for (size_t i = 0; i < size; i++) {
        for (size_t j = 0; j < size; j++) sums[j] += fabs(integers[i * size + j]);
    }
    for (size_t j = 0; j < size; j++) largest = sums[j] > largest ? sums[j] : largest;
    return largest;
}

/* `integers` is room for a matrix. */
static rdc_status make_matrix(const rdc_emphasis *e, int32_t quality, double *integers, rdc_exact_matrix **matrix) {
    emphasise(e, quality, integers);
    return rdc_exact_matrix_make(matrix, integers, e->channels, e->channels, e->format);
}

/* ---- Those that are kept ---- */

static void free_kept(kept_matrix *kept) {
    if (kept) rdc_exact_matrix_free(kept->matrix);
    free(kept);
}

static const rdc_exact_matrix *find_kept(rdc_emphasis *e, int32_t quality) {
    for (size_t k = 0; k < KEPT_MATRICES; k++) {
        const kept_matrix *kept = atomic_load(&e->kept[k]);
        if (kept && kept->quality == quality) return kept->matrix;
    }
    return NULL;
}

/* Whether there was a place left; the emphasis has the matrix then. */
static int keep(rdc_emphasis *e, kept_matrix *made) {
    for (size_t k = 0; k < KEPT_MATRICES; k++) {
        kept_matrix *none = NULL;
        if (atomic_compare_exchange_strong(&e->kept[k], &none, made)) return 1;
    }
    return 0;
}

/* Two threads may make the same matrix at once; both are kept, and nothing depends on which one is found. */
static rdc_status make_analysis(rdc_emphasis *e, int32_t quality, double *integers, rdc_analysis *analysis) {
    kept_matrix *made = malloc(sizeof *made);
    RDC_RETURN_IF(!made, RDC_ERROR_MEMORY, 0, 0);
    rdc_exact_matrix *matrix = NULL;
    const rdc_status status = make_matrix(e, quality, integers, &matrix);
    *made = (kept_matrix){quality, matrix};
    *analysis = (rdc_analysis){matrix, NULL};
    if (status.error == RDC_OK && keep(e, made)) return status;
    analysis->own = matrix;
    free(made);
    return status;
}

rdc_status rdc_checkpoint_analysis(const rdc_checkpoint *checkpoint, int32_t quality, rdc_analysis *analysis) {
    *analysis = (rdc_analysis){checkpoint->analysis, NULL};
    if (analysis->matrix) return rdc_ok();
    if (quality < LEAST_EMPHASISED) quality = LEAST_EMPHASISED;
    analysis->matrix = find_kept(checkpoint->emphasis, quality);
    if (analysis->matrix) return rdc_ok();
    const size_t channels = checkpoint->emphasis->channels;
    double *integers = malloc(channels * channels * sizeof *integers);
    RDC_RETURN_IF(!integers, RDC_ERROR_MEMORY, 0, 0);
    const rdc_status status = make_analysis(checkpoint->emphasis, quality, integers, analysis);
    free(integers);
    return status;
}

/* ---- Making ---- */

/* What the change of the analysis begins with: analysis / unit times the tensor, rounded to integers of RANGE_BITS at most. */
static void find_inner(rdc_emphasis *e, const int8_t *emphasis_in) {
    const size_t n = e->channels * e->rank;
    double largest = 0;
    int exponent;
    for (size_t i = 0; i < n; i++) e->inner[i] = 0;
    for (size_t i = 0; i < e->channels; i++) {
        for (size_t j = 0; j < e->channels; j++) {
            const double factor = e->analysis[i * e->channels + j] / e->unit[j];
            for (size_t k = 0; k < e->rank; k++) e->inner[i * e->rank + k] += factor * emphasis_in[j * e->rank + k];
        }
    }
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(e->inner[i]));
    frexp(largest, &exponent);
    const int shift = exponent > RANGE_BITS ? exponent - RANGE_BITS : 0;
    for (size_t i = 0; i < n; i++) e->inner[i] = rint(ldexp(e->inner[i], -shift));
    e->exponent += shift;
}

static int take_arrays(rdc_emphasis *e) {
    e->analysis = malloc(e->channels * e->channels * sizeof *e->analysis);
    e->inner = malloc(e->channels * e->rank * sizeof *e->inner + 1);
    e->outer = malloc(e->channels * e->rank + 1);
    e->unit = malloc(e->channels * sizeof *e->unit);
    return e->analysis && e->inner && e->outer && e->unit;
}

static void fill_arrays(rdc_emphasis *e, const rdc_arrays *arrays) {
    const int16_t *analysis = arrays->of[RDC_TENSOR_LEARNED_ANALYSIS];
    const int8_t *outer = arrays->of[RDC_TENSOR_EMPHASIS_OUT], *unit = arrays->of[RDC_TENSOR_UNIT];
    for (size_t i = 0; i < e->channels * e->channels; i++) e->analysis[i] = analysis[i];
    for (size_t i = 0; i < e->channels * e->rank; i++) e->outer[i] = outer[i];
    for (size_t i = 0; i < e->channels; i++) e->unit[i] = ldexp(1, unit[i]);
    find_inner(e, arrays->of[RDC_TENSOR_EMPHASIS_IN]);
}

/* The transform that is emphasised most. Products are exact at every quality: between the plain analysis and this one no column has a
 * larger sum, but for the rounding. */
static rdc_status make_least(const rdc_making *making, rdc_emphasis *e) {
    double *integers = rdc_pool_take(making->pool, e->channels * e->channels * sizeof *integers);
    double *sums = rdc_pool_take(making->pool, e->channels * sizeof *sums);
    rdc_analysis analysis;
    if (!integers || !sums) return rdc_refuse_memory(making->message);
    const rdc_status status = make_analysis(e, LEAST_EMPHASISED, integers, &analysis);
    RDC_FORWARD_IF_ERROR(rdc_refuse_if_error(making->message, "analysis and emphasis", status));
    const double limit = ldexp(1, EXACT_BITS - RDC_VALUE_RANGE_BITS) - (double)e->channels;
    if (column_sum(e->analysis, e->channels, sums) < limit && column_sum(integers, e->channels, sums) < limit) return rdc_ok();
    return rdc_refuse(making->message, RDC_ERROR_CHECKPOINT, "analysis and emphasis: an exact product needs more than %d bits", EXACT_BITS);
}

rdc_status rdc_emphasis_make(const rdc_making *making, rdc_emphasis **emphasis) {
    rdc_emphasis *e = *emphasis = calloc(1, sizeof *e);
    if (!e) return rdc_refuse_memory(making->message);
    e->channels = making->arrays->sizes[RDC_AXIS_CHANNELS];
    e->rank = making->arrays->sizes[RDC_AXIS_EMPHASIS];
    e->exponent = -rdc_making_field(making, RDC_FIELD_EMPHASIS_BITS);
    e->format = (rdc_exact_format){rdc_making_field(making, RDC_FIELD_ANALYSIS_BITS), rdc_making_field(making, RDC_FIELD_STATE_BITS),
                                   RDC_VALUE_RANGE_BITS};
    for (size_t k = 0; k < KEPT_MATRICES; k++) atomic_init(&e->kept[k], NULL);
    if (!take_arrays(e)) return rdc_refuse_memory(making->message);
    fill_arrays(e, making->arrays);
    return make_least(making, e);
}

void rdc_emphasis_free(rdc_emphasis *emphasis) {
    if (!emphasis) return;
    for (size_t k = 0; k < KEPT_MATRICES; k++) free_kept(atomic_load(&emphasis->kept[k]));
    free(emphasis->analysis);
    free(emphasis->inner);
    free(emphasis->outer);
    free(emphasis->unit);
    free(emphasis);
}
