/* Reads a block (docs/format.md): part after part in segments, or all parts at once by threads. */
#include <stdlib.h>

#include "base/status.h"
#include "base/threads.h"
#include "entropy/index_check.h"
#include "entropy/part.h"

/* An error of the part at this byte of the block, as one of the block. */
static rdc_status in_block(rdc_status status, size_t part_at) {
    if (status.error != RDC_OK && status.error != RDC_ERROR_INDEX) status.at += part_at;
    return status;
}

/* Reads the size of the next part but the last at *size_at; the part is at part_at of `size` bytes. */
static rdc_status read_part_size(const uint8_t *block, size_t size, size_t *size_at, size_t part_at, size_t *part_size) {
    const size_t at = *size_at;
    uint64_t value;
    RDC_FORWARD_IF_ERROR(rdc_varint_read(block, size, size_at, &value));
    RDC_RETURN_IF(value > size - part_at, RDC_ERROR_PART_SIZE, at, value);
    *part_size = (size_t)value;
    return rdc_ok();
}

/* Where the first part is: behind the sizes. */
static rdc_status find_first_part(const uint8_t *block, size_t size, size_t n, size_t *part_at) {
    *part_at = 0;
    for (size_t p = 1; p < rdc_part_count(n); p++) {
        uint64_t value;
        RDC_FORWARD_IF_ERROR(rdc_varint_read(block, size, part_at, &value));
    }
    return rdc_ok();
}

/* ---- In segments ---- */

static rdc_status open_next_part(rdc_block_decoder *d) {
    const size_t first = rdc_part_first(d->n, d->next_part), count = rdc_part_first(d->n, d->next_part + 1) - first;
    d->part_at = d->part_end;
    size_t part_size = d->size - d->part_at;
    if (d->next_part + 1 < rdc_part_count(d->n)) RDC_FORWARD_IF_ERROR(read_part_size(d->block, d->size, &d->size_at, d->part_at, &part_size));
    d->part_end = d->part_at + part_size;
    d->next_part++;
    return in_block(rdc_part_open(&d->part, d->kernels, d->tables, d->block + d->part_at, part_size, count), d->part_at);
}

rdc_status rdc_block_open(rdc_block_decoder *decoder, const rdc_rans_kernels *kernels, const rdc_tables *tables,
                          const uint8_t *block, size_t size, size_t n) {
    RDC_RETURN_IF(n > RDC_MAX_SYMBOLS, RDC_ERROR_SYMBOL_LIMIT, 0, n);
    *decoder = (rdc_block_decoder){.kernels = kernels, .tables = tables, .block = block, .size = size, .n = n, .remaining = n};
    RDC_RETURN_IF(n == 0 && size > 0, RDC_ERROR_TRAILING_BYTES, 0, size);
    if (n == 0) return rdc_ok();
    RDC_FORWARD_IF_ERROR(find_first_part(block, size, n, &decoder->part_end));
    return open_next_part(decoder);
}

/* Opens the next part if the current one is used up. */
static rdc_status reach_part(rdc_block_decoder *d) {
    if (d->part.remaining) return rdc_ok();
    RDC_FORWARD_IF_ERROR(in_block(rdc_part_finish(&d->part), d->part_at));
    return open_next_part(d);
}

/* Decodes up to n symbols of the current part; the number is in *done. With `follows`, which may be NULL, the tables follow them. */
static rdc_status decode_within_part(rdc_block_decoder *d, rdc_index index, rdc_parity_register *follows, size_t n, int32_t *symbols,
                                     size_t *done) {
    RDC_FORWARD_IF_ERROR(reach_part(d));
    *done = rdc_smaller(n, d->part.remaining);
    d->remaining -= *done;
    const rdc_status status = follows ? rdc_part_decode_following(&d->part, index.data, follows, *done, symbols)
                                      : rdc_part_decode(&d->part, index, *done, symbols);
    return in_block(status, d->part_at);
}

static rdc_status decode(rdc_block_decoder *decoder, rdc_index index, rdc_parity_register *follows, size_t n, int32_t *symbols) {
    if (decoder->failure.error != RDC_OK) return decoder->failure;
    RDC_RETURN_IF(n > decoder->remaining, RDC_ERROR_TOO_MANY_DECODED, decoder->remaining, n);
    RDC_FORWARD_IF_ERROR(rdc_tables_check_index(decoder->tables, index, n));
    for (size_t at = 0, done = 0; at < n; at += done) {
        decoder->failure = decode_within_part(decoder, rdc_index_from(index, at), follows, n - at, symbols + at, &done);
        RDC_FORWARD_IF_ERROR(decoder->failure);
    }
    return rdc_ok();
}

