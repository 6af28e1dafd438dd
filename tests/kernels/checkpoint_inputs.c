#include "checkpoint_inputs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "checkpoint/fields.h"

#define MOST_HEADER (1 << 14)
#define MOST_DATA (1 << 16)
#define MOST_COUNT 4096 /* elements of a tensor */
#define PRECISION 12
#define TABLE_ENTRIES 4 /* of the symbols -1, 0, 1, and the escape */
#define ID_FIELD "\\\"codec_id\\\": \\\""

/* A file that is being written, and the sizes of what it holds. */
typedef struct writer {
    rng *r;
    char header[MOST_HEADER];
    uint8_t data[MOST_DATA];
    size_t header_size, data_size;
    int is_learned, looks_back;
    uint32_t channels, words, selected, steps, candidates, latents, scales, referred, references, bands, emphasis;
    int64_t numbers[MOST_COUNT]; /* of the next tensor */
} writer;

static void add_text(writer *w, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int size = vsnprintf(w->header + w->header_size, sizeof w->header - w->header_size, format, arguments);
    va_end(arguments);
    check_that(size >= 0 && w->header_size + (size_t)size < sizeof w->header, "the header has room");
    w->header_size += (size_t)size;
}

/* Takes the next numbers; the shape is as text, and has `count` elements. */
static void add_tensor(writer *w, const char *name, rdc_element_type type, const char *shape, size_t count) {
    const size_t width = rdc_element_format_of(type)->bytes, begin = w->data_size;
    check_that(count <= MOST_COUNT && begin + count * width <= MOST_DATA, "the data have room");
    for (size_t i = 0; i < count; i++) {
        for (size_t byte = 0; byte < width; byte++) w->data[w->data_size++] = (uint8_t)((uint64_t)w->numbers[i] >> 8 * byte);
    }
    add_text(w, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}", name, rdc_element_format_of(type)->name, shape, begin,
             w->data_size);
}

/* ---- Numbers ---- */

static void fill(writer *w, size_t count, int64_t value) {
    for (size_t i = 0; i < count; i++) w->numbers[i] = value;
}

static void fill_between(writer *w, size_t count, int32_t least, int32_t most) {
    for (size_t i = 0; i < count; i++) w->numbers[i] = least + (int32_t)rng_below(w->r, (uint32_t)(most - least) + 1);
}

static void fill_rising(writer *w, size_t count, int32_t first) {
    for (size_t i = 0; i < count; i++) w->numbers[i] = first + 3 * (int32_t)i;
}

/* The bits of floats from 0 to 2. */
static void fill_floats(writer *w, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const float value = (float)rng_below(w->r, 256) / 128;
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        w->numbers[i] = bits;
    }
}

static const char *shape_of(char text[32], uint32_t rows, uint32_t columns) {
    snprintf(text, 32, "%u,%u", rows, columns);
    return text;
}

static void add_vector(writer *w, const char *name, rdc_element_type type, uint32_t count) {
    char shape[16];
    snprintf(shape, sizeof shape, "%u", count);
    add_tensor(w, name, type, shape, count);
}

static void add_matrix(writer *w, const char *name, rdc_element_type type, uint32_t rows, uint32_t columns) {
    char shape[32];
    add_tensor(w, name, type, shape_of(shape, rows, columns), (size_t)rows * columns);
}

static void add_vector_between(writer *w, const char *name, rdc_element_type type, uint32_t count, int32_t least, int32_t most) {
    fill_between(w, count, least, most);
    add_vector(w, name, type, count);
}

static void add_matrix_between(writer *w, const char *name, rdc_element_type type, uint32_t rows, uint32_t columns, int32_t most) {
    fill_between(w, (size_t)rows * columns, -most, most);
    add_matrix(w, name, type, rows, columns);
}

static void add_floats(writer *w, const char *name, uint32_t count) {
    fill_floats(w, count);
    add_vector(w, name, RDC_F32, count);
}

/* ---- Parts ---- */

static void add_tables(writer *w, const char *prefix, uint32_t count) {
    static const int64_t entries[TABLE_ENTRIES] = {1000, 2000, 1000, 96};
    char name[32];
    for (uint32_t i = 0; i < TABLE_ENTRIES * count; i++) w->numbers[i] = entries[i % TABLE_ENTRIES];
    snprintf(name, sizeof name, "%sfrequencies", prefix);
    add_vector(w, name, RDC_U16, TABLE_ENTRIES * count);
    fill(w, count, TABLE_ENTRIES);
    snprintf(name, sizeof name, "%scounts", prefix);
    add_vector(w, name, RDC_U32, count);
    fill(w, count, -1);
    snprintf(name, sizeof name, "%soffsets", prefix);
    add_vector(w, name, RDC_I32, count);
}

