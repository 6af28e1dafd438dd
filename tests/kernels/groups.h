/* The groups of checks. */
#ifndef GROUPS_H
#define GROUPS_H

#include "check.h"

/* Checks every level that this machine has on the inputs of one round. */
typedef void check_round(rng *r);

check_round check_rans_encode, check_rans_decode, check_rans_large_tables;
check_round check_blocks, check_damaged_blocks;
check_round check_exact_products;
check_round check_net_products, check_nets;
check_round check_predictions, check_codecs;
check_round check_nothing;

/* Prints checksums of the bytes that the best level writes for inputs that are the same on every machine. */
void print_digests(void);

/* Checks every level on the cases of a file, which test_kernels.py writes. */
void check_golden(const char *path);

/* Prints the time that every kernel takes. */
void print_times(void);

#endif
