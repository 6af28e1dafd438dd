/* Little-endian loads and stores at any address; compilers make single instructions of them. */
#ifndef RDC_BASE_BYTES_H
#define RDC_BASE_BYTES_H

#include <stdint.h>

static inline uint32_t rdc_load16(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t rdc_load32(const uint8_t *p) {
    return rdc_load16(p) | rdc_load16(p + 2) << 16;
}

static inline void rdc_store16(uint8_t *p, uint32_t value) {
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
}

static inline void rdc_store32(uint8_t *p, uint32_t value) {
    rdc_store16(p, value);
    rdc_store16(p + 2, value >> 16);
}

#endif
