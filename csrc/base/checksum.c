#include "base/checksum.h"

#include "base/bytes.h"
#include "base/crc32_data.h"

uint16_t rdc_crc16(uint16_t start, const uint8_t *bytes, size_t size) {
    uint32_t crc = start;
    for (size_t i = 0; i < size; i++) {
        /* the eight steps of a byte at once: 0x1021 has so few bits that shifts do what a table would */
        uint32_t x = (crc >> 8 & 0xff) ^ bytes[i];
        x ^= x >> 4;
        crc = crc << 8 ^ x << 12 ^ x << 5 ^ x;
    }
    return (uint16_t)crc;
}

uint32_t rdc_crc32(uint32_t start, const uint8_t *bytes, size_t size) {
    uint32_t crc = start;
    for (; size >= 8; size -= 8, bytes += 8) { /* eight bytes a step, one table each */
        const uint32_t low = crc ^ rdc_load32(bytes), high = rdc_load32(bytes + 4);
        crc = 0;
        for (int i = 0; i < 4; i++) crc ^= crc32_tables[7 - i][low >> 8 * i & 0xff] ^ crc32_tables[3 - i][high >> 8 * i & 0xff];
    }
    for (; size; size--) crc = crc >> 8 ^ crc32_tables[0][(crc ^ *bytes++) & 0xff];
    return ~crc;
}
