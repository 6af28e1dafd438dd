/* Makes a block (docs/format.md): the sizes of its parts but the last, and the parts, which threads share out.
 *
 * What a part may need is many times what it mostly takes, and fresh pages cost more than coding into them. So a part is coded in
 * memory that the next one gets again, and kept in as many bytes as it has. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/threads.h"
#include "entropy/part.h"

typedef struct coded_part {
    uint8_t *bytes;
    size_t size;
    rdc_status status;
} coded_part;

struct rdc_coded_block {
    size_t count;
    coded_part parts[];
};

void rdc_coded_block_free(rdc_coded_block *coded) {
    if (!coded) return;
    for (size_t p = 0; p < coded->count; p++) free(coded->parts[p].bytes);
    free(coded);
}

static rdc_status encode_part(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n,
                              unsigned lanes, coded_part *part) {
    uint8_t *room = malloc(rdc_part_bound(n));
    RDC_RETURN_IF(!room, RDC_ERROR_MEMORY, 0, 0);
    rdc_status status = rdc_part_encode(kernels, tables, symbols, index, n, lanes, room, &part->size);
    if (status.error == RDC_OK) {
        part->bytes = malloc(part->size);
        if (part->bytes) memcpy(part->bytes, room, part->size);
        else status = rdc_fail(RDC_ERROR_MEMORY, 0, 0);
    }
    free(room);
    return status;
}

/* The part p of n symbols. */
static void encode_part_of(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n,
                           size_t p, unsigned lanes, coded_part *part) {
    const size_t first = rdc_part_first(n, p), count = rdc_part_first(n, p + 1) - first;
    part->status = encode_part(kernels, tables, symbols + first, rdc_index_from(index, first), count, lanes, part);
    part->status.at += part->status.error == RDC_ERROR_INDEX ? first : 0;
}

static void encode_parts(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n,
                         unsigned lanes, unsigned threads, rdc_coded_block *coded) {
    if (coded->count == 1) {
        encode_part_of(kernels, tables, symbols, index, n, 0, lanes, coded->parts);
        return;
    }
    const int team = rdc_thread_count(threads);
    (void)team;
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic, 1) num_threads(team)
#endif
    for (int64_t p = 0; p < (int64_t)coded->count; p++) {
        encode_part_of(kernels, tables, symbols, index, n, (size_t)p, lanes, &coded->parts[p]);
    }
}

rdc_status rdc_block_encode(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n,
                            unsigned lanes, unsigned threads, rdc_coded_block **coded) {
    RDC_RETURN_IF(lanes > RDC_MAX_LANES || (lanes & (lanes - 1)), RDC_ERROR_LANES, 0, lanes);
    RDC_RETURN_IF(n > RDC_MAX_SYMBOLS, RDC_ERROR_SYMBOL_LIMIT, 0, n);
    const size_t count = n ? rdc_part_count(n) : 0;
    rdc_coded_block *made = calloc(1, sizeof *made + count * sizeof made->parts[0]);
    RDC_RETURN_IF(!made, RDC_ERROR_MEMORY, 0, 0);
    made->count = count;
    if (n) encode_parts(kernels, tables, symbols, index, n, lanes, threads, made);
    for (size_t p = 0; p < count; p++) {
        const rdc_status status = made->parts[p].status;
        if (status.error == RDC_OK) continue;
        rdc_coded_block_free(made);
        return status;
    }
    *coded = made;
    return rdc_ok();
}

size_t rdc_coded_block_size(const rdc_coded_block *coded) {
    uint8_t varint[RDC_VARINT_BYTES];
    size_t size = 0;
    for (size_t p = 0; p < coded->count; p++) {
        if (p + 1 < coded->count) size += rdc_varint_write(varint, coded->parts[p].size);
        size += coded->parts[p].size;
    }
    return size;
}

void rdc_coded_block_write(const rdc_coded_block *coded, uint8_t *block) {
    for (size_t p = 0; p + 1 < coded->count; p++) block += rdc_varint_write(block, coded->parts[p].size);
    for (size_t p = 0; p < coded->count; p++) {
        memcpy(block, coded->parts[p].bytes, coded->parts[p].size);
        block += coded->parts[p].size;
    }
}
