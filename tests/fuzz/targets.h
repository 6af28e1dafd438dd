/* What a fuzzer drives: each target takes what it does from numbers, which are the fuzzer's bytes. */
#ifndef TARGETS_H
#define TARGETS_H

#include "check.h"

typedef void fuzz_target(rng *r);

fuzz_target fuzz_block, fuzz_parts;     /* blocks of up to a part, and of several */
fuzz_target fuzz_frame, fuzz_stream;    /* frames, and a header with its frames */
fuzz_target fuzz_tables;                /* frequencies and probabilities */
fuzz_target fuzz_network;               /* layers */
fuzz_target fuzz_prediction;            /* tokens under a predictor */
fuzz_target fuzz_checkpoint;            /* the other numbers of a checkpoint: exact products, scales, costs */
fuzz_target fuzz_codec_file;            /* a codec in one file */

/* Runs a target on a file of a corpus. */
void run_target(const char *name, fuzz_target *target, const uint8_t *bytes, size_t size);

/* A copy of bytes in a buffer of its size, mostly with some of them changed, or cut, or with some more behind them. */
uint8_t *take_damaged(rng *r, const uint8_t *bytes, size_t *size);

/* Any bytes, up to `most`, in a buffer of their size. */
uint8_t *take_any_bytes(rng *r, size_t most, size_t *size);

/* An end of int32, a number near 0 or near `about`, or any. */
int32_t wild_int32(rng *r, int32_t about);

/* Any double: NaN, infinities, integers, large and small ones. */
double wild_double(rng *r);

#endif
