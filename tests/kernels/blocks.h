/* Blocks and what becomes of them, whole or in segments. */
#ifndef BLOCKS_H
#define BLOCKS_H

#include "check.h"

/* Symbols and the block that scalar kernels make of them. */
typedef struct coded_block {
    const rdc_tables *tables;
    rdc_index index;
    int32_t *symbols;
    size_t n;
    unsigned lanes;
    const uint8_t *bytes;
    size_t size;
} coded_block;

/* Of up to `most` symbols; its arrays lie in buffers. */
coded_block make_block(rng *r, const rdc_tables *tables, size_t most);

/* The symbols lie in a buffer; they are of no use unless the status says so. */
typedef struct outcome {
    rdc_status status;
    const int32_t *symbols;
} outcome;

outcome decode_whole(rdc_cpu_level level, const coded_block *block);
outcome decode_in_segments(rdc_cpu_level level, const coded_block *block, rng r); /* whose lengths are the same for the same numbers */
void compare_outcomes(outcome expected, outcome got, size_t n, const char *what);

/* Decodes bytes, which may be any, at every level, whole and in segments whose lengths are drawn. Returns what becomes of them whole. */
outcome compare_levels(const coded_block *block, rng r);

#endif