static void add_net(writer *w, const char *prefix, uint32_t inputs, uint32_t outputs, uint32_t taps) {
    char name[32], shape[48];
    fill(w, 1, 2000);
    snprintf(name, sizeof name, "%s.input_limit", prefix);
    add_tensor(w, name, RDC_I16, "", 1);
    fill_between(w, (size_t)outputs * taps * inputs, -20, 20);
    snprintf(name, sizeof name, "%s.0.weight", prefix);
    snprintf(shape, sizeof shape, "%u,%u,%u", outputs, taps, inputs);
    add_tensor(w, name, RDC_I8, shape, (size_t)outputs * taps * inputs);
    snprintf(name, sizeof name, "%s.0.bias", prefix);
    add_vector_between(w, name, RDC_I32, outputs, -500, 500);
    snprintf(name, sizeof name, "%s.0.shift", prefix);
    add_vector_between(w, name, RDC_U8, outputs, 4, 9);
    w->numbers[0] = -900;
    w->numbers[1] = 900;
    snprintf(name, sizeof name, "%s.0.clip", prefix);
    add_vector(w, name, RDC_I16, 2);
    fill(w, 1, 1);
    snprintf(name, sizeof name, "%s.0.dilation", prefix);
    add_tensor(w, name, RDC_U16, "", 1);
}

/* Codewords of levels -1 to 1, and the tables that code them. */
static void add_packed_words(writer *w) {
    static const uint32_t counts[] = {TABLE_ENTRIES};
    static const int32_t offsets[] = {-1};
    static const uint16_t frequencies[] = {1000, 2000, 1000, 96};
    const size_t n = (size_t)w->words * w->channels;
    int32_t levels[MOST_COUNT];
    uint8_t index[MOST_COUNT] = {0}, block[MOST_COUNT];
    rdc_tables *tables = NULL;
    rdc_coded_block *coded = NULL;
    for (size_t i = 0; i < n; i++) levels[i] = (int32_t)rng_below(w->r, 3) - 1;
    check_that(rdc_tables_create(&tables, PRECISION, 1, counts, offsets, frequencies, TABLE_ENTRIES, NULL).error == RDC_OK, "tables can be made");
    check_that(rdc_block_encode(rdc_rans_kernels_of(RDC_CPU_SCALAR), tables, levels, (rdc_index){index, 1}, n, 1, 1, &coded).error == RDC_OK,
               "codewords can be coded");
    const size_t size = rdc_coded_block_size(coded);
    check_that(size <= sizeof block, "codewords have room");
    rdc_coded_block_write(coded, block);
    rdc_coded_block_free(coded);
    rdc_tables_free(tables);
    for (size_t i = 0; i < size; i++) w->numbers[i] = block[i];
    add_vector(w, "words", RDC_U8, (uint32_t)size);
    add_tables(w, "word_", 1);
}

static void add_learned(writer *w) {
    const uint32_t c = w->channels, seen = w->looks_back ? c : 0;
    add_matrix_between(w, "analysis", RDC_I16, c, c, 4000);
    add_matrix_between(w, "synthesis", RDC_I16, c, c, 4000);
    add_packed_words(w);
    fill(w, w->words, 0);
    add_vector(w, "word_exponents", RDC_U8, w->words);
    add_vector_between(w, "component_exponents", RDC_U8, c, 0, 3);
    fill(w, c, 0);
    add_vector(w, "component_classes", RDC_U8, c);
    fill_rising(w, w->steps - 1, -2);
    add_vector(w, "step_thresholds", RDC_I32, w->steps - 1);
    add_matrix_between(w, "emphasis_in", RDC_I8, c, w->emphasis, 20);
    add_matrix_between(w, "emphasis_out", RDC_I8, w->emphasis, c, 20);
    add_net(w, "steps", c, 1, 1);
    if (w->latents) add_net(w, "latents", c, w->latents, 1);
    add_net(w, "predictor", seen + w->selected + 1 + w->latents, 2 * c, seen ? 2 : 1);
}

static void add_calibrated(writer *w) {
    const uint32_t c = w->channels;
    add_matrix_between(w, "analysis", RDC_I32, c, c, 4000);
    add_matrix_between(w, "synthesis", RDC_I32, c, c, 4000);
    add_matrix_between(w, "words", RDC_I16, w->words, c, 200);
    add_floats(w, "feature_scale", c);
    add_vector_between(w, "feature_weights", RDC_I32, c, -9, 9);
    for (uint32_t k = 0; k <= w->bands; k++) w->numbers[k] = k;
    add_vector(w, "band_edges", RDC_I32, w->bands + 1);
    add_vector_between(w, "band_weights", RDC_I32, w->bands, -9, 9);
    fill_rising(w, w->steps - 1, -2);
    add_vector(w, "step_thresholds", RDC_I64, w->steps - 1);
}

static uint32_t count_tables(const writer *w) {
    uint32_t classes = 0;
    for (uint32_t left = w->referred; left; left >>= 1) classes++;
    return 3 + w->steps + w->latents + (w->referred ? 2 * classes + 2 : 0) + 2 * w->scales;
}

