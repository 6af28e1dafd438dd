#include "base/varint.h"

#include "base/status.h"

size_t rdc_varint_write(uint8_t *bytes, uint64_t value) {
    size_t size = 0;
    for (; value >= 128; value >>= 7) bytes[size++] = (uint8_t)(value | 128);
    bytes[size++] = (uint8_t)value;
    return size;
}

rdc_status rdc_varint_read(const uint8_t *bytes, size_t size, size_t *at, uint64_t *value) {
    *value = 0;
    for (unsigned i = 0; i < RDC_VARINT_BYTES; i++) {
        RDC_RETURN_IF(*at + i >= size, RDC_ERROR_TRUNCATED, size, 0);
        const uint8_t byte = bytes[*at + i];
        *value |= (uint64_t)(byte & 127) << (7 * i);
        if (byte < 128) {
            RDC_RETURN_IF(byte == 0 && i > 0, RDC_ERROR_VARINT, *at, 0);
            *at += i + 1;
            return rdc_ok();
        }
    }
    return rdc_fail(RDC_ERROR_VARINT, *at, 0);
}
