#include "entropy/index_check.h"

#include "base/status.h"

/* Maxima of interleaved numbers: compilers keep them in several registers, none of which waits for another. */
#define MAXIMA 64

#define LARGEST_OF(name, type)                                                      \
    static type name(const type *data, size_t n) {                                  \
        type maxima[MAXIMA] = {0}, largest = 0;                                     \
        const size_t whole = n - n % MAXIMA;                                        \
        for (size_t i = 0; i < whole; i += MAXIMA) {                                \
            for (size_t k = 0; k < MAXIMA; k++) {                                   \
                maxima[k] = data[i + k] > maxima[k] ? data[i + k] : maxima[k];      \
            }                                                                       \
        }                                                                           \
        for (size_t k = 0; k < MAXIMA; k++) largest = maxima[k] > largest ? maxima[k] : largest; \
        for (size_t i = whole; i < n; i++) largest = data[i] > largest ? data[i] : largest;      \
        return largest;                                                             \
    }

LARGEST_OF(largest_uint8, uint8_t)
LARGEST_OF(largest_uint16, uint16_t)

rdc_status rdc_tables_check_index(const rdc_tables *tables, rdc_index index, size_t n) {
    const size_t largest = index.width == 1 ? largest_uint8(index.data, n) : largest_uint16(index.data, n);
    if (n == 0 || largest < tables->count) return rdc_ok();
    for (size_t at = 0; at < n; at++) {
        const size_t t = rdc_index_at(index, at);
        RDC_RETURN_IF(t >= tables->count, RDC_ERROR_INDEX, at, t);
    }
    return rdc_ok(); /* another thread has changed it */
}
