/* Codecs that are loaded and links of them, as check_memory.c calls them: each writes what it finds into `out`. */
#ifndef LINKS_H
#define LINKS_H

#include "check.h"

/* What the calls work with, made before anything may fail. */
void make_links(rng *r);
void free_links(void);

rdc_status load_calibrated(uint8_t *out);
rdc_status load_learned(uint8_t *out);
rdc_status make_encoder(uint8_t *out);
rdc_status make_decoder(uint8_t *out);
rdc_status encode_frame(uint8_t *out);
rdc_status encode_at_another_quality(uint8_t *out);
rdc_status decode_frame(uint8_t *out);

#endif
