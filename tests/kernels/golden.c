/* The golden files, in a file of cases: 32-bit numbers, low bytes first, and bytes. */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "groups.h"
#include "inputs.h"

/* What is left of the file. */
typedef struct reader {
    const uint8_t *next;
    size_t left;
} reader;

static const uint8_t *take(reader *file, size_t size) {
    check_that(size <= file->left, "the file of cases has what it says");
    const uint8_t *bytes = file->next;
    file->next += size;
    file->left -= size;
    return bytes;
}

static uint32_t take_number(reader *file) {
    return rdc_load32(take(file, 4));
}

/* ---- Blocks ---- */

typedef struct golden_block {
    size_t n;
    unsigned lanes;
    const uint8_t *index, *bytes;
    size_t size;
    int32_t *symbols; /* NULL for a block that must be refused */
} golden_block;

static golden_block take_block(reader *file, int refused) {
    golden_block block = {.n = take_number(file), .lanes = take_number(file), .size = take_number(file)};
    block.index = take(file, block.n);
    block.bytes = buffer_copy(take(file, block.size), block.size);
    if (refused) return block;
    block.symbols = buffer_take(block.n * sizeof *block.symbols);
    for (size_t i = 0; i < block.n; i++) block.symbols[i] = (int32_t)take_number(file);
    return block;
}

static void decode_golden(const rdc_rans_kernels *kernels, const rdc_tables *tables, const golden_block *block) {
    int32_t *symbols = buffer_take(block->n * sizeof *symbols);
    const rdc_index index = {block->index, 1};
    const rdc_status status = rdc_block_decode_all(kernels, tables, block->bytes, block->size, block->n, index, 1, symbols);
    check_that((status.error == RDC_OK) == (block->symbols != NULL), "golden blocks are decoded, and bad ones refused");
    if (block->symbols) check_same(block->symbols, symbols, block->n * sizeof *symbols, "symbols of a golden block");
}

static void encode_golden(const rdc_rans_kernels *kernels, const rdc_tables *tables, const golden_block *block) {
    size_t size;
    const uint8_t *bytes = encode_block(kernels, tables, block->symbols, (rdc_index){block->index, 1}, block->n, block->lanes, &size);
    check_that(size == block->size, "a golden block is written in as many bytes");
    check_same(block->bytes, bytes, size, "bytes of a golden block");
}

static void check_golden_block(reader *file, int refused) {
    const check_levels levels = check_levels_here();
    const rdc_tables *tables = gaussian_tables();
    const golden_block block = take_block(file, refused);
    for (size_t k = 0; k < levels.count; k++) {
        check_level(levels.of[k]);
        decode_golden(rdc_rans_kernels_of(levels.of[k]), tables, &block);
        if (!refused) encode_golden(rdc_rans_kernels_of(levels.of[k]), tables, &block);
    }
}

/* ---- Streams ---- */

/* Reads header and frames, and writes them again to the byte. */
static void check_golden_stream(reader *file) {
    const size_t size = take_number(file);
    const uint8_t *bytes = buffer_copy(take(file, size), size);
    rdc_header header;
    uint8_t header_bytes[RDC_HEADER_BOUND];
    size_t at = 0, written = 0;
    check_that(rdc_header_read(bytes, size, &header, &at).error == RDC_OK, "the header of a golden stream is read");
    check_that(rdc_header_write(&header, header_bytes, &written).error == RDC_OK && written == at, "as many bytes are written");
    check_same(bytes, header_bytes, at, "header of a golden stream");
    uint32_t before = RDC_CHAIN_START;
    for (uint64_t tokens = 0; at < size; tokens++) { /* of which each golden frame has one */
        const size_t start = at, mark = buffers_mark();
        rdc_frame frame;
        if (tokens % header.tokens == 0) before = RDC_CHAIN_START; /* another row */
        check_that(rdc_frame_read(bytes, size, &at, before, &frame).error == RDC_OK, "a frame of a golden stream is read");
        uint8_t *frame_bytes = buffer_take(rdc_frame_bound(frame.payload_size));
        check_that(rdc_frame_write(&frame, before, frame_bytes, &written).error == RDC_OK && written == at - start, "as many bytes are written");
        check_same(bytes + start, frame_bytes, written, "frame of a golden stream");
        before = frame.checksum;
        buffers_release(mark);
    }
}

static void check_refused(reader *file, int is_header) {
    const size_t size = take_number(file);
    const uint8_t *bytes = buffer_copy(take(file, size), size);
    rdc_header header;
    rdc_frame frame;
    size_t at = 0;
    const rdc_status status = is_header ? rdc_header_read(bytes, size, &header, &at) : rdc_frame_read(bytes, size, &at, RDC_CHAIN_START, &frame);
    check_that(status.error != RDC_OK, "a bad header or frame is refused");
}

/* ---- The file ---- */

static uint8_t *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    check_that(file && fseek(file, 0, SEEK_END) == 0, "the file of cases can be read");
    const long end = ftell(file);
    check_that(end >= 0, "the file of cases can be read");
    *size = (size_t)end;
    rewind(file);
    uint8_t *bytes = malloc(*size);
    check_that(bytes && fread(bytes, 1, *size, file) == *size, "the file of cases can be read");
    fclose(file);
    return bytes;
}

void check_golden(const char *path) {
    enum { BLOCK, STREAM, REFUSED_BLOCK, REFUSED_HEADER, REFUSED_FRAME };
    size_t size, cases = 0;
    check_begin("golden files", 0, 0);
    uint8_t *bytes = read_file(path, &size);
    for (reader file = {bytes, size}; file.left > 0; cases++) {
        const size_t mark = buffers_mark();
        const uint32_t kind = take_number(&file);
        check_begin("golden files", 0, cases);
        switch (kind) {
        case BLOCK:
        case REFUSED_BLOCK: check_golden_block(&file, kind == REFUSED_BLOCK); break;
        case STREAM: check_golden_stream(&file); break;
        case REFUSED_HEADER:
        case REFUSED_FRAME: check_refused(&file, kind == REFUSED_HEADER); break;
        default: check_that(0, "the kind of a case is known");
        }
        buffers_release(mark);
    }
    free(bytes);
    printf("golden files: %zu cases\n", cases);
}
