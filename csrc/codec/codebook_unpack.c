/* Codebooks as they are saved, a part of them at a time: levels take more memory than what becomes of them. */
#include <stdlib.h>

#include "base/status.h"

#define PART_SYMBOLS ((size_t)1 << 18)

/* Codewords that are decoded at once. */
typedef struct part {
    size_t first, count;
    uint16_t *index; /* [count, components] */
    int32_t *levels; /* likewise */
} part;

static rdc_status check_exponents(const rdc_packed_codebook *packed) {
    unsigned largest = 0;
    for (size_t i = 0; i < packed->components; i++) {
        if (packed->component_exponents[i] > largest) largest = packed->component_exponents[i];
    }
    for (size_t k = 0; k < packed->count; k++) {
        const unsigned sum = packed->exponents[k] + largest;
        RDC_RETURN_IF(sum >= RDC_CODEWORD_EXPONENTS, RDC_ERROR_CODEWORD_EXPONENT, k, sum);
    }
    return rdc_ok();
}

static void find_tables(const rdc_packed_codebook *packed, size_t codeword, uint16_t *index) {
    for (size_t i = 0; i < packed->components; i++) {
        index[i] = (uint16_t)(packed->component_classes[i] * RDC_CODEWORD_EXPONENTS + packed->exponents[codeword]);
    }
}

/* Sums are below 16, unless another thread has changed exponents since they were checked. */
static rdc_status scale(const rdc_packed_codebook *packed, size_t codeword, const int32_t *levels, int16_t *values) {
    for (size_t i = 0; i < packed->components; i++) {
        const unsigned sum = (unsigned)packed->exponents[codeword] + packed->component_exponents[i];
        const int64_t value = levels[i] * ((int64_t)1 << sum % RDC_CODEWORD_EXPONENTS);
        RDC_RETURN_IF(value < -INT16_MAX || value > INT16_MAX, RDC_ERROR_CODEWORD_BITS, codeword, value);
        values[i] = (int16_t)value;
    }
    return rdc_ok();
}

static rdc_status unpack_part(const rdc_packed_codebook *packed, rdc_block_decoder *decoder, const part *p, int16_t *codewords) {
    const size_t components = packed->components;
    for (size_t k = 0; k < p->count; k++) find_tables(packed, p->first + k, p->index + k * components);
    RDC_FORWARD_IF_ERROR(rdc_block_decode(decoder, (rdc_index){p->index, sizeof *p->index}, p->count * components, p->levels));
    for (size_t k = 0; k < p->count; k++) {
        const size_t codeword = p->first + k;
        RDC_FORWARD_IF_ERROR(scale(packed, codeword, p->levels + k * components, codewords + codeword * components));
    }
    return rdc_ok();
}

/* The part is room for so many codewords at once. */
static rdc_status unpack(rdc_cpu_level cpu, const rdc_packed_codebook *packed, part *p, size_t at_once, int16_t *codewords) {
    rdc_block_decoder decoder;
    RDC_FORWARD_IF_ERROR(rdc_block_open(&decoder, rdc_rans_kernels_of(cpu), packed->tables, packed->block, packed->block_size,
                                        packed->count * packed->components));
    for (p->first = 0; p->first < packed->count; p->first += p->count) {
        p->count = packed->count - p->first < at_once ? packed->count - p->first : at_once;
        RDC_FORWARD_IF_ERROR(unpack_part(packed, &decoder, p, codewords));
    }
    return rdc_block_finish(&decoder);
}

rdc_status rdc_codebook_unpack(rdc_cpu_level cpu, const rdc_packed_codebook *packed, int16_t *codewords) {
    RDC_FORWARD_IF_ERROR(check_exponents(packed));
    const size_t fit = packed->components < PART_SYMBOLS ? PART_SYMBOLS / (packed->components + 1) : 1;
    const size_t at_once = fit < packed->count ? fit : packed->count, n = at_once * packed->components;
    part p = {.index = malloc(n * sizeof *p.index + 1), .levels = malloc(n * sizeof *p.levels + 1)};
    const rdc_status status = p.index && p.levels ? unpack(cpu, packed, &p, at_once, codewords) : rdc_fail(RDC_ERROR_MEMORY, 0, 0);
    free(p.index);
    free(p.levels);
    return status;
}
