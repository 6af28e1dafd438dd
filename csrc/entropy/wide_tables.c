/* Makes wide tables from arrays that anybody may have written. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "entropy/wide.h"

#define MOST_RAW_BITS 30

/* Places of the entries of table t, the escape's none. */
static rdc_status count_places(const uint8_t *raw_bits, size_t t, uint32_t count, uint64_t *places) {
    *places = 0;
    RDC_RETURN_IF(raw_bits[count - 1] != 0, RDC_ERROR_ENTRY_BITS, t, raw_bits[count - 1]);
    for (uint32_t s = 0; s < count - 1; s++) {
        RDC_RETURN_IF(raw_bits[s] > MOST_RAW_BITS, RDC_ERROR_ENTRY_BITS, t, raw_bits[s]);
        *places += (uint64_t)1 << raw_bits[s];
    }
    return rdc_ok();
}

/* The runs of table t lie within int32 and have as many symbols as there are places. That they do not overlap is seen once they
 * are in order. */
static rdc_status check_runs(const uint32_t *runs, uint32_t count, size_t t, int32_t offset, uint64_t places) {
    uint64_t length = 0;
    for (uint32_t k = 0; k < count; k++) {
        const uint64_t end = (uint64_t)runs[2 * k] + runs[2 * k + 1];
        RDC_RETURN_IF(runs[2 * k + 1] == 0, RDC_ERROR_RUN_LENGTH, t, 0);
        RDC_RETURN_IF((int64_t)end > (int64_t)INT32_MAX - offset + 1, RDC_ERROR_OFFSET, t, offset);
        length += runs[2 * k + 1];
    }
    RDC_RETURN_IF(length != places || length >= UINT32_MAX, RDC_ERROR_RUN_LENGTH, t, length);
    return rdc_ok();
}

rdc_status rdc_wide_check(const rdc_wide_arrays *arrays, size_t table_count, const uint32_t *counts, const int32_t *offsets) {
    const uint8_t *raw_bits = arrays->raw_bits;
    size_t at = 0;
    for (size_t t = 0; t < table_count; t++) {
        const uint32_t runs = arrays->run_counts[t];
        uint64_t places;
        RDC_FORWARD_IF_ERROR(count_places(raw_bits, t, counts[t], &places));
        RDC_RETURN_IF(runs == 0 && places != counts[t] - 1, RDC_ERROR_RUN_LENGTH, t, 0);
        RDC_RETURN_IF(runs > arrays->run_total - at, RDC_ERROR_RUN_COUNT, 0, arrays->run_total);
        if (runs) RDC_FORWARD_IF_ERROR(check_runs(arrays->runs + 2 * at, runs, t, offsets[t], places));
        raw_bits += counts[t];
        at += runs;
    }
    RDC_RETURN_IF(at != arrays->run_total, RDC_ERROR_RUN_COUNT, 0, arrays->run_total);
    return rdc_ok();
}

/* ---- Filling ---- */

static int compare_spans(const void *a, const void *b) {
    const uint32_t x = ((const rdc_span *)a)->from, y = ((const rdc_span *)b)->from;
    return (x > y) - (x < y);
}

/* Sets the runs of table t, which are there twice: in room[0..runs) as they are given, and behind that in the order of symbols. */
static rdc_status fill_runs(rdc_wide *wide, rdc_span *room, const uint32_t *runs, size_t t) {
    rdc_span *sorted = room + wide->runs;
    uint32_t place = 0;
    for (uint32_t k = 0; k < wide->runs; k++) {
        room[k] = (rdc_span){place, runs[2 * k], runs[2 * k + 1]};
        sorted[k] = (rdc_span){runs[2 * k], place, runs[2 * k + 1]};
        place += runs[2 * k + 1];
    }
    qsort(sorted, wide->runs, sizeof *sorted, compare_spans);
    for (uint32_t k = 1; k < wide->runs; k++) {
        const uint32_t before = sorted[k - 1].from + (sorted[k - 1].length - 1);
        RDC_RETURN_IF(sorted[k].from <= before, RDC_ERROR_RUN_OVERLAP, t, (int64_t)wide->offset + sorted[k].from);
    }
    wide->places_to_runs = room;
    wide->runs_to_places = sorted;
    wide->last = sorted[wide->runs - 1].from + (sorted[wide->runs - 1].length - 1);
    return rdc_ok();
}

void rdc_wide_set_ends(rdc_wide *wide, int32_t offset, uint32_t last, uint32_t places) {
    wide->offset = offset;
    wide->last = last;
    wide->gap_bits = places <= last ? rdc_bit_length(last) : 0;
    wide->outside = (rdc_outside){offset, (int64_t)offset + last + 1, rdc_escape_order((uint64_t)last + 2)};
}

static void fill_places(rdc_wide *wide, uint32_t *places, const uint8_t *raw_bits, uint32_t escape) {
    wide->places = places;
    wide->raw_bits = raw_bits;
    places[0] = 0;
    for (uint32_t s = 0; s < escape; s++) places[s + 1] = places[s] + ((uint32_t)1 << raw_bits[s]);
    rdc_wide_set_ends(wide, wide->offset, wide->last, places[escape]);
}

rdc_status rdc_wide_fill(rdc_tables *tables, const rdc_wide_arrays *arrays, const uint32_t *counts, const int32_t *offsets) {
    if (arrays->run_total == 0) return rdc_ok();
    tables->wide = calloc(tables->count, sizeof *tables->wide);
    tables->runs = malloc(2 * arrays->run_total * sizeof *tables->runs);
    tables->places = malloc(tables->total * sizeof *tables->places);
    tables->raw_bits = malloc(tables->total);
    RDC_RETURN_IF(!tables->wide || !tables->runs || !tables->places || !tables->raw_bits, RDC_ERROR_MEMORY, 0, 0);
    memcpy(tables->raw_bits, arrays->raw_bits, tables->total);
    size_t run = 0, entry = 0;
    for (size_t t = 0; t < tables->count; entry += counts[t++]) {
        rdc_wide *wide = &tables->wide[t];
        wide->runs = arrays->run_counts[t];
        wide->offset = offsets[t];
        if (!wide->runs) continue;
        RDC_FORWARD_IF_ERROR(fill_runs(wide, tables->runs + 2 * run, arrays->runs + 2 * run, t));
        fill_places(wide, tables->places + entry, tables->raw_bits + entry, counts[t] - 1);
        run += wide->runs;
    }
    return rdc_ok();
}

void rdc_wide_free(rdc_tables *tables) {
    free(tables->wide);
    free(tables->runs);
    free(tables->places);
    free(tables->raw_bits);
}

size_t rdc_tables_run_total(const rdc_tables *tables) {
    size_t total = 0;
    for (size_t t = 0; tables->wide && t < tables->count; t++) total += tables->wide[t].runs;
    return total;
}

void rdc_tables_export_wide(const rdc_tables *tables, uint8_t *raw_bits, uint32_t *run_counts, uint32_t *runs) {
    memset(raw_bits, 0, tables->total);
    if (tables->wide) memcpy(raw_bits, tables->raw_bits, tables->total);
    for (size_t t = 0; t < tables->count; t++) {
        const rdc_wide *wide = tables->wide ? &tables->wide[t] : NULL;
        run_counts[t] = wide ? wide->runs : 0;
        for (uint32_t k = 0; k < run_counts[t]; k++) {
            *runs++ = wide->places_to_runs[k].to;
            *runs++ = wide->places_to_runs[k].length;
        }
    }
}
