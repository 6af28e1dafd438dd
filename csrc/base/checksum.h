#ifndef RDC_BASE_CHECKSUM_H
#define RDC_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* CRC-16/IBM-3740 (CCITT polynomial 0x1021, start 0xffff); the check value of "123456789" is 0x29b1. */
uint16_t rdc_crc16(const uint8_t *bytes, size_t size);

/* CRC-32/ISO-HDLC (that of zlib and PNG); the check value of "123456789" is 0xcbf43926. */
uint32_t rdc_crc32(const uint8_t *bytes, size_t size);

#endif
