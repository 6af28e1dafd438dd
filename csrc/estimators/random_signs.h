/* Random signs by position: each depends on nothing but seed, draw and place, so threads may take them in any order. */
#ifndef RDC_ESTIMATORS_RANDOM_SIGNS_H
#define RDC_ESTIMATORS_RANDOM_SIGNS_H

#include "rdc.h"

/* 128 random bits of a draw, those of places 128 * block to 128 * block + 127. */
void rdc_random_bits(uint64_t seed, uint64_t draw, uint64_t block, uint32_t bits[4]);

#endif
