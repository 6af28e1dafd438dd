/* How a checkpoint is refused: a status for programs, a message for people. */
#ifndef RDC_CHECKPOINT_REFUSE_H
#define RDC_CHECKPOINT_REFUSE_H

#include "base/status.h"

#ifdef __GNUC__
#define RDC_LIKE_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define RDC_LIKE_PRINTF(text, first)
#endif

/* The status of an error, after the message, where there is room for one, was written. */
rdc_status rdc_refuse(rdc_message *message, rdc_error error, const char *format, ...) RDC_LIKE_PRINTF(3, 4);

/* The same of what has come of the thing called `name`: RDC_OK and RDC_ERROR_MEMORY as they are, limits as RDC_ERROR_CHECKPOINT_LIMIT,
 * all else as RDC_ERROR_CHECKPOINT. */
rdc_status rdc_refuse_if_error(rdc_message *message, const char *name, rdc_status status);

rdc_status rdc_refuse_memory(rdc_message *message);

#endif
