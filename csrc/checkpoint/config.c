/* config.json, and the id that it states. */
#include <stdio.h>
#include <string.h>

#include "base/blake2b.h"
#include "checkpoint/fields.h"

#define FILE_NAME "config.json"
#define MOST_BYTES (1u << 20)
#define ID_BYTES 8

static const rdc_family families[] = {
    {"transform", 0, 0, 0},          {"block-transform", 0, 0, 1}, {"hyperprior-factorised", 1, 0, 0},
    {"hyperprior-fourier", 1, 0, 0}, {"direct-access", 1, 1, 0},   {"context", 1, 1, 0},
};

static const struct {
    const char *name;
    int32_t least, most; /* of each number */
    int numbers;
    int is_learned; /* only in learned families */
} fields[RDC_FIELDS] = {
    [RDC_FIELD_ADAPTATION] = {"adaptation", 0, 65535, 1, 0},
    [RDC_FIELD_ANALYSIS_BITS] = {"analysis_bits", -200, 200, 1, 0},
    [RDC_FIELD_CHANNELS] = {"channels", 1, 65536, 1, 0},
    [RDC_FIELD_COMPONENT_BITS] = {"component_bits", -200, 200, 1, 0},
    [RDC_FIELD_EMPHASIS_BITS] = {"emphasis_bits", -200, 200, 1, 1},
    [RDC_FIELD_GAIN_LIMIT_BITS] = {"gain_limit_bits", -127, 128, 1, 0},
    [RDC_FIELD_INWARD] = {"inward", 0, 15, 2, 0},
    [RDC_FIELD_LATENTS] = {"latents", 0, 65535, 1, 1},
    [RDC_FIELD_LAYER] = {"layer", 0, INT32_MAX, 1, 0},
    [RDC_FIELD_REFERENCES] = {"references", 0, 8, 1, 0},
    [RDC_FIELD_REFERRED] = {"referred", 0, 65536, 1, 0},
    [RDC_FIELD_SCALES] = {"scales", 1, 32768, 1, 0},
    [RDC_FIELD_STATE_BITS] = {"state_bits", -200, 200, 1, 0},
    [RDC_FIELD_SYNTHESIS_BITS] = {"synthesis_bits", -200, 200, 1, 0},
    [RDC_FIELD_ZERO_SCALE] = {"zero_scale", -65536, 65536, 1, 0},
};

/* Of formats that are tensors where transforms are in blocks. */
static int is_of_matrices(size_t field) {
    return field == RDC_FIELD_ANALYSIS_BITS || field == RDC_FIELD_COMPONENT_BITS || field == RDC_FIELD_STATE_BITS || field == RDC_FIELD_SYNTHESIS_BITS;
}

static int is_a_field(const rdc_family *family, size_t field) {
    return (family->is_learned || !fields[field].is_learned) && !(family->in_blocks && is_of_matrices(field));
}

/* ---- Reading ---- */

/* What is being read. */
typedef struct reading {
    const rdc_json *json;
    rdc_config *config;
    rdc_message *message;
} reading;

static rdc_status refuse_field(const reading *r, const char *name, const char *expected) {
    return rdc_refuse(r->message, RDC_ERROR_CHECKPOINT, FILE_NAME ": %s: expected %s", name, expected);
}

static int read_integer(const reading *r, const rdc_json_node *node, int32_t least, int32_t most, int32_t *integer) {
    int64_t value;
    if (!rdc_json_integer(r->json, node, &value) || value < least || value > most) return 0;
    *integer = (int32_t)value;
    return 1;
}

static int read_numbers(const reading *r, const rdc_json_node *node, size_t field) {
    const int32_t least = fields[field].least, most = fields[field].most;
    int32_t *numbers = r->config->of[field];
    if (!node) return 0;
    if (fields[field].numbers == 1) return read_integer(r, node, least, most, numbers);
    if (node->kind != RDC_JSON_ARRAY || node->size != 2) return 0;
    const rdc_json_node *first = rdc_json_first(node);
    return read_integer(r, first, least, most, numbers) && read_integer(r, rdc_json_next(r->json, first), least, most, numbers + 1);
}

