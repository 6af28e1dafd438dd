#include "entropy/escape.h"

#include "base/status.h"

/* u + 2^k is less than 2^35: a distance within int32 is less than 2^32, and the order is at most 12. */
#define MAX_CODE_BITS 35

unsigned rdc_escape_order(uint32_t count) {
    const unsigned length = rdc_bit_length(count);
    return length > 4 ? length - 4 : 0;
}

/* The number that a code of order k stands for, plus 2^k. */
static uint64_t rdc_escape_number(const rdc_table *table, int32_t symbol) {
    const int64_t above = (int64_t)symbol - table->offset - table->escape;
    const int64_t below = (int64_t)table->offset - 1 - symbol;
    const uint64_t number = above >= 0 ? 2 * (uint64_t)above : 2 * (uint64_t)below + 1;
    return number + ((uint64_t)1 << table->order);
}

unsigned rdc_escape_bits(const rdc_table *table, int32_t symbol) {
    return 2 * rdc_bit_length(rdc_escape_number(table, symbol)) - 1 - table->order;
}

void rdc_escape_write(rdc_bit_writer *writer, const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const size_t t = rdc_index_at(index, i);
        const int32_t symbol = symbols[i];
        if (t >= tables->count || rdc_table_entry(&tables->tables[t], symbol) != tables->tables[t].escape) continue;
        const rdc_table *table = &tables->tables[t];
        const uint64_t number = rdc_escape_number(table, symbol);
        const unsigned length = rdc_bit_length(number);
        rdc_bits_write(writer, 0, length - 1 - table->order);
        rdc_bits_write(writer, number, length);
    }
}

static rdc_status rdc_escape_next(rdc_bit_reader *reader, const rdc_table *table, int32_t *symbol) {
    const uint64_t from = reader->position;
    uint64_t number = 0;
    unsigned zeros = 0, rest = 0;
    for (;;) {
        RDC_RETURN_IF(reader->position >= reader->bits, RDC_ERROR_ESCAPE_CODE, from / 8, 0);
        const unsigned bit = (unsigned)rdc_bits_read(reader, 1);
        if (number == 0 && bit == 0) {
            zeros++;
            RDC_RETURN_IF(zeros + table->order >= MAX_CODE_BITS, RDC_ERROR_ESCAPE_CODE, from / 8, 0);
            continue;
        }
        if (number == 0) rest = zeros + table->order + 1;
        number = number << 1 | bit;
        if (--rest == 0) break;
    }

    number -= (uint64_t)1 << table->order;
    const int64_t distance = (int64_t)(number >> 1);
    const int64_t value = number & 1 ? (int64_t)table->offset - 1 - distance : (int64_t)table->offset + table->escape + distance;
    RDC_RETURN_IF(value < INT32_MIN || value > INT32_MAX, RDC_ERROR_ESCAPE_VALUE, from / 8, value);
    *symbol = (int32_t)value;
    return rdc_ok();
}

rdc_status rdc_escape_read(rdc_bit_reader *reader, const rdc_tables *tables, rdc_index index, size_t n, int32_t *symbols) {
    for (size_t i = 0; i < n; i++) {
        const rdc_table *table = &tables->tables[rdc_index_at(index, i)];
        if (symbols[i] == rdc_table_symbol(table, table->escape)) RDC_FORWARD_IF_ERROR(rdc_escape_next(reader, table, &symbols[i]));
    }
    return rdc_ok();
}
