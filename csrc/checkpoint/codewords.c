/* The codebook of a learned codec, with the checks of rdcodec/codecs/codebook.py. */
#include "checkpoint/checkpoint.h"

#define MOST_ELEMENTS ((uint64_t)1 << 28) /* half a GiB once decoded */

static unsigned largest_of(const uint8_t *numbers, size_t count) {
    unsigned largest = 0;
    for (size_t i = 0; i < count; i++) largest = numbers[i] > largest ? numbers[i] : largest;
    return largest;
}

static rdc_status check(const rdc_packed_codebook *packed, size_t tables, rdc_message *message) {
    const size_t classes = largest_of(packed->component_classes, packed->components);
    const size_t expected = classes * RDC_CODEWORD_EXPONENTS + largest_of(packed->exponents, packed->count) + 1;
    if ((uint64_t)packed->count * packed->components > MOST_ELEMENTS) {
        return rdc_refuse(message, RDC_ERROR_CHECKPOINT_LIMIT, "words: expected at most 2^28 components in all, got %zu codewords of %zu",
                          packed->count, packed->components);
    }
    if (tables >= expected) return rdc_ok();
    return rdc_refuse(message, RDC_ERROR_CHECKPOINT, "word_counts: expected %zu or more entries, got %zu", expected, tables);
}

static rdc_status unpack(const rdc_making *making, const rdc_packed_codebook *packed, int16_t *codewords) {
    rdc_cpu_level cpu;
    RDC_FORWARD_IF_ERROR(rdc_cpu_choose(NULL, &cpu));
    return rdc_refuse_if_error(making->message, "words", rdc_codebook_unpack(cpu, packed, codewords));
}

rdc_status rdc_making_codewords(const rdc_making *making, const int16_t **codewords) {
    const rdc_arrays *a = making->arrays;
    rdc_packed_codebook packed = {
        .block = a->of[RDC_TENSOR_PACKED_WORDS],
        .block_size = a->sizes[RDC_AXIS_CODEBOOK_BYTES],
        .exponents = a->of[RDC_TENSOR_WORD_EXPONENTS],
        .component_exponents = a->of[RDC_TENSOR_COMPONENT_EXPONENTS],
        .component_classes = a->of[RDC_TENSOR_COMPONENT_CLASSES],
        .count = a->sizes[RDC_AXIS_CODEWORDS],
        .components = a->sizes[RDC_AXIS_CHANNELS],
    };
    RDC_FORWARD_IF_ERROR(check(&packed, a->sizes[RDC_AXIS_CODEBOOK_TABLES], making->message));
    rdc_tables *tables = NULL;
    RDC_FORWARD_IF_ERROR(rdc_making_tables(making, "word_", RDC_TENSOR_WORD_FREQUENCIES, RDC_AXIS_CODEBOOK_FREQUENCIES, &tables));
    packed.tables = tables;
    int16_t *made = rdc_pool_take(making->pool, packed.count * packed.components * sizeof *made);
    const rdc_status status = made ? unpack(making, &packed, made) : rdc_refuse_memory(making->message);
    rdc_tables_free(tables);
    *codewords = made;
    return status;
}
