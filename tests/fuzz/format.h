/* Where the fuzzed formats keep their checksums, and how frames follow each other: all that a change of the format changes here. */
#ifndef FORMAT_H
#define FORMAT_H

#include "rdc.h"

/* Where the reading or writing of the frames of a row has come to. */
typedef struct frame_place {
    size_t at;
    uint32_t before; /* checksum of the frame before; RDC_CHAIN_START before the first one */
} frame_place;

rdc_status read_frame(const uint8_t *stream, size_t size, frame_place *place, rdc_frame *frame);
rdc_status write_frame(rdc_frame *frame, uint8_t *stream, frame_place *place);

/* Give the frame at a place, if it has the length that it says, and the header at the start of bytes a checksum that is right. */
void mend_frame(uint8_t *stream, size_t size, frame_place place);
void mend_header(uint8_t *bytes, size_t size);

#endif
