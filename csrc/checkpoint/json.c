#include "checkpoint/json.h"

#include <stdlib.h>
#include <string.h>

#define MOST_DEPTH 64

typedef struct reader {
    rdc_json *json;
    const uint8_t *next, *end;
    size_t written; /* of the text without escapes */
    uint32_t open[MOST_DEPTH];
    unsigned depth;
} reader;

/* ---- Characters ---- */

/* The bytes of the character of UTF-8 that begins here, 0 where none does. */
static size_t character_at(const uint8_t *at, const uint8_t *end) {
    if (*at < 0x80) return 1;
    const size_t size = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;
    if (*at < 0xc2 || *at > 0xf4 || (size_t)(end - at) < size) return 0;
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80) return 0;
    }
    const unsigned two = (unsigned)at[0] << 8 | at[1];
    const int is_shortest = !(two >= 0xe080 && two < 0xe0a0) && !(two >= 0xf080 && two < 0xf090);
    return is_shortest && !(two >= 0xeda0 && two < 0xee00) && two < 0xf490 ? size : 0;
}

static void skip_spaces(reader *r) {
    while (r->next < r->end && (*r->next == ' ' || *r->next == '\n' || *r->next == '\r' || *r->next == '\t')) r->next++;
}

/* Whether a character comes next, behind spaces; it is read then. */
static int takes(reader *r, char c) {
    skip_spaces(r);
    if (r->next == r->end || *r->next != (uint8_t)c) return 0;
    r->next++;
    return 1;
}

static void put(reader *r, unsigned byte) {
    r->json->text[r->written++] = (char)byte;
}

static void put_character(reader *r, uint32_t code) {
    if (code < 0x80) {
        put(r, code);
        return;
    }
    if (code < 0x800) {
        put(r, 0xc0 | code >> 6);
    } else if (code < 0x10000) {
        put(r, 0xe0 | code >> 12);
        put(r, 0x80 | (code >> 6 & 0x3f));
    } else {
        put(r, 0xf0 | code >> 18);
        put(r, 0x80 | (code >> 12 & 0x3f));
        put(r, 0x80 | (code >> 6 & 0x3f));
    }
    put(r, 0x80 | (code & 0x3f));
}

/* Four hexadecimal digits; -1 where there are none. */
static int32_t read_unit(reader *r) {
    int32_t unit = 0;
    if (r->end - r->next < 4) return -1;
    for (int i = 0; i < 4; i++) {
        const uint8_t c = *r->next++;
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return -1;
        unit = 16 * unit + digit;
    }
    return unit;
}

/* What follows \u. The halves of a pair are one character; half a pair on its own is taken for a character, as Python does. */
static int read_escaped_character(reader *r) {
    int32_t code = read_unit(r);
    if (code < 0) return 0;
    if (code >= 0xd800 && code < 0xdc00 && r->end - r->next >= 6 && r->next[0] == '\\' && r->next[1] == 'u') {
        reader ahead = *r;
        ahead.next += 2;
        const int32_t low = read_unit(&ahead);
        if (low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            r->next = ahead.next;
        }
    }
    put_character(r, (uint32_t)code);
    return 1;
}

static int read_escape(reader *r) {
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (r->next == r->end) return 0;
    const uint8_t c = *r->next++;
    if (c == 'u') return read_escaped_character(r);
    const char *name = c ? strchr(names, c) : NULL;
    if (name) put(r, (uint8_t)meant[name - names]);
    return name != NULL;
}

/* ---- Values ---- */

static rdc_json_node *add_node(reader *r, rdc_json_kind kind) {
    rdc_json *json = r->json;
    rdc_json_node *node = &json->nodes[json->count++];
    *node = (rdc_json_node){kind, (uint32_t)r->written, 0, json->count};
    return node;
}

/* Ends the characters of a string or a number. */
static void end_text(reader *r, rdc_json_node *node) {
    node->size = (uint32_t)r->written - node->text;
    put(r, 0);
}

/* Behind the quotation mark. */
static int read_string(reader *r) {
    rdc_json_node *node = add_node(r, RDC_JSON_STRING);
    while (r->next < r->end && *r->next != '"') {
        if (*r->next == '\\') {
            r->next++;
            if (!read_escape(r)) return 0;
            continue;
        }
        const size_t size = *r->next < ' ' ? 0 : character_at(r->next, r->end);
        if (!size) return 0;
        for (size_t i = 0; i < size; i++) put(r, *r->next++);
    }
    end_text(r, node);
    return takes(r, '"');
}

static int read_literal(reader *r, const char *literal, rdc_json_kind kind) {
    const size_t size = strlen(literal);
    if ((size_t)(r->end - r->next) < size || memcmp(r->next, literal, size) != 0) return 0;
    r->next += size;
    add_node(r, kind);
    return 1;
}

/* One digit or more. */
static int read_digits(reader *r) {
    const uint8_t *from = r->next;
    while (r->next < r->end && *r->next >= '0' && *r->next <= '9') put(r, *r->next++);
    return r->next > from;
}

/* One of two characters, if it comes next. */
static int read_one_of(reader *r, char a, char b) {
    const int is_there = r->next < r->end && (*r->next == (uint8_t)a || *r->next == (uint8_t)b);
    if (is_there) put(r, *r->next++);
    return is_there;
}

static int read_number(reader *r) {
    rdc_json_node *node = add_node(r, RDC_JSON_NUMBER);
    read_one_of(r, '-', '-');
    const uint8_t *first = r->next;
    if (!read_digits(r) || (*first == '0' && r->next > first + 1)) return 0;
    if (read_one_of(r, '.', '.') && !read_digits(r)) return 0;
    if (read_one_of(r, 'e', 'E')) {
        read_one_of(r, '+', '-');
        if (!read_digits(r)) return 0;
    }
    end_text(r, node);
    return 1;
}

