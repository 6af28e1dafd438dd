#include "checkpoint/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define SIZE_BYTES 8
#define FILE_NAME "safetensors"
#define METADATA "__metadata__"

static const rdc_element_format formats[RDC_ELEMENT_TYPES] = {
    [RDC_BOOL] = {"BOOL", "|b1", 1}, [RDC_U8] = {"U8", "|u1", 1},   [RDC_I8] = {"I8", "|i1", 1},   [RDC_U16] = {"U16", "<u2", 2},
    [RDC_I16] = {"I16", "<i2", 2},   [RDC_F16] = {"F16", "<f2", 2}, [RDC_U32] = {"U32", "<u4", 4}, [RDC_I32] = {"I32", "<i4", 4},
    [RDC_F32] = {"F32", "<f4", 4},   [RDC_U64] = {"U64", "<u8", 8}, [RDC_I64] = {"I64", "<i8", 8}, [RDC_F64] = {"F64", "<f8", 8},
};

const rdc_element_format *rdc_element_format_of(rdc_element_type type) {
    return &formats[type];
}

/* What is being read. */
typedef struct reading {
    rdc_tensors *tensors;
    const uint8_t *data; /* behind the header */
    uint64_t size;       /* of it */
    rdc_message *message;
} reading;

/* ---- One tensor ---- */

static int is_a_name(const char *name, size_t size) {
    if (strlen(name) != size || !size) return 0;
    for (; *name; name++) {
        if (*name < ' ' || *name > '~' || *name == '"' || *name == '\\') return 0;
    }
    return 1;
}

static int read_type(const rdc_json *json, const rdc_json_node *node, rdc_element_type *type) {
    for (int k = 0; node && k < RDC_ELEMENT_TYPES; k++) {
        *type = (rdc_element_type)k;
        if (rdc_json_is(json, node, formats[k].name)) return 1;
    }
    return 0;
}

/* The integers of an array, 0 and above; `count` of them at most, which becomes how many. */
static int read_sizes(const rdc_json *json, const rdc_json_node *array, uint64_t *sizes, size_t *count) {
    if (!array || array->kind != RDC_JSON_ARRAY || array->size > *count) return 0;
    *count = array->size;
    const rdc_json_node *node = rdc_json_first(array);
    for (size_t i = 0; i < *count; i++, node = rdc_json_next(json, node)) {
        int64_t size;
        if (!rdc_json_integer(json, node, &size) || size < 0) return 0;
        sizes[i] = (uint64_t)size;
    }
    return 1;
}

/* The product of a shape; `limit` + 1 where it is larger than that. */
static uint64_t count_elements(const rdc_tensor *tensor, uint64_t limit) {
    uint64_t count = 1;
    for (size_t i = 0; i < tensor->axes; i++) {
        if (tensor->shape[i] == 0) return 0;
    }
    for (size_t i = 0; i < tensor->axes; i++) {
        if (tensor->shape[i] > limit / count) return limit + 1;
        count *= tensor->shape[i];
    }
    return count;
}

static rdc_status read_tensor(const reading *r, const rdc_json_node *name, const rdc_json_node *value, rdc_tensor *tensor) {
    const rdc_json *json = &r->tensors->header;
    uint64_t place[2];
    size_t ends = 2;
    *tensor = (rdc_tensor){.name = rdc_json_text(json, name), .axes = RDC_MOST_AXES};
    if (!is_a_name(tensor->name, name->size)) {
        return rdc_refuse(r->message, RDC_ERROR_CHECKPOINT, FILE_NAME ": expected names of printable ASCII, got %.60s", tensor->name);
    }
    if (!read_type(json, rdc_json_member(json, value, "dtype"), &tensor->type)) {
        return rdc_refuse(r->message, RDC_ERROR_CHECKPOINT, "%.60s: expected an element type that NumPy has", tensor->name);
    }
    if (!read_sizes(json, rdc_json_member(json, value, "shape"), tensor->shape, &tensor->axes)) {
        return rdc_refuse(r->message, RDC_ERROR_CHECKPOINT, "%.60s: expected a shape of up to %d axes", tensor->name, RDC_MOST_AXES);
    }
    if (!read_sizes(json, rdc_json_member(json, value, "data_offsets"), place, &ends) || ends != 2) {
        return rdc_refuse(r->message, RDC_ERROR_CHECKPOINT, "%.60s: expected two data_offsets", tensor->name);
    }
    tensor->count = count_elements(tensor, r->size);
    tensor->begin = place[0];
    tensor->end = place[1];
    const uint64_t bytes = tensor->count * formats[tensor->type].bytes;
    if (place[1] > r->size || place[0] > place[1] || place[1] - place[0] != bytes) {
        return rdc_refuse(r->message, RDC_ERROR_CHECKPOINT, "%.60s: its data_offsets do not fit its shape or the file", tensor->name);
    }
    tensor->bytes = r->data + tensor->begin;
    return rdc_ok();
}

/* ---- All of them ---- */

static int compare_places(const void *a, const void *b) {
    const rdc_tensor *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const rdc_tensor *)a)->name, ((const rdc_tensor *)b)->name);
}

