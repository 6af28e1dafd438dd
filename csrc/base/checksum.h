#ifndef RDC_BASE_CHECKSUM_H
#define RDC_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* CRC-16 (CCITT polynomial 0x1021); from 0xffff on it is CRC-16/IBM-3740, whose check value of "123456789" is 0x29b1. */
uint16_t rdc_crc16(uint16_t start, const uint8_t *bytes, size_t size);

/* CRC-32 (that of zlib and PNG); from 0xffffffff on it is CRC-32/ISO-HDLC, whose check value of "123456789" is 0xcbf43926. */
uint32_t rdc_crc32(uint32_t start, const uint8_t *bytes, size_t size);

#endif
