/* Writes a block (docs/format.md): the sizes of its parts but the last, and the parts, which threads share out. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/threads.h"
#include "entropy/part.h"

/* Room of the parts before part p, for that is where threads make it. */
static size_t room_before(size_t n, size_t p) {
    return p * rdc_part_bound(0) + (rdc_part_bound(1) - rdc_part_bound(0)) * rdc_part_first(n, p);
}

size_t rdc_block_bound(size_t n) {
    const size_t parts = rdc_part_count(n);
    return n ? (parts - 1) * RDC_VARINT_BYTES + room_before(n, parts) : 0;
}

typedef struct part_result {
    size_t size;
    rdc_status status;
} part_result;

static part_result encode_part(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols, rdc_index index,
                               size_t n, size_t p, unsigned lanes, uint8_t *room) {
    const size_t first = rdc_part_first(n, p), count = rdc_part_first(n, p + 1) - first;
    part_result result = {0};
    result.status = rdc_part_encode(kernels, tables, symbols + first, rdc_index_from(index, first), count, lanes, room + room_before(n, p),
                                    &result.size);
    result.status.at += result.status.error == RDC_ERROR_INDEX ? first : 0;
    return result;
}

/* Moves the parts together behind their sizes. */
static void join_parts(const part_result *results, size_t parts, size_t n, uint8_t *block, size_t *size) {
    const uint8_t *room = block + (parts - 1) * RDC_VARINT_BYTES;
    size_t at = 0;
    for (size_t p = 0; p + 1 < parts; p++) at += rdc_varint_write(block + at, results[p].size);
    for (size_t p = 0; p < parts; p++) {
        memmove(block + at, room + room_before(n, p), results[p].size);
        at += results[p].size;
    }
    *size = at;
}

rdc_status rdc_block_encode(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n,
                            unsigned lanes, unsigned threads, uint8_t *block, size_t *size) {
    RDC_RETURN_IF(lanes > RDC_MAX_LANES || (lanes & (lanes - 1)), RDC_ERROR_LANES, 0, lanes);
    RDC_RETURN_IF(n > RDC_MAX_SYMBOLS, RDC_ERROR_SYMBOL_LIMIT, 0, n);
    *size = 0;
    if (n == 0) return rdc_ok();
    const size_t parts = rdc_part_count(n);
    if (parts == 1) return rdc_part_encode(kernels, tables, symbols, index, n, lanes, block, size);

    part_result *results = malloc(parts * sizeof *results);
    RDC_RETURN_IF(!results, RDC_ERROR_MEMORY, 0, 0);
    uint8_t *const room = block + (parts - 1) * RDC_VARINT_BYTES;
    const int team = rdc_thread_count(threads);
    (void)team;
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic, 1) num_threads(team)
#endif
    for (int64_t p = 0; p < (int64_t)parts; p++) {
        results[p] = encode_part(kernels, tables, symbols, index, n, (size_t)p, lanes, room);
    }
    rdc_status status = rdc_ok();
    for (size_t p = parts; p-- > 0;) status = results[p].status.error == RDC_OK ? status : results[p].status;
    if (status.error == RDC_OK) join_parts(results, parts, n, block, size);
    free(results);
    return status;
}
