#include "targets.h"

#include <math.h>
#include <string.h>

#define MOST_CHANGES 6
#define MOST_BEHIND 9

void run_target(const char *name, fuzz_target *target, const uint8_t *bytes, size_t size) {
    const size_t mark = buffers_mark();
    rng r = rng_of_bytes(bytes, size);
    check_begin(name, 0, size);
    target(&r);
    buffers_release(mark);
}

static size_t changed_size(rng *r, size_t size) {
    switch (rng_below(r, 8)) {
    case 0: return rng_below(r, (uint32_t)size + 1);
    case 1: return size + 1 + rng_below(r, MOST_BEHIND);
    default: return size;
    }
}

uint8_t *take_damaged(rng *r, const uint8_t *bytes, size_t *size) {
    const size_t made = changed_size(r, *size), kept = made < *size ? made : *size;
    uint8_t *damaged = buffer_take(made);
    memcpy(damaged, bytes, kept);
    for (uint32_t changes = made ? rng_below(r, MOST_CHANGES) : 0; changes; changes--) {
        const size_t at = rng_one_in(r, 2) && made > 16 ? rng_below(r, 16) : rng_below(r, (uint32_t)made);
        damaged[at] = (uint8_t)rng_below(r, 256);
    }
    *size = made;
    return damaged;
}

uint8_t *take_any_bytes(rng *r, size_t most, size_t *size) {
    *size = rng_below(r, (uint32_t)most + 1);
    uint8_t *bytes = buffer_take(*size);
    for (size_t i = 0; i < *size; i++) bytes[i] = (uint8_t)rng_below(r, 256);
    return bytes;
}

int32_t wild_int32(rng *r, int32_t about) {
    switch (rng_below(r, 6)) {
    case 0: return INT32_MIN + (int32_t)rng_below(r, 3);
    case 1: return INT32_MAX - (int32_t)rng_below(r, 3);
    case 2: return (int32_t)rng_below(r, 9) - 4;
    case 3: return (int32_t)rng_next(r);
    default: return (int32_t)((uint32_t)about + rng_below(r, 9) - 4);
    }
}

double wild_double(rng *r) {
    static const double ends[] = {0, -0.0, 1, -1, 0.5, 1e300, -1e300, 5e-324, 536870912, HUGE_VAL, -HUGE_VAL};
    double any;
    switch (rng_below(r, 4)) {
    case 0: return ends[rng_below(r, sizeof ends / sizeof *ends)];
    case 1: return (int32_t)rng_next(r);
    case 2: return ldexp((int32_t)rng_next(r), (int)rng_below(r, 128) - 64);
    default: {
        const uint64_t high = rng_next(r), bits = high << 32 | rng_next(r);
        memcpy(&any, &bits, sizeof any);
        return any;
    }
    }
}