/* Whether tensors lie one behind the other and fill the file; orders them by name. */
static rdc_status check_places(const reading *r) {
    rdc_tensors *tensors = r->tensors;
    uint64_t at = 0;
    qsort(tensors->of, tensors->count, sizeof *tensors->of, compare_places);
    for (size_t k = 0; k < tensors->count; k++) {
        const rdc_tensor *tensor = &tensors->of[k];
        if (tensor->begin != at) {
            return rdc_refuse(r->message, RDC_ERROR_CHECKPOINT, "%.60s: expected the tensor behind the one before it", tensor->name);
        }
        at = tensor->end;
    }
    if (at != r->size) return rdc_refuse(r->message, RDC_ERROR_CHECKPOINT, FILE_NAME ": bytes that belong to no tensor");
    qsort(tensors->of, tensors->count, sizeof *tensors->of, compare_names);
    return rdc_ok();
}

static int is_metadata(const rdc_json *json, const rdc_json_node *value) {
    if (value->kind != RDC_JSON_OBJECT) return 0;
    const rdc_json_node *name = rdc_json_first(value);
    for (uint32_t i = 0; i < value->size; i++, name = rdc_json_next(json, name + 1)) {
        if (name[1].kind != RDC_JSON_STRING) return 0;
    }
    return 1;
}

static rdc_status read_entries(const reading *r) {
    const rdc_json *json = &r->tensors->header;
    const rdc_json_node *name = rdc_json_first(json->nodes);
    for (uint32_t i = 0; i < json->nodes->size; i++, name = rdc_json_next(json, name + 1)) {
        if (!rdc_json_is(json, name, METADATA)) {
            RDC_FORWARD_IF_ERROR(read_tensor(r, name, name + 1, &r->tensors->of[r->tensors->count]));
            r->tensors->count++;
        } else if (!is_metadata(json, name + 1)) {
            return rdc_refuse(r->message, RDC_ERROR_CHECKPOINT, FILE_NAME ": expected " METADATA " of strings");
        }
    }
    return check_places(r);
}

static rdc_status read_header(const reading *r, const uint8_t *bytes, size_t size) {
    rdc_tensors *tensors = r->tensors;
    RDC_FORWARD_IF_ERROR(rdc_refuse_if_error(r->message, FILE_NAME, rdc_json_read(&tensors->header, bytes, size)));
    if (tensors->header.nodes->kind != RDC_JSON_OBJECT) {
        return rdc_refuse(r->message, RDC_ERROR_CHECKPOINT, FILE_NAME ": expected a header that is an object");
    }
    tensors->of = malloc(tensors->header.nodes->size * sizeof *tensors->of + 1);
    return tensors->of ? read_entries(r) : rdc_refuse_memory(r->message);
}

rdc_status rdc_tensors_read(rdc_tensors *tensors, const uint8_t *bytes, size_t size, rdc_message *message) {
    *tensors = (rdc_tensors){0};
    if (size < SIZE_BYTES) return rdc_refuse(message, RDC_ERROR_CHECKPOINT, FILE_NAME ": expected 8 bytes and more, got %zu", size);
    const uint64_t header = rdc_load32(bytes) | (uint64_t)rdc_load32(bytes + 4) << 32, left = size - SIZE_BYTES;
    if (header > left) {
        return rdc_refuse(message, RDC_ERROR_CHECKPOINT, FILE_NAME ": a header of %llu bytes in a file of %zu", (unsigned long long)header, size);
    }
    if (header > RDC_MOST_HEADER_BYTES) {
        return rdc_refuse(message, RDC_ERROR_CHECKPOINT_LIMIT, FILE_NAME ": expected a header of at most %u bytes, got %llu",
                          RDC_MOST_HEADER_BYTES, (unsigned long long)header);
    }
    const reading r = {tensors, bytes + SIZE_BYTES + header, left - header, message};
    const rdc_status status = read_header(&r, bytes + SIZE_BYTES, (size_t)header);
    if (status.error != RDC_OK) rdc_tensors_free(tensors);
    return status;
}

void rdc_tensors_free(rdc_tensors *tensors) {
    rdc_json_free(&tensors->header);
    free(tensors->of);
    *tensors = (rdc_tensors){0};
}

rdc_tensor *rdc_tensors_find(rdc_tensors *tensors, const char *name) {
    const rdc_tensor wanted = {.name = name};
    return tensors->count ? bsearch(&wanted, tensors->of, tensors->count, sizeof wanted, compare_names) : NULL;
}

/* ---- Elements ---- */

static int is_little_endian(void) {
    const uint16_t one = 1;
    return *(const uint8_t *)&one;
}

const void *rdc_tensor_elements(rdc_pool *pool, const rdc_tensor *tensor) {
    const size_t width = formats[tensor->type].bytes, size = (size_t)tensor->count * width;
    uint8_t *elements = rdc_pool_take(pool, size);
    if (!elements) return NULL;
    memcpy(elements, tensor->bytes, size);
    if (is_little_endian()) return elements;
    for (size_t i = 0; i < size; i++) elements[i] = tensor->bytes[i - i % width + (width - 1 - i % width)];
    return elements;
}
