/* Code lengths by integers alone: encoder and decoder choose by them. */
#include "base/bits.h"
#include "base/status.h"
#include "entropy/symbol_code.h"
#include "entropy/tables.h"

#define ESCAPE_BITS 6 /* of a typical Exp-Golomb code */

/* floor(2^RDC_LENGTH_BITS * log2(value)) of 1 to 2^16, by squaring. */
static uint32_t fixed_log2(uint32_t value) {
    const unsigned length = rdc_bit_length(value);
    uint64_t mantissa = (uint64_t)value << (31 - length);
    uint32_t result = length - 1;
    for (int bit = 0; bit < RDC_LENGTH_BITS; bit++) {
        mantissa = mantissa * mantissa >> 30;
        const unsigned carry = (unsigned)(mantissa >> 31);
        result = 2 * result + carry;
        mantissa >>= carry;
    }
    return result;
}

static uint16_t length_of(const rdc_tables *tables, size_t t, int32_t symbol) {
    const rdc_table *table = &tables->tables[t];
    const rdc_symbol_code code = rdc_tables_code(tables, t, symbol);
    const uint16_t *start = tables->starts + table->first + code.entry;
    const uint32_t beside = code.entry == table->escape ? ESCAPE_BITS : code.bits;
    return (uint16_t)(((tables->precision + beside) << RDC_LENGTH_BITS) - fixed_log2((uint32_t)start[1] - start[0]));
}

rdc_status rdc_code_lengths(const rdc_tables *tables, size_t first, size_t symbols, uint16_t *lengths) {
    RDC_RETURN_IF(first > tables->count, RDC_ERROR_INDEX, 0, first);
    for (size_t t = first; t < tables->count; t++) {
        for (size_t symbol = 0; symbol < symbols; symbol++) *lengths++ = length_of(tables, t, (int32_t)symbol);
    }
    return rdc_ok();
}
