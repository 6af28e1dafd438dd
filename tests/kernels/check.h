/* What the checks of the kernels share: random numbers, buffers whose ends are watched, and how a check fails. */
#ifndef CHECK_H
#define CHECK_H

#include "rdc.h"

/* ---- Random numbers: the same on every machine, as long as no expression takes two of them in no given order ---- */

typedef struct rng {
    uint64_t state;
    const uint8_t *bytes; /* that numbers are made of while there are any left */
    size_t left;
} rng;

/* The numbers of a round, which do not depend on the rounds before it. */
rng rng_of(uint64_t seed, uint64_t round);

/* Numbers of a fuzzer's bytes, as few bytes each as it needs, then those of round 0: a change of a byte changes few numbers, and short
 * inputs will do for large cases. The bytes must outlive it. */
rng rng_of_bytes(const uint8_t *bytes, size_t size);
uint32_t rng_next(rng *r);                   /* any uint32 */
uint32_t rng_below(rng *r, uint32_t n);      /* 0 to n - 1 */
int rng_one_in(rng *r, uint32_t n);          /* true once in n times */

/* A count from 0 to `most`, often one at which loops over `step` of something begin or end. */
size_t rng_count(rng *r, size_t most, size_t step);

/* ---- Failures ---- */

/* What is checked from here on, for the message. */
void check_begin(const char *group, uint64_t seed, size_t round);
void check_level(rdc_cpu_level level);

/* Ends the program with a message unless the condition holds. */
void check_that(int condition, const char *claim);
void check_same(const void *expected, const void *got, size_t size, const char *what);
void check_same_status(rdc_status expected, rdc_status got, const char *what);

/* ---- Levels ---- */

typedef struct check_levels {
    rdc_cpu_level of[RDC_CPU_LEVELS];
    size_t count;
} check_levels;

/* Those that this machine has, the scalar one first and the best one last. */
check_levels check_levels_here(void);

/* ---- Buffers ---- */

/* A buffer of exactly this size, given back by buffers_release. A byte read or written behind it ends the program, and one written
 * before it fails the check; with sanitizers, which SANITIZED stands for, so does one read there. */
void *buffer_take(size_t size);
void *buffer_copy(const void *from, size_t size);

size_t buffers_mark(void);
void buffers_release(size_t mark); /* those taken since the mark */

#endif