static rdc_status read_fields(const reading *r, const rdc_json_node *object) {
    if (!object || object->kind != RDC_JSON_OBJECT) return refuse_field(r, "config", "an object");
    for (size_t field = 0; field < RDC_FIELDS; field++) {
        char expected[64];
        const char *kind = fields[field].numbers == 1 ? "an integer" : "2 entries, each an integer";
        snprintf(expected, sizeof expected, "%s %d to %d", kind, (int)fields[field].least, (int)fields[field].most);
        if (!is_a_field(r->config->family, field)) continue;
        if (!read_numbers(r, rdc_json_member(r->json, object, fields[field].name), field)) return refuse_field(r, fields[field].name, expected);
    }
    return rdc_ok();
}

static rdc_status read_version(const reading *r, const rdc_json_node *node) {
    int64_t version;
    if (!node || !rdc_json_integer(r->json, node, &version) || version < 1) return refuse_field(r, "format_version", "1 or a later integer");
    if (version == RDC_CHECKPOINT_FORMAT) return rdc_ok();
    return rdc_refuse(r->message, RDC_ERROR_CHECKPOINT_VERSION, FILE_NAME ": format_version %lld, this release reads up to %d",
                      (long long)version, RDC_CHECKPOINT_FORMAT);
}

static rdc_status read_family(const reading *r, const rdc_json_node *node) {
    for (size_t k = 0; node && k < sizeof families / sizeof *families; k++) {
        if (!rdc_json_is(r->json, node, families[k].name)) continue;
        r->config->family = &families[k];
        return rdc_ok();
    }
    return refuse_field(r, "family", "one of transform, block-transform, hyperprior-factorised, hyperprior-fourier, direct-access, context");
}

#define DIGITS "0123456789abcdef"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

/* A string of `least` to `most` of these characters. */
static int read_characters(const reading *r, const rdc_json_node *node, const char *characters, size_t least, size_t most, char *copy) {
    if (!node || node->kind != RDC_JSON_STRING || node->size < least || node->size > most) return 0;
    memcpy(copy, rdc_json_text(r->json, node), node->size + 1);
    return strspn(copy, characters) == node->size;
}

static int read_id(const reading *r, const rdc_json_node *node) {
    char digits[2 * ID_BYTES + 1];
    if (!read_characters(r, node, DIGITS, 2 * ID_BYTES, 2 * ID_BYTES, digits)) return 0;
    for (size_t i = 0; i < 2 * ID_BYTES; i++) {
        const size_t digit = (size_t)(strchr(DIGITS, digits[i]) - DIGITS);
        r->config->codec_id[i / 2] = (uint8_t)(r->config->codec_id[i / 2] << 4 | digit);
    }
    return 1;
}

/* The model that the codec was fitted to, if it is known. */
static rdc_status read_origin(const reading *r, const rdc_json_node *origin) {
    if (!origin) return rdc_ok();
    if (!read_characters(r, rdc_json_member(r->json, origin, "model_type"), LETTERS, 1, 100, r->config->model_type)) {
        return refuse_field(r, "origin", "a model_type of 1 to 100 letters, digits, _, . and -");
    }
    if (!read_characters(r, rdc_json_member(r->json, origin, "fingerprint"), DIGITS, 16, 16, r->config->fingerprint)) {
        return refuse_field(r, "origin", "a fingerprint of 16 hexadecimal digits");
    }
    return rdc_ok();
}

