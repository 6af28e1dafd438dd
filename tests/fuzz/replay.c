/* Runs targets on files, as the fuzzer does:
 *
 *     replay TARGET FILE...
 *
 * A failed check is printed and ends the program, and so do the sanitizers that it is built with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "targets.h"

static const struct {
    const char *name;
    fuzz_target *run;
} targets[] = {
    {"block", fuzz_block},     {"parts", fuzz_parts},     {"frame", fuzz_frame},           {"stream", fuzz_stream},
    {"tables", fuzz_tables},   {"network", fuzz_network}, {"prediction", fuzz_prediction}, {"checkpoint", fuzz_checkpoint},
    {"codec_file", fuzz_codec_file},
};

static fuzz_target *target_called(const char *name) {
    for (size_t k = 0; k < sizeof targets / sizeof *targets; k++) {
        if (strcmp(name, targets[k].name) == 0) return targets[k].run;
    }
    fprintf(stderr, "no such target: %s\n", name);
    exit(2);
}

/* In memory of its size. */
static uint8_t *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    const long end = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    uint8_t *bytes = end < 0 ? NULL : malloc((size_t)end);
    *size = (size_t)end;
    if (!bytes || (rewind(file), fread(bytes, 1, *size, file) != *size)) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    fclose(file);
    return bytes;
}

int main(int count, char **arguments) {
    if (count < 2) return fprintf(stderr, "usage: replay TARGET FILE...\n"), 2;
    fuzz_target *run = target_called(arguments[1]);
    for (int k = 2; k < count; k++) {
        size_t size;
        uint8_t *bytes = read_file(arguments[k], &size);
        run_target(arguments[k], run, bytes, size);
        free(bytes);
    }
    printf("%s: %d files\n", arguments[1], count - 2);
    return 0;
}
