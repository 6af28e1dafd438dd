/* Wide tables, and symbols for them. */
#ifndef WIDE_INPUTS_H
#define WIDE_INPUTS_H

#include "check.h"
#include "entropy/wide.h"

/* 1 to 6 tables, of which most are wide: with few raw bits or many, runs of one symbol or of many, with gaps or none, in any order. */
rdc_tables *make_wide_tables(rng *r, unsigned precision);

/* A symbol of the table; one time in `rarity` one beside a run, or any. */
int32_t wide_symbol(rng *r, const rdc_wide *wide, uint32_t rarity);

#endif
