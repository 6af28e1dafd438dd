/* Codecs from bytes and from files. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint/checkpoint.h"

#define CONFIG_FILE "config.json"
#define TENSORS_FILE "codec.safetensors"
#define CONFIG_ENTRY "rdcodec" /* of the header's metadata, in the one file */
#define METADATA "__metadata__"

void rdc_checkpoint_free(rdc_checkpoint *checkpoint) {
    if (!checkpoint) return;
    rdc_codec_free(checkpoint->codec);
    rdc_tables_free(checkpoint->tables);
    rdc_exact_matrix_free(checkpoint->synthesis);
    rdc_exact_matrix_free(checkpoint->analysis);
    rdc_emphasis_free(checkpoint->emphasis);
    rdc_net_free(checkpoint->steps);
    rdc_net_free(checkpoint->latents);
    rdc_net_free(checkpoint->net);
    rdc_pool_free(&checkpoint->pool);
    free(checkpoint);
}

const rdc_checkpoint_facts *rdc_checkpoint_describe(const rdc_checkpoint *checkpoint) {
    return &checkpoint->facts;
}

/* ---- Bytes ---- */

static void write_id(const uint8_t id[8], char text[17]) {
    for (size_t i = 0; i < 8; i++) snprintf(text + 2 * i, 3, "%02x", id[i]);
}

/* Whether config and tensors belong together. */
static rdc_status check_id(const rdc_config *config, const rdc_tensors *tensors, rdc_message *message) {
    uint8_t id[8];
    char says[17], make[17];
    rdc_config_identify(config, tensors, id);
    if (memcmp(id, config->codec_id, sizeof id) == 0) return rdc_ok();
    write_id(config->codec_id, says);
    write_id(id, make);
    return rdc_refuse(message, RDC_ERROR_CHECKPOINT, "the files do not belong together: " CONFIG_FILE " says codec %s, they make %s", says, make);
}

static rdc_status make(const rdc_config *config, rdc_tensors *tensors, rdc_pool *pool, rdc_message *message, rdc_checkpoint **checkpoint) {
    rdc_arrays arrays;
    const rdc_making making = {config, &arrays, tensors, pool, message};
    RDC_FORWARD_IF_ERROR(rdc_arrays_read(&arrays, config, tensors, pool, message));
    rdc_checkpoint *made = calloc(1, sizeof *made);
    if (!made) return rdc_refuse_memory(message);
    rdc_status status = rdc_checkpoint_make(&making, made);
    if (status.error == RDC_OK) status = check_id(config, tensors, message);
    if (status.error == RDC_OK) *checkpoint = made;
    else rdc_checkpoint_free(made);
    return status;
}

/* The config of its own file, or of the header of tensors. */
static rdc_status read_config(rdc_config *config, const rdc_tensors *tensors, const uint8_t *text, size_t size, rdc_message *message) {
    if (text) return rdc_config_read(config, text, size, message);
    const rdc_json *header = &tensors->header;
    const rdc_json_node *entry = rdc_json_member(header, rdc_json_member(header, header->nodes, METADATA), CONFIG_ENTRY);
    if (entry) return rdc_config_read(config, (const uint8_t *)rdc_json_text(header, entry), entry->size, message);
    return rdc_refuse(message, RDC_ERROR_CHECKPOINT, "expected a file of `rdcodec export`, whose " METADATA " have " CONFIG_ENTRY);
}

rdc_status rdc_checkpoint_read(rdc_checkpoint **checkpoint, const uint8_t *config, size_t config_size, const uint8_t *tensors,
                               size_t tensors_size, rdc_message *message) {
    rdc_tensors read_tensors;
    rdc_config read;
    rdc_pool pool = {NULL};
    *checkpoint = NULL;
    RDC_FORWARD_IF_ERROR(rdc_tensors_read(&read_tensors, tensors, tensors_size, message));
    rdc_status status = read_config(&read, &read_tensors, config, config_size, message);
    if (status.error == RDC_OK) status = make(&read, &read_tensors, &pool, message, checkpoint);
    rdc_pool_free(&pool);
    rdc_tensors_free(&read_tensors);
    return status;
}

/* ---- Files ---- */

/* The bytes of an open file, to be freed. */
static rdc_status read_stream(FILE *file, const char *path, uint8_t **bytes, size_t *size, rdc_message *message) {
    const long end = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (end < 0 || end == LONG_MAX || fseek(file, 0, SEEK_SET) != 0) return rdc_refuse(message, RDC_ERROR_FILE, "%.200s: cannot be read", path);
    *size = (size_t)end;
    *bytes = malloc(*size + 1);
    if (!*bytes) return rdc_refuse_memory(message);
    if (fread(*bytes, 1, *size, file) == *size) return rdc_ok();
    free(*bytes);
    *bytes = NULL;
    return rdc_refuse(message, RDC_ERROR_FILE, "%.200s: cannot be read", path);
}

static rdc_status read_file(const char *path, uint8_t **bytes, size_t *size, rdc_message *message) {
    *bytes = NULL;
    FILE *file = fopen(path, "rb");
    if (!file) return rdc_refuse(message, RDC_ERROR_FILE, "%.200s: cannot be opened", path);
    const rdc_status status = read_stream(file, path, bytes, size, message);
    fclose(file);
    return status;
}

/* The path of a file in a folder, to be freed; NULL where there is no memory. */
static char *path_of(const char *folder, const char *name) {
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path) snprintf(path, size, "%s/%s", folder, name);
    return path;
}

static rdc_status load_file(rdc_checkpoint **checkpoint, const char *path, rdc_message *message) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    RDC_FORWARD_IF_ERROR(read_file(path, &bytes, &size, message));
    const rdc_status status = rdc_checkpoint_read(checkpoint, NULL, 0, bytes, size, message);
    free(bytes);
    return status;
}

static rdc_status load_folder(rdc_checkpoint **checkpoint, const char *config_path, const char *tensors_path, rdc_message *message) {
    uint8_t *config = NULL, *tensors = NULL;
    size_t config_size = 0, tensors_size = 0;
    RDC_FORWARD_IF_ERROR(read_file(config_path, &config, &config_size, message));
    rdc_status status = read_file(tensors_path, &tensors, &tensors_size, message);
    if (status.error == RDC_OK) status = rdc_checkpoint_read(checkpoint, config, config_size, tensors, tensors_size, message);
    free(config);
    free(tensors);
    return status;
}

static int is_there(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file) fclose(file);
    return file != NULL;
}

rdc_status rdc_checkpoint_load(rdc_checkpoint **checkpoint, const char *path, rdc_message *message) {
    *checkpoint = NULL;
    char *config = path_of(path, CONFIG_FILE), *tensors = path_of(path, TENSORS_FILE);
    rdc_status status;
    if (!config || !tensors) status = rdc_refuse_memory(message);
    else if (is_there(config)) status = load_folder(checkpoint, config, tensors, message);
    else status = load_file(checkpoint, path, message);
    free(config);
    free(tensors);
    return status;
}
