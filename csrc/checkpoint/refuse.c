#include "checkpoint/refuse.h"

#include <stdarg.h>
#include <stdio.h>

/* What files hold may stand in messages, but does nothing to a terminal. */
static void make_printable(char *text) {
    for (; *text; text++) {
        if (*text < ' ' || *text > '~') *text = '?';
    }
}

rdc_status rdc_refuse(rdc_message *message, rdc_error error, const char *format, ...) {
    if (!message) return rdc_fail(error, 0, 0);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message->text, sizeof message->text, format, arguments);
    va_end(arguments);
    make_printable(message->text);
    return rdc_fail(error, 0, 0);
}

rdc_status rdc_refuse_if_error(rdc_message *message, const char *name, rdc_status status) {
    char text[160];
    if (status.error == RDC_OK) return status;
    if (status.error == RDC_ERROR_MEMORY) return rdc_refuse_memory(message);
    rdc_error_text(status, text, sizeof text);
    const int is_limit = status.error >= RDC_ERROR_SYMBOL_LIMIT && status.error < RDC_ERROR_FILE;
    return rdc_refuse(message, is_limit ? RDC_ERROR_CHECKPOINT_LIMIT : RDC_ERROR_CHECKPOINT, "%s: %s", name, text);
}

rdc_status rdc_refuse_memory(rdc_message *message) {
    return rdc_refuse(message, RDC_ERROR_MEMORY, "the codec takes more memory than there is");
}
