/* The one error path: a function returns a status, its caller forwards it. */
#ifndef RDC_BASE_STATUS_H
#define RDC_BASE_STATUS_H

#include "rdc.h"

static inline rdc_status rdc_ok(void) {
    return (rdc_status){RDC_OK, 0, 0};
}

static inline rdc_status rdc_fail(rdc_error error, uint64_t at, int64_t got) {
    return (rdc_status){error, at, got};
}

#define RDC_RETURN_IF(condition, error, at, got)                                  \
    do {                                                                          \
        if (condition) return rdc_fail((error), (uint64_t)(at), (int64_t)(got)); \
    } while (0)

#define RDC_FORWARD_IF_ERROR(call)                       \
    do {                                                 \
        const rdc_status status_ = (call);               \
        if (status_.error != RDC_OK) return status_;     \
    } while (0)

#endif
