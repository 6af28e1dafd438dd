#include "entropy/escape.h"

#include "base/status.h"

/* u + 2^k is less than 2^35: a distance within int32 is less than 2^32, and the order is at most 29. */
#define MAX_CODE_BITS 35

unsigned rdc_escape_order(uint64_t count) {
    const unsigned length = rdc_bit_length(count);
    return length > 4 ? length - 4 : 0;
}

/* The number that a code of order k stands for, plus 2^k. */
static uint64_t rdc_escape_number(rdc_outside outside, int32_t symbol) {
    const uint64_t number = symbol >= outside.end ? 2 * (uint64_t)(symbol - outside.end) : 2 * (uint64_t)(outside.first - 1 - symbol) + 1;
    return number + ((uint64_t)1 << outside.order);
}

unsigned rdc_escape_bits(rdc_outside outside, int32_t symbol) {
    return 2 * rdc_bit_length(rdc_escape_number(outside, symbol)) - 1 - outside.order;
}

void rdc_escape_write_code(rdc_bit_writer *writer, rdc_outside outside, int32_t symbol) {
    const uint64_t number = rdc_escape_number(outside, symbol);
    const unsigned length = rdc_bit_length(number);
    rdc_bits_write(writer, 0, length - 1 - outside.order);
    rdc_bits_write(writer, number, length);
}

void rdc_escape_write(rdc_bit_writer *writer, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const size_t t = rdc_index_at(index, i);
        const int32_t symbol = symbols[i];
        if (t >= tables->count) continue;
        const rdc_table *table = &tables->tables[t];
        if (rdc_table_entry(table, symbol) == table->escape) rdc_escape_write_code(writer, rdc_table_outside(table), symbol);
    }
}

rdc_status rdc_escape_read_code(rdc_bit_reader *reader, rdc_outside outside, int32_t *symbol) {
    const uint64_t from = reader->position;
    unsigned rest = outside.order; /* bits behind the first one that is set */
    for (;; rest++) {
        RDC_RETURN_IF(reader->position >= reader->bits || rest >= MAX_CODE_BITS, RDC_ERROR_ESCAPE_CODE, from / 8, 0);
        if (rdc_bits_read(reader, 1)) break;
    }
    RDC_RETURN_IF(reader->bits - reader->position < rest, RDC_ERROR_ESCAPE_CODE, from / 8, 0);
    const uint64_t number = ((uint64_t)1 << rest | rdc_bits_read(reader, rest)) - ((uint64_t)1 << outside.order);
    const int64_t distance = (int64_t)(number >> 1);
    const int64_t value = number & 1 ? outside.first - 1 - distance : outside.end + distance;
    RDC_RETURN_IF(value < INT32_MIN || value > INT32_MAX, RDC_ERROR_ESCAPE_VALUE, from / 8, value);
    *symbol = (int32_t)value;
    return rdc_ok();
}

rdc_status rdc_escape_read(rdc_bit_reader *reader, const rdc_tables *tables, rdc_index index, size_t n, int32_t *symbols) {
    for (size_t i = 0; i < n; i++) {
        const rdc_table *table = &tables->tables[rdc_index_at(index, i)];
        if (symbols[i] != rdc_table_symbol(table, table->escape)) continue;
        RDC_FORWARD_IF_ERROR(rdc_escape_read_code(reader, rdc_table_outside(table), &symbols[i]));
    }
    return rdc_ok();
}
