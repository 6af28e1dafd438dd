/* Files of tensors: 8 bytes of the header's size, a header of JSON, and the tensors' bytes one after the other. */
#ifndef RDC_CHECKPOINT_SAFETENSORS_H
#define RDC_CHECKPOINT_SAFETENSORS_H

#include "base/pool.h"
#include "checkpoint/json.h"
#include "checkpoint/refuse.h"

#define RDC_MOST_HEADER_BYTES (1u << 20)
#define RDC_MOST_AXES 8

typedef enum rdc_element_type {
    RDC_BOOL,
    RDC_U8,
    RDC_I8,
    RDC_U16,
    RDC_I16,
    RDC_F16,
    RDC_U32,
    RDC_I32,
    RDC_F32,
    RDC_U64,
    RDC_I64,
    RDC_F64,
    RDC_ELEMENT_TYPES
} rdc_element_type;

typedef struct rdc_element_format {
    const char *name;  /* in headers */
    const char *label; /* in ids of codecs */
    size_t bytes;
} rdc_element_format;

const rdc_element_format *rdc_element_format_of(rdc_element_type type);

typedef struct rdc_tensor {
    const char *name; /* printable ASCII without quotation marks and backslashes */
    rdc_element_type type;
    size_t axes;
    uint64_t shape[RDC_MOST_AXES];
    uint64_t count;       /* of elements */
    const uint8_t *bytes; /* little-endian, at any address */
    uint64_t begin, end;  /* of these, behind the header */
    int is_used;          /* whether it was asked for */
} rdc_tensor;

/* The tensors of a file, in the order of their names. */
typedef struct rdc_tensors {
    rdc_json header;
    rdc_tensor *of;
    size_t count;
} rdc_tensors;

/* Reads the header of bytes, which must outlive the tensors. Every byte of the file belongs to it or to one tensor. Errors:
 * RDC_ERROR_CHECKPOINT, RDC_ERROR_CHECKPOINT_LIMIT, RDC_ERROR_MEMORY, which leave nothing to be freed. */
rdc_status rdc_tensors_read(rdc_tensors *tensors, const uint8_t *bytes, size_t size, rdc_message *message);
void rdc_tensors_free(rdc_tensors *tensors);

/* The tensor of a name; NULL where there is none. */
rdc_tensor *rdc_tensors_find(rdc_tensors *tensors, const char *name);

/* The elements in the machine's own order, aligned; NULL where there is no memory. */
const void *rdc_tensor_elements(rdc_pool *pool, const rdc_tensor *tensor);

#endif