static void add_all(writer *w) {
    const uint32_t c = w->channels;
    add_floats(w, "mean", c);
    add_vector_between(w, "word_prior", RDC_I32, w->words, -300, 0);
    add_vector_between(w, "word_components", RDC_I32, w->selected, 0, (int32_t)c - 1);
    add_floats(w, "word_code_scale", w->selected);
    add_vector_between(w, "step_offsets", RDC_I32, w->steps, -8, 8);
    fill_rising(w, w->candidates, -3);
    add_vector(w, "scale_offsets", RDC_I32, w->candidates);
    add_vector_between(w, "component_scale", RDC_I32, c, -2, 2);
    fill(w, c, 0);
    add_vector(w, "component_shape", RDC_U8, c);
    add_vector_between(w, "unit", RDC_I8, c, -1, 1);
    add_vector_between(w, "reference_scale", RDC_I32, c, 0, 4096);
    fill(w, 1, PRECISION);
    add_tensor(w, "precision", RDC_U8, "", 1);
    add_tables(w, "", count_tables(w));
    if (w->is_learned) add_learned(w);
    else add_calibrated(w);
}

/* ---- The file ---- */

static void begin_header(writer *w) {
    const char *family = !w->is_learned ? "transform" : w->looks_back ? "context" : "hyperprior-factorised";
    add_text(w, "{\"__metadata__\":{\"rdcodec\":\"{\\\"format_version\\\": 1, \\\"family\\\": \\\"%s\\\", " ID_FIELD "0000000000000000\\\", ", family);
    add_text(w, "\\\"default_quality\\\": 3, \\\"config\\\": {\\\"layer\\\": 1, \\\"channels\\\": %u, \\\"gain_limit_bits\\\": 9, ", w->channels);
    add_text(w, "\\\"state_bits\\\": 12, \\\"analysis_bits\\\": 12, \\\"component_bits\\\": 12, \\\"synthesis_bits\\\": 12, ");
    add_text(w, "\\\"inward\\\": [1, 0], \\\"zero_scale\\\": 2, \\\"scales\\\": %u, \\\"referred\\\": %u, \\\"references\\\": %u, ", w->scales,
             w->referred, w->references);
    if (w->is_learned) add_text(w, "\\\"latents\\\": %u, \\\"emphasis_bits\\\": 14, ", w->latents);
    add_text(w, "\\\"adaptation\\\": 20}}\"}");
}

static void choose_sizes(writer *w, rng *r, int is_learned) {
    w->is_learned = is_learned;
    w->looks_back = is_learned && rng_one_in(r, 2);
    w->channels = 1 + rng_below(r, 6);
    w->words = 1 + rng_below(r, 3);
    w->selected = 1 + rng_below(r, 2);
    w->steps = 1 + rng_below(r, 3);
    w->candidates = 1 + rng_below(r, 3);
    w->latents = is_learned ? rng_below(r, 3) : 0;
    w->scales = 1 + rng_below(r, 4);
    w->references = rng_below(r, 3);
    w->referred = w->references ? 1 + rng_below(r, 9) : 0;
    w->bands = rng_below(r, w->channels + 1);
    w->emphasis = rng_below(r, 3);
}

saved_codec make_saved_codec(rng *r, int is_learned) {
    writer *w = buffer_take(sizeof *w);
    memset(w, 0, sizeof *w);
    w->r = r;
    choose_sizes(w, r, is_learned);
    begin_header(w);
    add_all(w);
    add_text(w, "}");
    saved_codec saved = {.size = 8 + w->header_size + w->data_size};
    saved.bytes = buffer_take(saved.size);
    for (size_t byte = 0; byte < 8; byte++) saved.bytes[byte] = (uint8_t)(w->header_size >> 8 * byte);
    memcpy(saved.bytes + 8, w->header, w->header_size);
    memcpy(saved.bytes + 8 + w->header_size, w->data, w->data_size);
    mend_codec_id(saved.bytes, saved.size);
    return saved;
}

/* Where the digits of the id are, or NULL. */
static uint8_t *find_id(uint8_t *bytes, size_t size) {
    const size_t field = sizeof ID_FIELD - 1;
    for (size_t at = 0; at + field + 16 <= size && at < MOST_HEADER; at++) {
        if (memcmp(bytes + at, ID_FIELD, field) == 0) return bytes + at + field;
    }
    return NULL;
}

void mend_codec_id(uint8_t *bytes, size_t size) {
    rdc_tensors tensors;
    rdc_config config;
    uint8_t id[8], *digits = find_id(bytes, size);
    if (!digits || rdc_tensors_read(&tensors, bytes, size, NULL).error != RDC_OK) return;
    const rdc_json *header = &tensors.header;
    const rdc_json_node *entry = rdc_json_member(header, rdc_json_member(header, header->nodes, "__metadata__"), "rdcodec");
    if (entry && rdc_config_read(&config, (const uint8_t *)rdc_json_text(header, entry), entry->size, NULL).error == RDC_OK) {
        rdc_config_identify(&config, &tensors, id);
        for (size_t i = 0; i < 16; i++) digits[i] = (uint8_t)"0123456789abcdef"[id[i / 2] >> (i % 2 ? 0 : 4) & 15];
    }
    rdc_tensors_free(&tensors);
}
