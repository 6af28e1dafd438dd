#include "base/bits.h"
#include "base/status.h"
#include "entropy/part.h"

/* A state between symbols has 17 to 32 bits. */
#define LEAST_BITS 16 /* without the highest */
#define LENGTH_BITS 4

uint8_t *rdc_lane_states_write(uint8_t *bytes, const uint32_t *states, unsigned lanes) {
    rdc_bit_writer writer = {bytes, 0, 0};
    for (unsigned lane = 0; lane < lanes; lane++) {
        const unsigned more = rdc_bit_length(states[lane]) - 1 - LEAST_BITS;
        rdc_bits_write(&writer, more, LENGTH_BITS);
        rdc_bits_write(&writer, states[lane] - (1u << (LEAST_BITS + more)), LEAST_BITS + more);
    }
    rdc_bits_end(&writer);
    return writer.next;
}

rdc_status rdc_lane_states_read(const uint8_t *bytes, size_t size, size_t *at, uint32_t *states, unsigned lanes) {
    rdc_bit_reader reader = {bytes, 8 * (uint64_t)size, 8 * (uint64_t)*at};
    for (unsigned lane = 0; lane < lanes; lane++) {
        RDC_RETURN_IF(reader.bits - reader.position < LENGTH_BITS, RDC_ERROR_TRUNCATED, size, 0);
        const unsigned bits = LEAST_BITS + (unsigned)rdc_bits_read(&reader, LENGTH_BITS);
        RDC_RETURN_IF(reader.bits - reader.position < bits, RDC_ERROR_TRUNCATED, size, 0);
        states[lane] = 1u << bits | (uint32_t)rdc_bits_read(&reader, bits);
    }
    const unsigned padding = (unsigned)(8 - reader.position % 8) % 8;
    const uint64_t rest = rdc_bits_read(&reader, padding);
    *at = (size_t)(reader.position / 8);
    RDC_RETURN_IF(rest, RDC_ERROR_STATE_PADDING, *at - 1, rest);
    return rdc_ok();
}
