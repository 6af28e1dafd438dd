#include "estimators/spectrum.h"

#include <stdlib.h>

#include "base/status.h"

#define SMALL 65536 /* counts below this are tallied, the few larger ones sorted */
#define MOST_SAMPLES (INT64_C(1) << 53)

static rdc_status check_counts(const int64_t *counts, size_t classes) {
    int64_t samples = 0;
    for (size_t i = 0; i < classes; i++) {
        RDC_RETURN_IF(counts[i] < 0, RDC_ERROR_COUNT, i, counts[i]);
        RDC_RETURN_IF(counts[i] > MOST_SAMPLES - samples, RDC_ERROR_COUNT_SUM, i, counts[i]);
        samples += counts[i];
    }
    RDC_RETURN_IF(samples < 2, RDC_ERROR_COUNT_SAMPLES, 0, samples);
    return rdc_ok();
}

static int compare_counts(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Adds classes to the last group, or to a new one. */
static void add(rdc_spectrum *spectrum, double count, double classes) {
    if (!spectrum->size || spectrum->groups[spectrum->size - 1].count < count) {
        spectrum->groups[spectrum->size++] = (rdc_count_group){count, 0};
    }
    spectrum->groups[spectrum->size - 1].classes += classes;
    spectrum->samples += count * classes;
    spectrum->seen += classes;
}

/* `tally` holds SMALL zeros; `large` and the groups have room for all. */
static void group(rdc_spectrum *spectrum, const int64_t *counts, size_t classes, uint64_t *tally, int64_t *large) {
    size_t larger = 0;
    for (size_t i = 0; i < classes; i++) {
        if (counts[i] < SMALL) tally[counts[i]]++;
        else large[larger++] = counts[i];
    }
    for (size_t count = 1; count < SMALL; count++) {
        if (tally[count]) add(spectrum, (double)count, (double)tally[count]);
    }
    qsort(large, larger, sizeof *large, compare_counts);
    for (size_t i = 0; i < larger; i++) add(spectrum, (double)large[i], 1);
}

rdc_status rdc_spectrum_make(rdc_spectrum *spectrum, const int64_t *counts, size_t classes) {
    *spectrum = (rdc_spectrum){0};
    RDC_FORWARD_IF_ERROR(check_counts(counts, classes));
    uint64_t *tally = calloc(SMALL, sizeof *tally);
    int64_t *large = malloc(classes * sizeof *large);
    spectrum->groups = malloc(classes * sizeof *spectrum->groups);
    const int enough_memory = tally && large && spectrum->groups;
    if (enough_memory) group(spectrum, counts, classes, tally, large);
    else rdc_spectrum_free(spectrum);
    free(large);
    free(tally);
    return enough_memory ? rdc_ok() : rdc_fail(RDC_ERROR_MEMORY, 0, 0);
}

void rdc_spectrum_free(rdc_spectrum *spectrum) {
    free(spectrum->groups);
    *spectrum = (rdc_spectrum){0};
}
