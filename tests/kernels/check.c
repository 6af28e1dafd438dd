#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Random numbers: xorshift64*, or a fuzzer's bytes ---- */

/* One up to `most`; above it only if that is not all ones. */
static uint32_t number_of_bytes(rng *r, uint32_t most) {
    uint32_t number = 0;
    for (; most && r->left; most >>= 8, r->left--) number = number << 8 | *r->bytes++;
    return number;
}

uint32_t rng_next(rng *r) {
    if (r->left) return number_of_bytes(r, UINT32_MAX);
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return (uint32_t)(r->state * 0x2545f4914f6cdd1du >> 32);
}

rng rng_of(uint64_t seed, uint64_t round) {
    rng r = {.state = (seed + 1) * 0x9e3779b97f4a7c15u ^ (round + 1) * 0xd1342543de82ef95u};
    if (r.state == 0) r.state = 1;
    for (int i = 0; i < 8; i++) rng_next(&r); /* near seeds begin with near states */
    return r;
}

rng rng_of_bytes(const uint8_t *bytes, size_t size) {
    rng r = rng_of(0, 0);
    r.bytes = bytes;
    r.left = size;
    return r;
}

uint32_t rng_below(rng *r, uint32_t n) {
    if (r->left && n) return number_of_bytes(r, n - 1) % n;
    return (uint32_t)((uint64_t)rng_next(r) * n >> 32);
}

int rng_one_in(rng *r, uint32_t n) {
    return rng_below(r, n) == 0;
}

size_t rng_count(rng *r, size_t most, size_t step) {
    size_t count = 0;
    switch (rng_below(r, 6)) {
    case 0: return rng_below(r, 2);
    case 1: return most - rng_below(r, 2);
    case 2: count = rng_below(r, (uint32_t)step + 2); break;
    case 3: count = rng_below(r, (uint32_t)(5 * step)); break;
    case 4:
        count = step * rng_below(r, (uint32_t)(most / step + 1));
        count += rng_below(r, 3);
        count--;
        break;
    default: count = rng_below(r, (uint32_t)most + 1);
    }
    return count <= most ? count : most; /* one less than 0 as well becomes the most */
}

/* ---- Failures ---- */

static struct {
    const char *group, *level;
    uint64_t seed;
    size_t round;
} checked;

void check_begin(const char *group, uint64_t seed, size_t round) {
    checked.group = group;
    checked.level = rdc_cpu_name(RDC_CPU_SCALAR);
    checked.seed = seed;
    checked.round = round;
}

void check_level(rdc_cpu_level level) {
    checked.level = rdc_cpu_name(level);
}

static void print_place(void) {
    printf("%s, %s, seed %llu, round %zu: ", checked.group, checked.level, (unsigned long long)checked.seed, checked.round);
}

void check_that(int condition, const char *claim) {
    if (condition) return;
    print_place();
    printf("it does not hold that %s\n", claim);
    exit(1);
}

void check_same(const void *expected, const void *got, size_t size, const char *what) {
    const uint8_t *a = expected, *b = got;
    size_t at = 0;
    while (at < size && a[at] == b[at]) at++;
    if (at == size) return;
    print_place();
    printf("%s: byte %zu of %zu is %u, expected %u\n", what, at, size, b[at], a[at]);
    exit(1);
}

void check_same_status(rdc_status expected, rdc_status got, const char *what) {
    if (expected.error == got.error && expected.at == got.at && expected.got == got.got) return;
    char texts[2][200];
    rdc_error_text(expected, texts[0], sizeof texts[0]);
    rdc_error_text(got, texts[1], sizeof texts[1]);
    print_place();
    printf("%s: the status is \"%s\", expected \"%s\"\n", what, texts[1], texts[0]);
    exit(1);
}

/* ---- Levels ---- */

check_levels check_levels_here(void) {
    check_levels here = {{RDC_CPU_SCALAR}, 0};
    for (rdc_cpu_level level = RDC_CPU_SCALAR; level < RDC_CPU_LEVELS; level++) {
        if (rdc_cpu_has(level)) here.of[here.count++] = level;
    }
    return here;
}
