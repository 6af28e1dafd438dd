/* Tables, indices and symbols biased to the extremes. */
#ifndef INPUTS_H
#define INPUTS_H

#include "check.h"
#include "entropy/tables.h"

/* Tables of frequencies of one large number, of equal ones, of many or few: 1 to 5000 of them. */
rdc_tables *make_tables(rng *r, unsigned precision);

/* The built-in set, which is made once. */
const rdc_tables *gaussian_tables(void);

/* Fills 2 to `most` frequencies of 1 or more that sum to `units`; returns how many. */
uint32_t fill_frequencies(rng *r, uint16_t *frequencies, uint32_t most, uint32_t units);

/* Different tables of about 2^15 entries each: LARGEST_TABLES are nearly as many as vectors can look up, one more is too many. */
#define LARGEST_TABLES 65
rdc_tables *make_large_tables(size_t count);

/* The tables of n symbols, in a buffer. */
rdc_index make_index(rng *r, const rdc_tables *tables, size_t n);

/* Symbols of these tables, in a buffer: of likely ones, of the ends of supports and of any int32, with many, few or one escape. */
int32_t *make_symbols(rng *r, const rdc_tables *tables, rdc_index index, size_t n);

/* The block of n symbols, in a buffer of its size. */
uint8_t *encode_block(const rdc_rans_kernels *kernels, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n,
                      unsigned lanes, size_t *size);

#endif
