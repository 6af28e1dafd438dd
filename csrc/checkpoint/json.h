/* JSON (RFC 8259) as checkpoints have it: whole texts that are held in memory, strictly. */
#ifndef RDC_CHECKPOINT_JSON_H
#define RDC_CHECKPOINT_JSON_H

#include "base/status.h"

typedef enum rdc_json_kind {
    RDC_JSON_NULL,
    RDC_JSON_FALSE,
    RDC_JSON_TRUE,
    RDC_JSON_NUMBER,
    RDC_JSON_STRING,
    RDC_JSON_ARRAY,
    RDC_JSON_OBJECT
} rdc_json_kind;

/* A value. What an array or an object holds stands behind it: elements, or names and values in turn. */
typedef struct rdc_json_node {
    rdc_json_kind kind;
    uint32_t text; /* where the characters of a string or a number begin, in UTF-8 and without escapes; a zero ends them */
    uint32_t size; /* bytes of these; elements or members */
    uint32_t next; /* the node behind the value */
} rdc_json_node;

/* A text that was read; node 0 is all of it. */
typedef struct rdc_json {
    char *text;
    rdc_json_node *nodes;
    uint32_t count;
} rdc_json;

/* Errors: RDC_ERROR_JSON (at: byte offset), for what is no JSON in UTF-8, nests more than 64 deep or names something twice in an object;
 * RDC_ERROR_MEMORY. Both leave nothing that is to be freed. The text has at most 2^30 bytes. */
rdc_status rdc_json_read(rdc_json *json, const uint8_t *text, size_t size);
void rdc_json_free(rdc_json *json);

/* The value of a name in an object; NULL where it has none or is no object. */
const rdc_json_node *rdc_json_member(const rdc_json *json, const rdc_json_node *object, const char *name);

/* The first thing that a value holds, and the one behind a value; in an object a name, then its value. */
static inline const rdc_json_node *rdc_json_first(const rdc_json_node *holder) {
    return holder + 1;
}

static inline const rdc_json_node *rdc_json_next(const rdc_json *json, const rdc_json_node *node) {
    return json->nodes + node->next;
}

static inline const char *rdc_json_text(const rdc_json *json, const rdc_json_node *node) {
    return json->text + node->text;
}

/* Whether a value is this string. */
int rdc_json_is(const rdc_json *json, const rdc_json_node *node, const char *string);

/* Whether a value is an integer of int64, written as one; `integer` is it then. */
int rdc_json_integer(const rdc_json *json, const rdc_json_node *node, int64_t *integer);

#endif
