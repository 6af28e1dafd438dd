/* Unsigned numbers in 1 to 9 bytes of 7 bits, low bits first, the high bit of a byte set when another follows (LEB128).
 * Only the shortest form is legal, so a number has one encoding. */
#ifndef RDC_BASE_VARINT_H
#define RDC_BASE_VARINT_H

#include "rdc.h"

#define RDC_VARINT_BYTES 9 /* at most: values below 2^63 */

/* Writes `value` < 2^63 into room for RDC_VARINT_BYTES; returns the bytes written. */
size_t rdc_varint_write(uint8_t *bytes, uint64_t value);

/* Reads the number at *at of bytes[0..size) and moves *at behind it. Errors: RDC_ERROR_TRUNCATED, RDC_ERROR_VARINT (at: byte offset). */
rdc_status rdc_varint_read(const uint8_t *bytes, size_t size, size_t *at, uint64_t *value);

#endif