static rdc_status read_config(const reading *r) {
    const rdc_json_node *all = r->json->nodes, *quality = rdc_json_member(r->json, all, "default_quality");
    if (all->kind != RDC_JSON_OBJECT) return rdc_refuse(r->message, RDC_ERROR_CHECKPOINT, FILE_NAME ": expected an object");
    RDC_FORWARD_IF_ERROR(read_version(r, rdc_json_member(r->json, all, "format_version")));
    RDC_FORWARD_IF_ERROR(read_family(r, rdc_json_member(r->json, all, "family")));
    if (!read_id(r, rdc_json_member(r->json, all, "codec_id"))) return refuse_field(r, "codec_id", "16 hexadecimal digits");
    if (quality && !read_integer(r, quality, -RDC_MOST_QUALITY, RDC_MOST_QUALITY, &r->config->default_quality)) {
        return refuse_field(r, "default_quality", "an integer -64 to 64");
    }
    RDC_FORWARD_IF_ERROR(read_origin(r, rdc_json_member(r->json, all, "origin")));
    return read_fields(r, rdc_json_member(r->json, all, "config"));
}

rdc_status rdc_config_read(rdc_config *config, const uint8_t *text, size_t size, rdc_message *message) {
    rdc_json json;
    *config = (rdc_config){0};
    if (size > MOST_BYTES) {
        return rdc_refuse(message, RDC_ERROR_CHECKPOINT_LIMIT, FILE_NAME ": expected at most %u bytes, got %zu", MOST_BYTES, size);
    }
    RDC_FORWARD_IF_ERROR(rdc_refuse_if_error(message, FILE_NAME, rdc_json_read(&json, text, size)));
    const reading r = {&json, config, message};
    const rdc_status status = read_config(&r);
    rdc_json_free(&json);
    return status;
}

/* ---- The id ---- */

static void add_text(rdc_blake2b *hash, const char *text) {
    rdc_blake2b_add(hash, text, strlen(text));
}

static void add_number(rdc_blake2b *hash, long long number) {
    char text[24];
    snprintf(text, sizeof text, "%lld", number);
    add_text(hash, text);
}

/* ["family", {"adaptation": 0, ...}] */
static void add_config(rdc_blake2b *hash, const rdc_config *config) {
    add_text(hash, "[\"");
    add_text(hash, config->family->name);
    add_text(hash, "\", {");
    for (size_t field = 0, is_first = 1; field < RDC_FIELDS; field++) {
        if (!is_a_field(config->family, field)) continue;
        const int is_pair = fields[field].numbers == 2;
        add_text(hash, is_first ? "\"" : ", \"");
        add_text(hash, fields[field].name);
        add_text(hash, is_pair ? "\": [" : "\": ");
        add_number(hash, config->of[field][0]);
        if (is_pair) {
            add_text(hash, ", ");
            add_number(hash, config->of[field][1]);
            add_text(hash, "]");
        }
        is_first = 0;
    }
    add_text(hash, "}]");
}

/* ["mean", "<f4", [576]], and the bytes; a number on its own counts as an array of one. */
static void add_tensor(rdc_blake2b *hash, const rdc_tensor *tensor) {
    add_text(hash, "[\"");
    add_text(hash, tensor->name);
    add_text(hash, "\", \"");
    add_text(hash, rdc_element_format_of(tensor->type)->label);
    add_text(hash, "\", [");
    if (!tensor->axes) add_number(hash, 1);
    for (size_t axis = 0; axis < tensor->axes; axis++) {
        if (axis) add_text(hash, ", ");
        add_number(hash, (long long)tensor->shape[axis]);
    }
    add_text(hash, "]]");
    rdc_blake2b_add(hash, tensor->bytes, (size_t)(tensor->end - tensor->begin));
}

void rdc_config_identify(const rdc_config *config, const rdc_tensors *tensors, uint8_t codec_id[ID_BYTES]) {
    rdc_blake2b hash;
    rdc_blake2b_begin(&hash, ID_BYTES);
    add_config(&hash, config);
    for (size_t k = 0; k < tensors->count; k++) add_tensor(&hash, &tensors->of[k]);
    rdc_blake2b_end(&hash, codec_id);
}
