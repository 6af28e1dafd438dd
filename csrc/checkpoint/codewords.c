/* The codebook of a learned codec, which is entropy-coded in the checkpoint: as rdcodec/codecs/codebook.py. */
#include "checkpoint/checkpoint.h"

#define PART_WORDS 64                     /* decoded at once */
#define EXPONENTS 16                      /* powers of two by which a level can be multiplied */
#define MOST_ELEMENTS ((uint64_t)1 << 28) /* half a GiB once decoded */

/* What codewords are decoded with. */
typedef struct packed_words {
    const uint8_t *exponents;            /* [words] */
    const uint8_t *component_exponents;  /* [components] */
    const uint8_t *classes;              /* [components] */
    size_t words, components;
} packed_words;

static unsigned largest_of(const uint8_t *numbers, size_t count) {
    unsigned largest = 0;
    for (size_t i = 0; i < count; i++) largest = numbers[i] > largest ? numbers[i] : largest;
    return largest;
}

static rdc_status check(const packed_words *w, size_t tables, rdc_message *message) {
    const unsigned largest = largest_of(w->exponents, w->words), sum = largest + largest_of(w->component_exponents, w->components);
    const size_t expected = (size_t)largest_of(w->classes, w->components) * EXPONENTS + largest + 1;
    if ((uint64_t)w->words * w->components > MOST_ELEMENTS) {
        return rdc_refuse(message, RDC_ERROR_CHECKPOINT_LIMIT, "words: expected at most 2^28 components in all, got %zu words of %zu", w->words,
                          w->components);
    }
    if (sum >= EXPONENTS) {
        return rdc_refuse(message, RDC_ERROR_CHECKPOINT, "word_exponents and component_exponents: expected sums below %d, got %u", EXPONENTS,
                          sum);
    }
    if (tables < expected) {
        return rdc_refuse(message, RDC_ERROR_CHECKPOINT, "word_counts: expected %zu or more entries, got %zu", expected, tables);
    }
    return rdc_ok();
}

/* Levels of a codeword, as they were decoded, times their powers of two. Returns 0 where one leaves 16 bits. */
static int scale_word(const packed_words *w, size_t word, const int32_t *levels, int16_t *codeword) {
    for (size_t i = 0; i < w->components; i++) {
        const int64_t value = levels[i] * ((int64_t)1 << (w->exponents[word] + w->component_exponents[i]));
        if (value <= -32768 || value >= 32768) return 0;
        codeword[i] = (int16_t)value;
    }
    return 1;
}

/* Codewords that are decoded at once. */
typedef struct part {
    size_t first, count;
    uint16_t *index; /* [count, components] */
    int32_t *levels; /* likewise */
} part;

static rdc_status decode_part(const rdc_making *making, const packed_words *w, rdc_block_decoder *decoder, const part *p, int16_t *codewords) {
    const size_t n = p->count * w->components;
    for (size_t k = 0; k < p->count; k++) {
        uint16_t *index = p->index + k * w->components;
        for (size_t i = 0; i < w->components; i++) index[i] = (uint16_t)(w->classes[i] * EXPONENTS + w->exponents[p->first + k]);
    }
    const rdc_status status = rdc_block_decode(decoder, (rdc_index){p->index, sizeof *p->index}, n, p->levels);
    RDC_FORWARD_IF_ERROR(rdc_refuse_if_error(making->message, "words", status));
    for (size_t k = 0; k < p->count; k++) {
        const size_t word = p->first + k;
        if (scale_word(w, word, p->levels + k * w->components, codewords + word * w->components)) continue;
        return rdc_refuse(making->message, RDC_ERROR_CHECKPOINT, "words: expected values of 16 bits, got larger ones in word %zu", word);
    }
    return rdc_ok();
}

/* The part is room for PART_WORDS. */
static rdc_status decode(const rdc_making *making, const packed_words *w, const rdc_tables *tables, part *p, int16_t *codewords) {
    rdc_block_decoder decoder;
    rdc_cpu_level cpu;
    const size_t size = making->arrays->sizes[RDC_AXIS_WORD_BYTES];
    RDC_FORWARD_IF_ERROR(rdc_cpu_choose(NULL, &cpu));
    const rdc_status opened = rdc_block_open(&decoder, rdc_rans_kernels_of(cpu), tables, making->arrays->of[RDC_TENSOR_PACKED_WORDS], size,
                                             w->words * w->components);
    RDC_FORWARD_IF_ERROR(rdc_refuse_if_error(making->message, "words", opened));
    for (p->first = 0; p->first < w->words; p->first += p->count) {
        p->count = w->words - p->first < PART_WORDS ? w->words - p->first : PART_WORDS;
        RDC_FORWARD_IF_ERROR(decode_part(making, w, &decoder, p, codewords));
    }
    return rdc_refuse_if_error(making->message, "words", rdc_block_finish(&decoder));
}

rdc_status rdc_making_codewords(const rdc_making *making, const int16_t **codewords) {
    const rdc_arrays *a = making->arrays;
    const packed_words w = {a->of[RDC_TENSOR_WORD_EXPONENTS], a->of[RDC_TENSOR_COMPONENT_EXPONENTS], a->of[RDC_TENSOR_COMPONENT_CLASSES],
                            a->sizes[RDC_AXIS_WORDS], a->sizes[RDC_AXIS_CHANNELS]};
    RDC_FORWARD_IF_ERROR(check(&w, a->sizes[RDC_AXIS_WORD_TABLES], making->message));
    rdc_tables *tables = NULL;
    RDC_FORWARD_IF_ERROR(rdc_making_tables(making, "word_", RDC_TENSOR_WORD_FREQUENCIES, RDC_AXIS_WORD_FREQUENCIES, &tables));
    int16_t *made = rdc_pool_take(making->pool, w.words * w.components * sizeof *made);
    part p = {.index = rdc_pool_take(making->pool, PART_WORDS * w.components * sizeof *p.index)};
    p.levels = rdc_pool_take(making->pool, PART_WORDS * w.components * sizeof *p.levels);
    const rdc_status status = made && p.index && p.levels ? decode(making, &w, tables, &p, made) : rdc_refuse_memory(making->message);
    rdc_tables_free(tables);
    *codewords = made;
    return status;
}
