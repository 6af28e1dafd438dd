/* Integer networks in a checkpoint: PREFIX.input_limit, and PREFIX.K.weight and so on of each layer. */
#include <stdio.h>

#include "checkpoint/checkpoint.h"

#define MOST_LAYERS 32
#define NAME_BYTES 48

/* A network that is being read. */
typedef struct reading {
    const rdc_making *making;
    const char *prefix;
    rdc_net_layer layers[MOST_LAYERS];
    size_t count;
} reading;

static void name_part(const reading *r, size_t layer, const char *part, char name[NAME_BYTES]) {
    snprintf(name, NAME_BYTES, "%s.%zu.%s", r->prefix, layer, part);
}

/* The elements of a tensor of this type and rank, in *elements. */
static rdc_status read_elements(const reading *r, const char *name, rdc_element_type type, size_t axes, rdc_tensor **tensor, const void **elements) {
    rdc_message *message = r->making->message;
    *tensor = rdc_tensors_find(r->making->tensors, name);
    if (!*tensor) return rdc_refuse(message, RDC_ERROR_CHECKPOINT, "the checkpoint lacks the tensor %s", name);
    if ((*tensor)->type != type || (*tensor)->axes != axes) {
        return rdc_refuse(message, RDC_ERROR_CHECKPOINT, "%s: expected %s of %zu axes, got %s of %zu", name, rdc_element_format_of(type)->name,
                          axes, rdc_element_format_of((*tensor)->type)->name, (*tensor)->axes);
    }
    (*tensor)->is_used = 1;
    *elements = rdc_tensor_elements(r->making->pool, *tensor);
    return *elements ? rdc_ok() : rdc_refuse_memory(message);
}

/* The same of a part of a layer, of `count` elements. */
static rdc_status read_part(const reading *r, const char *part, rdc_element_type type, size_t axes, size_t count, const void **elements) {
    char name[NAME_BYTES];
    rdc_tensor *tensor;
    name_part(r, r->count, part, name);
    RDC_FORWARD_IF_ERROR(read_elements(r, name, type, axes, &tensor, elements));
    return rdc_check_count(name, count, (size_t)tensor->count, r->making->message);
}

static const int16_t *widened(rdc_pool *pool, const int8_t *weights, size_t count) {
    int16_t *wide = rdc_pool_take(pool, count * sizeof *wide);
    for (size_t i = 0; wide && i < count; i++) wide[i] = weights[i];
    return wide;
}

/* int8 or int16 [outputs, taps, inputs]. */
static rdc_status read_weights(const reading *r, rdc_net_layer *layer) {
    const rdc_making *making = r->making;
    char name[NAME_BYTES];
    const void *weights = NULL;
    name_part(r, r->count, "weight", name);
    rdc_tensor *tensor = rdc_tensors_find(making->tensors, name);
    const int is_narrow = tensor && tensor->type == RDC_I8;
    RDC_FORWARD_IF_ERROR(read_elements(r, name, is_narrow ? RDC_I8 : RDC_I16, 3, &tensor, &weights));
    for (size_t axis = 0; axis < 3; axis++) {
        if (tensor->shape[axis] > UINT32_MAX) return rdc_refuse(making->message, RDC_ERROR_CHECKPOINT, "%s: its axes are too long", name);
    }
    layer->weights = is_narrow ? widened(making->pool, weights, (size_t)tensor->count) : weights;
    layer->outputs = (uint32_t)tensor->shape[0];
    layer->taps = (uint32_t)tensor->shape[1];
    layer->inputs = (uint32_t)tensor->shape[2];
    return layer->weights ? rdc_ok() : rdc_refuse_memory(making->message);
}

/* What clipped values are replaced by, if a layer has it. */
static rdc_status read_table(const reading *r, rdc_net_layer *layer) {
    char name[NAME_BYTES];
    const void *table = NULL;
    name_part(r, r->count, "table", name);
    if (!rdc_tensors_find(r->making->tensors, name)) return rdc_ok();
    const size_t entries = layer->lowest <= layer->highest ? (size_t)(layer->highest - layer->lowest) + 1 : 0;
    RDC_FORWARD_IF_ERROR(read_part(r, "table", RDC_I16, 1, entries, &table));
    layer->table = table;
    return rdc_ok();
}

static rdc_status read_layer(const reading *r, rdc_net_layer *layer) {
    const void *bias, *shift, *clip, *dilation;
    RDC_FORWARD_IF_ERROR(read_weights(r, layer));
    RDC_FORWARD_IF_ERROR(read_part(r, "bias", RDC_I32, 1, layer->outputs, &bias));
    RDC_FORWARD_IF_ERROR(read_part(r, "shift", RDC_U8, 1, layer->outputs, &shift));
    RDC_FORWARD_IF_ERROR(read_part(r, "clip", RDC_I16, 1, 2, &clip));
    RDC_FORWARD_IF_ERROR(read_part(r, "dilation", RDC_U16, 0, 1, &dilation));
    layer->bias = bias;
    layer->shift = shift;
    layer->lowest = ((const int16_t *)clip)[0];
    layer->highest = ((const int16_t *)clip)[1];
    layer->dilation = *(const uint16_t *)dilation;
    return read_table(r, layer);
}

/* One layer or more. */
static rdc_status read_layers(reading *r) {
    char next[NAME_BYTES];
    do {
        if (r->count == MOST_LAYERS) return rdc_refuse(r->making->message, RDC_ERROR_CHECKPOINT, "%s: expected at most 32 layers", r->prefix);
        RDC_FORWARD_IF_ERROR(read_layer(r, &r->layers[r->count]));
        r->count++;
        name_part(r, r->count, "weight", next);
    } while (rdc_tensors_find(r->making->tensors, next));
    return rdc_ok();
}

rdc_status rdc_making_net(const rdc_making *making, const char *prefix, size_t inputs, size_t outputs, rdc_net **net, int *uses_context) {
    reading r = {.making = making, .prefix = prefix};
    char name[NAME_BYTES];
    rdc_tensor *tensor;
    const void *limit;
    snprintf(name, sizeof name, "%s.input_limit", prefix);
    RDC_FORWARD_IF_ERROR(read_elements(&r, name, RDC_I16, 0, &tensor, &limit));
    RDC_FORWARD_IF_ERROR(read_layers(&r));
    *uses_context = 0;
    for (size_t k = 0; k < r.count; k++) *uses_context |= r.layers[k].taps > 1;
    RDC_FORWARD_IF_ERROR(rdc_refuse_if_error(making->message, prefix, rdc_net_make(net, r.layers, r.count, *(const int16_t *)limit)));
    if (rdc_net_inputs(*net) == inputs && rdc_net_outputs(*net) == outputs) return rdc_ok();
    return rdc_refuse(making->message, RDC_ERROR_CHECKPOINT, "%s: expected a network of %zu inputs and %zu outputs, got %zu and %zu", prefix,
                      inputs, outputs, rdc_net_inputs(*net), rdc_net_outputs(*net));
}