rdc_status rdc_block_decode(rdc_block_decoder *decoder, rdc_index index, size_t n, int32_t *symbols) {
    return decode(decoder, index, NULL, n, symbols);
}

rdc_status rdc_block_decode_following(rdc_block_decoder *decoder, const uint16_t *index, rdc_parity_register follows, size_t n, int32_t *symbols) {
    for (size_t i = 0; i < n; i++) { /* of the two tables, the check below looks at the first one */
        RDC_RETURN_IF(index[i] + (size_t)1 >= decoder->tables->count, RDC_ERROR_INDEX, i, index[i] + 1);
    }
    return decode(decoder, (rdc_index){index, 2}, &follows, n, symbols);
}

rdc_status rdc_block_finish(const rdc_block_decoder *decoder) {
    RDC_FORWARD_IF_ERROR(decoder->failure);
    RDC_RETURN_IF(decoder->remaining, RDC_ERROR_NOT_ALL_DECODED, 0, decoder->remaining);
    return decoder->n ? in_block(rdc_part_finish(&decoder->part), decoder->part_at) : rdc_ok();
}

/* ---- At once ---- */

typedef struct part_place {
    size_t at, size;
    rdc_status status;
} part_place;

static rdc_status find_parts(const uint8_t *block, size_t size, size_t n, part_place *places) {
    size_t size_at = 0, part_at;
    RDC_FORWARD_IF_ERROR(find_first_part(block, size, n, &part_at));
    const size_t parts = rdc_part_count(n);
    for (size_t p = 0; p < parts; p++) {
        places[p].at = part_at;
        places[p].size = size - part_at;
        if (p + 1 < parts) RDC_FORWARD_IF_ERROR(read_part_size(block, size, &size_at, part_at, &places[p].size));
        part_at += places[p].size;
    }
    return rdc_ok();
}

static rdc_status decode_part(const rdc_rans_kernels *kernels, const rdc_tables *tables, const uint8_t *part, size_t size, size_t n,
                              rdc_index index, int32_t *symbols) {
    rdc_part_decoder decoder;
    rdc_status status = rdc_part_open(&decoder, kernels, tables, part, size, n);
    if (status.error == RDC_OK) status = rdc_part_decode(&decoder, index, n, symbols);
    if (status.error == RDC_OK) status = rdc_part_finish(&decoder);
    if (status.error != RDC_OK) RDC_FORWARD_IF_ERROR(rdc_tables_check_index(tables, index, n)); /* what is wrong with the call comes first */
    return status;
}

/* Decodes the parts at their places; their statuses go there too. */
static void decode_parts(const rdc_rans_kernels *kernels, const rdc_tables *tables, const uint8_t *block, size_t n, rdc_index index,
                         unsigned threads, int32_t *symbols, part_place *places) {
    const int team = rdc_thread_count(threads);
    (void)team;
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic, 1) num_threads(team)
#endif
    for (int64_t p = 0; p < (int64_t)rdc_part_count(n); p++) {
        const size_t first = rdc_part_first(n, (size_t)p), count = rdc_part_first(n, (size_t)p + 1) - first;
        part_place *place = &places[p];
        place->status = decode_part(kernels, tables, block + place->at, place->size, count, rdc_index_from(index, first), symbols + first);
        place->status.at += place->status.error == RDC_ERROR_INDEX ? first : 0;
    }
}

rdc_status rdc_block_decode_all(const rdc_rans_kernels *kernels, const rdc_tables *tables, const uint8_t *block, size_t size, size_t n,
                                rdc_index index, unsigned threads, int32_t *symbols) {
    RDC_RETURN_IF(n > RDC_MAX_SYMBOLS, RDC_ERROR_SYMBOL_LIMIT, 0, n);
    RDC_RETURN_IF(n == 0 && size > 0, RDC_ERROR_TRAILING_BYTES, 0, size);
    if (n == 0) return rdc_ok();
    const size_t parts = rdc_part_count(n);
    if (parts == 1) return decode_part(kernels, tables, block, size, n, index, symbols);

    part_place *places = malloc(parts * sizeof *places);
    RDC_RETURN_IF(!places, RDC_ERROR_MEMORY, 0, 0);
    rdc_status status = find_parts(block, size, n, places);
    if (status.error == RDC_OK) {
        decode_parts(kernels, tables, block, n, index, threads, symbols, places);
        for (size_t p = parts; p-- > 0;) status = places[p].status.error == RDC_OK ? status : in_block(places[p].status, places[p].at);
    }
    free(places);
    return status;
}
