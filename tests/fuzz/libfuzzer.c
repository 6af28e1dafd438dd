/* libFuzzer's way into the target called FUZZ_TARGET. */
#include "targets.h"

#define NAME_OF(target) #target
#define STRING(target) NAME_OF(target)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    run_target(STRING(FUZZ_TARGET), FUZZ_TARGET, bytes, size);
    return 0;
}
