/* Checks the kernels of every level that this machine has beside the scalar ones, on inputs biased to the extremes.
 *
 *     check_kernels [--seed N] [--rounds N]   each round's inputs follow from the seed and its number; a failure is printed and
 *                                             ends the program; after a crash `checked` in check.c says which round it was
 *     check_kernels --digest                  checksums that must be the same on every machine
 *     check_kernels --golden FILE             the golden files, as test_kernels.py writes them
 *     check_kernels --bench                   nanoseconds a symbol
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"

/* A round of a group is done once in so many rounds, but at least once. */
static const struct {
    const char *name;
    check_round *check;
    size_t once_in;
} groups[] = {
    {"rans encode", check_rans_encode, 1},
    {"rans decode", check_rans_decode, 1},
    {"rans with the large tables", check_rans_large_tables, 2000},
    {"blocks", check_blocks, 1},
    {"damaged blocks", check_damaged_blocks, 20},
    {"exact products", check_exact_products, 1},
    {"products of networks", check_net_products, 1},
    {"networks", check_nets, 1},
    {"predictions", check_predictions, 1},
    {"codecs", check_codecs, 2},
    {"nothing", check_nothing, 50},
};

static void check_all(uint64_t seed, size_t rounds) {
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        const size_t count = (rounds + groups[g].once_in - 1) / groups[g].once_in;
        printf("%s: %zu rounds of seed %llu\n", groups[g].name, count, (unsigned long long)seed);
        fflush(stdout);
        for (size_t round = 0; round < count; round++) {
            check_begin(groups[g].name, seed, round);
            rng r = rng_of(seed, round);
            groups[g].check(&r);
        }
    }
}

static void print_levels(void) {
    const check_levels levels = check_levels_here();
    printf("levels:");
    for (size_t k = 0; k < levels.count; k++) printf(" %s", rdc_cpu_name(levels.of[k]));
    printf("\n");
}

int main(int count, char **arguments) {
    uint64_t seed = 0;
    size_t rounds = 1000;
    for (int k = 1; k < count; k += 2) {
        const char *name = arguments[k], *value = k + 1 < count ? arguments[k + 1] : NULL;
        if (strcmp(name, "--digest") == 0) return print_digests(), 0;
        if (strcmp(name, "--bench") == 0) return print_times(), 0;
        if (strcmp(name, "--golden") == 0 && value) return check_golden(value), 0;
        if (strcmp(name, "--seed") == 0 && value) seed = strtoull(value, NULL, 10);
        else if (strcmp(name, "--rounds") == 0 && value) rounds = (size_t)strtoull(value, NULL, 10);
        else return fprintf(stderr, "unknown argument: %s\n", name), 2;
    }
    print_levels();
    check_all(seed, rounds);
    return 0;
}