static int open_holder(reader *r, rdc_json_kind kind) {
    if (r->depth == MOST_DEPTH) return 0;
    r->open[r->depth++] = r->json->count;
    add_node(r, kind);
    return 1;
}

/* A value, or as much of it as stands before the first thing that it holds. */
static int read_value(reader *r) {
    if (takes(r, '{')) return open_holder(r, RDC_JSON_OBJECT);
    if (takes(r, '[')) return open_holder(r, RDC_JSON_ARRAY);
    if (takes(r, '"')) return read_string(r);
    if (r->next == r->end) return 0;
    switch (*r->next) {
    case 't': return read_literal(r, "true", RDC_JSON_TRUE);
    case 'f': return read_literal(r, "false", RDC_JSON_FALSE);
    case 'n': return read_literal(r, "null", RDC_JSON_NULL);
    default: return read_number(r);
    }
}

/* The innermost of what is open. */
static rdc_json_node *holder(const reader *r) {
    return &r->json->nodes[r->open[r->depth - 1]];
}

/* Closes whatever ends here. */
static void close_holders(reader *r) {
    while (r->depth && takes(r, holder(r)->kind == RDC_JSON_OBJECT ? '}' : ']')) {
        holder(r)->next = r->json->count;
        r->depth--;
    }
}

static int read_name(reader *r) {
    return takes(r, '"') && read_string(r) && takes(r, ':');
}

/* Without recursion: the text does not choose how deep the stack goes. */
static int read_all(reader *r) {
    for (;;) {
        const unsigned depth = r->depth;
        const uint32_t first = r->json->count;
        if (!read_value(r)) return 0;
        const int is_opened = r->depth > depth;
        close_holders(r);
        if (!r->depth) return 1;
        const int is_first = is_opened && r->open[r->depth - 1] == first;
        if (!is_first && !takes(r, ',')) return 0;
        if (holder(r)->kind == RDC_JSON_OBJECT && !read_name(r)) return 0;
        holder(r)->size++;
    }
}

/* ---- Names that stand twice ---- */

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Whether an object names nothing twice; names go to the room. */
static int is_plain(const rdc_json *json, const rdc_json_node *object, const char **room) {
    const rdc_json_node *name = rdc_json_first(object);
    for (uint32_t i = 0; i < object->size; i++) {
        if (strlen(rdc_json_text(json, name)) != name->size) return 0;
        room[i] = rdc_json_text(json, name);
        name = rdc_json_next(json, name + 1);
    }
    qsort(room, object->size, sizeof *room, compare_names);
    for (uint32_t i = 1; i < object->size; i++) {
        if (strcmp(room[i - 1], room[i]) == 0) return 0;
    }
    return 1;
}

static rdc_status check_names(const rdc_json *json) {
    const char **room = malloc(json->count * sizeof *room);
    RDC_RETURN_IF(!room, RDC_ERROR_MEMORY, 0, 0);
    int all_plain = 1;
    for (uint32_t i = 0; i < json->count; i++) {
        if (json->nodes[i].kind == RDC_JSON_OBJECT) all_plain &= is_plain(json, &json->nodes[i], room);
    }
    free(room);
    RDC_RETURN_IF(!all_plain, RDC_ERROR_JSON_NAMES, 0, 0);
    return rdc_ok();
}

/* ---- Whole texts ---- */

/* Values, at most: each but the first stands behind one of these. */
static size_t count_values(const uint8_t *text, size_t size) {
    size_t count = 1;
    for (size_t i = 0; i < size; i++) count += text[i] == ',' || text[i] == ':' || text[i] == '[' || text[i] == '{';
    return count;
}

rdc_status rdc_json_read(rdc_json *json, const uint8_t *text, size_t size) {
    const size_t values = count_values(text, size);
    *json = (rdc_json){malloc(size + values + 1), malloc(values * sizeof *json->nodes), 0};
    reader r = {.json = json, .next = text, .end = text + size};
    rdc_status status = rdc_fail(RDC_ERROR_MEMORY, 0, 0);
    if (json->text && json->nodes) {
        const int is_whole = read_all(&r) && (skip_spaces(&r), r.next == r.end);
        status = is_whole ? check_names(json) : rdc_fail(RDC_ERROR_JSON, (uint64_t)(r.next - text), 0);
    }
    if (status.error != RDC_OK) rdc_json_free(json);
    return status;
}

void rdc_json_free(rdc_json *json) {
    free(json->text);
    free(json->nodes);
    *json = (rdc_json){0};
}

const rdc_json_node *rdc_json_member(const rdc_json *json, const rdc_json_node *object, const char *name) {
    if (!object || object->kind != RDC_JSON_OBJECT) return NULL;
    const rdc_json_node *at = rdc_json_first(object);
    for (uint32_t i = 0; i < object->size; i++) {
        if (rdc_json_is(json, at, name)) return at + 1;
        at = rdc_json_next(json, at + 1);
    }
    return NULL;
}

int rdc_json_is(const rdc_json *json, const rdc_json_node *node, const char *string) {
    const size_t size = strlen(string);
    return node->kind == RDC_JSON_STRING && node->size == size && memcmp(rdc_json_text(json, node), string, size) == 0;
}

int rdc_json_integer(const rdc_json *json, const rdc_json_node *node, int64_t *integer) {
    if (node->kind != RDC_JSON_NUMBER || node->size > 19 || strpbrk(rdc_json_text(json, node), ".eE")) return 0;
    *integer = strtoll(rdc_json_text(json, node), NULL, 10); /* 19 characters stay within it but for 2^63 and above, which it cuts */
    return 1;
}
