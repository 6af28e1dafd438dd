/* No small file takes a large machine: as rdcodec/codecs/limits.py. */
#include <string.h>

#include "checkpoint/fields.h"

#define MOST_MEMORY ((uint64_t)1 << 30)
#define MOST_MEMORY_A_BYTE 48 /* of tensors, where that is more */
#define BYTES_AN_ENTRY 96     /* of tables, at most */
#define BYTES_A_TABLE 128
#define COST_BYTES (2 * sizeof(uint16_t) * RDC_COST_LEVELS) /* of a table; its code lengths, and a copy */
#define BYTES_A_CODE 40       /* of the integers by which codewords are compared */
#define MATRICES 3            /* of a calibrated codec, one of them on the way */
#define LEARNED_MATRICES 12
#define PANEL 24 /* columns of blocks, as csrc/dense */
#define WEIGHT ".weight"

static uint64_t table_bytes(uint64_t entries, uint64_t tables) {
    return BYTES_AN_ENTRY * entries + BYTES_A_TABLE * tables;
}

/* Of the weights of a layer, which are padded. */
static uint64_t layer_bytes(uint64_t outputs, uint64_t taps, uint64_t inputs) {
    return outputs && taps && inputs ? 2 * ((outputs + 3) / 4 * 4) * ((taps * inputs + 31) / 32 * 32) : 0;
}

static uint64_t network_bytes(const rdc_tensors *tensors) {
    uint64_t bytes = 0;
    for (size_t k = 0; k < tensors->count; k++) {
        const rdc_tensor *tensor = &tensors->of[k];
        const size_t size = strlen(tensor->name), end = sizeof WEIGHT - 1;
        if (tensor->axes != 3 || size < end || strcmp(tensor->name + size - end, WEIGHT) != 0) continue;
        bytes += layer_bytes(tensor->shape[0], tensor->shape[1], tensor->shape[2]);
    }
    return bytes;
}

/* Of transforms: of blocks, whose panels are padded, or of whole matrices. */
static uint64_t transform_bytes(const rdc_config *config, const size_t *sizes) {
    const uint64_t channels = sizes[RDC_AXIS_CHANNELS], width = sizes[RDC_AXIS_WIDTH];
    if (!config->family->in_blocks) return sizeof(double) * channels * channels * (config->family->is_learned ? LEARNED_MATRICES : MATRICES);
    const uint64_t block = (width + PANEL - 1) / PANEL * PANEL * ((width + 1) / 2) * 2 * sizeof(int16_t);
    return 2 * sizes[RDC_AXIS_STAGES] * (channels / width) * block;
}

rdc_status rdc_check_memory(const rdc_config *config, const rdc_arrays *arrays, const rdc_tensors *tensors, rdc_message *message) {
    const size_t *sizes = arrays->sizes;
    const uint64_t channels = sizes[RDC_AXIS_CHANNELS], codewords = sizes[RDC_AXIS_CODEWORDS], selected = sizes[RDC_AXIS_SELECTED];
    uint64_t made = transform_bytes(config, sizes), given = 0;
    made += table_bytes(sizes[RDC_AXIS_FREQUENCIES], sizes[RDC_AXIS_TABLES]) + COST_BYTES * sizes[RDC_AXIS_TABLES];
    made += BYTES_A_CODE * codewords * selected + layer_bytes(codewords, 1, selected) + sizeof(int16_t) * codewords * channels;
    if (config->family->is_learned) {
        made += table_bytes(sizes[RDC_AXIS_CODEBOOK_FREQUENCIES], sizes[RDC_AXIS_CODEBOOK_TABLES]) + network_bytes(tensors);
    }
    for (size_t k = 0; k < tensors->count; k++) given += tensors->of[k].end - tensors->of[k].begin;
    const uint64_t allowed = MOST_MEMORY_A_BYTE * given, limit = allowed > MOST_MEMORY ? allowed : MOST_MEMORY;
    if (made <= limit) return rdc_ok();
    return rdc_refuse(message, RDC_ERROR_CHECKPOINT_LIMIT, "the codec would take %llu bytes, its tensors allow %llu", (unsigned long long)made,
                      (unsigned long long)limit);
}
