/* Bit strings that fill bytes from the highest bit. */
#ifndef RDC_BASE_BITS_H
#define RDC_BASE_BITS_H

#include "rdc.h"

/* Bits of a number without its leading zeros. */
static inline unsigned rdc_bit_length(uint64_t value) {
    unsigned length = 0;
    for (; value; value >>= 1) length++;
    return length;
}

/* Where bits are written; fewer than 8 of them wait between two writes. Starts as {bytes, 0, 0}. */
typedef struct rdc_bit_writer {
    uint8_t *next;
    uint64_t pending;
    unsigned held;
} rdc_bit_writer;

/* Writes the lowest `bits` <= 48 bits of a value that has no others. */
static inline void rdc_bits_write(rdc_bit_writer *writer, uint64_t value, unsigned bits) {
    writer->pending = writer->pending << bits | value;
    for (writer->held += bits; writer->held >= 8; writer->held -= 8) *writer->next++ = (uint8_t)(writer->pending >> (writer->held - 8));
}

/* Fills the last byte up with zero bits. */
static inline void rdc_bits_end(rdc_bit_writer *writer) {
    if (writer->held) rdc_bits_write(writer, 0, 8 - writer->held);
}

/* The next `bits` <= 48 bits, which are there. */
static inline uint64_t rdc_bits_read(rdc_bit_reader *reader, unsigned bits) {
    uint64_t value = 0;
    while (bits) {
        const unsigned left = 8 - (unsigned)(reader->position % 8), taken = bits < left ? bits : left; /* of a byte */
        value = value << taken | ((uint64_t)reader->bytes[reader->position / 8] >> (left - taken) & ((1u << taken) - 1));
        reader->position += taken;
        bits -= taken;
    }
    return value;
}

#endif
