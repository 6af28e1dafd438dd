/* The rANS kernels for 32 lanes in vector registers; a body that rans_avx512.c, rans_avx2.c and rans_neon.c include.
 *
 * It does what the scalar kernels do, for 32 symbols at a time, one a lane. All of its arithmetic is on integers but for an
 * estimate of quotients, which is corrected: so the bytes are those of the scalar kernels. The including file defines
 *
 *     WIDE_TARGET               attribute of every function here
 *     WIDE_ENCODE, WIDE_DECODE  names of the two kernels
 *     WIDE_HOLDS_FEW            1 where the rows of RDC_FEW_TABLES tables fit into registers
 *     WIDTH                     lanes in a register
 *     vec, wide_*               WIDTH uint32, and what is done with them
 */
#include <string.h>

#include "entropy/rans.h"

#define WIDE_LANES RDC_MAX_LANES
#define REGISTERS (WIDE_LANES / WIDTH)
#define EACH_REGISTER(r) _Pragma("GCC unroll 8") for (int r = 0; r < REGISTERS; r++)
#define WIDE_INLINE static inline WIDE_TARGET __attribute__((always_inline))

#if !WIDE_HOLDS_FEW /* these are never called then */
typedef char wide_few_rows;
#define wide_keep_few_rows(rows, count) 0
#define wide_pick_few_rows(few, index, first, second) (*(first) = *(second) = wide_all(0))
#define wide_find_few_places(tables, index, symbols, n, places) 0
#endif

/* The loops below are compiled for every width of the index and for few and many tables: both are constants in them. */
#define WIDE_FOR_EACH_KIND(loop, index, are_few, ...)                                            \
    ((index).width == 2             ? loop(tables, (rdc_index){(index).data, 2}, 0, __VA_ARGS__) \
     : WIDE_HOLDS_FEW && (are_few)  ? loop(tables, (rdc_index){(index).data, 1}, 1, __VA_ARGS__) \
                                    : loop(tables, (rdc_index){(index).data, 1}, 0, __VA_ARGS__))

/* ---- Encoding ---- */

/* Finds where the entries of n symbols are; returns the groups with escapes. Places are found for a whole run before the first of
 * them is used: the loads that use them then need not wait for the vectors they come from. */
WIDE_INLINE uint32_t wide_find_places(const rdc_tables *tables, rdc_index index, const int32_t *symbols, size_t n, uint32_t *places) {
    uint32_t escaped = 0;
    for (size_t i = 0; i < n; i += WIDTH) {
        vec offset, first_escape;
        wide_load_rows(tables->encode_rows, index, i, &offset, &first_escape);
        const vec escape = wide_and(first_escape, wide_all(RDC_ENCODE_ESCAPES - 1));
        const vec first = wide_and(wide_shift_right(first_escape, RDC_ENCODE_SHIFT), wide_all(~(RDC_ENCODE_ALIGN - 1u)));
        const vec distance = wide_sub(wide_load(symbols + i), offset);
        wide_store(places + i, wide_add(first, wide_smaller(distance, escape)));
        escaped |= (uint32_t)(wide_at_least(distance, escape) != 0) << i / RDC_RANS_GROUP;
    }
    return escaped;
}

/* x -> x / f * 2^precision + x % f + start. The estimate of the quotient is right or 1 too small: it is below 2^20 and its
 * inverse is made smaller by more than the rounding errors, and by less than 2^-20, in wide_inverse. */
WIDE_INLINE vec wide_encode_step(vec x, vec f, vec start, vec inverse, vec one) {
    const vec q = wide_estimate(x, inverse), complement = wide_sub(one, f);
    const vec fits = wide_sign(wide_sub(wide_sub(x, wide_multiply(q, f)), f));
    return wide_add(wide_add(wide_add(x, start), wide_multiply(q, complement)), wide_and_not(fits, complement));
}

/* What the step of every lane needs. */
typedef struct wide_entries {
    vec start[REGISTERS], frequency[REGISTERS], inverse[REGISTERS], limit[REGISTERS];
} wide_entries;

WIDE_INLINE void wide_load_entries(const rdc_tables *tables, const uint32_t *places, wide_entries *entries) {
    EACH_REGISTER(r) {
        const vec entry = wide_look_up_places(tables->encode_entries, places + r * WIDTH);
        entries->start[r] = wide_and(entry, wide_all(0xffff));
        entries->frequency[r] = wide_shift_right(entry, 16);
        entries->inverse[r] = wide_inverse(entries->frequency[r]);
        entries->limit[r] = wide_shift_left(entries->frequency[r], 32 - tables->precision);
    }
}

WIDE_INLINE uint32_t wide_encode(const rdc_tables *tables, rdc_index index, int few, const int32_t *symbols, size_t n,
                                 uint32_t *states, uint8_t **word) {
    uint32_t places[WIDE_LANES + RDC_RANS_RUN];
    uint32_t *const first = places + WIDE_LANES;
    memset(places, 0, WIDE_LANES * sizeof *places);
    const uint32_t escaped = few ? wide_find_few_places(tables, index.data, symbols, n, first) : wide_find_places(tables, index, symbols, n, first);
    const vec one = wide_all(1u << tables->precision);
    vec x[REGISTERS];
    EACH_REGISTER(r) x[r] = wide_load(states + r * WIDTH);
    uint8_t *next = *word;
    wide_entries now, then; /* loaded a group ahead, of which there is one more at the end, so that steps wait for states alone */
    wide_load_entries(tables, places + n, &now);
    for (size_t i = n; i > 0; i -= WIDE_LANES) {
        wide_load_entries(tables, places + i - WIDE_LANES, &then);
        next = wide_put_words(x, now.limit, next);
        EACH_REGISTER(r) x[r] = wide_encode_step(x[r], now.frequency[r], now.start[r], now.inverse[r], one);
        now = then;
    }
    EACH_REGISTER(r) wide_store(states + r * WIDTH, x[r]);
    *word = next;
    return escaped;
}

WIDE_TARGET uint32_t WIDE_ENCODE(const rdc_tables *tables, const int32_t *symbols, rdc_index index, size_t n, unsigned lanes,
                                 uint32_t *states, uint8_t **word) {
    if (lanes != WIDE_LANES || !tables->encode_rows) return rdc_rans_encode_scalar(tables, symbols, index, n, lanes, states, word);
    const size_t whole = n - n % WIDE_LANES;
    uint32_t escaped = 0;
    if (whole < n) {
        escaped = rdc_rans_encode_scalar(tables, symbols + whole, rdc_index_from(index, whole), n - whole, lanes, states, word)
                  << whole / RDC_RANS_GROUP;
    }
    return escaped | WIDE_FOR_EACH_KIND(wide_encode, index, tables->few_rows, symbols, whole, states, word);
}

/* ---- Decoding ---- */

/* What was found for the lanes of a register. */
typedef struct wide_found {
    vec slot, entry, start, end;
} wide_found;

/* Finds the entries of the lanes whose slots lie beyond the two entries of their interval. Out of the way: it is rare. */
static __attribute__((noinline)) WIDE_TARGET void wide_scan(const rdc_tables *tables, rdc_index index, size_t i, uint32_t beyond,
                                                            wide_found *found) {
    uint32_t slot[WIDTH], entry[WIDTH], start[WIDTH], end[WIDTH];
    wide_store(slot, found->slot);
    wide_store(entry, found->entry);
    wide_store(start, found->start);
    wide_store(end, found->end);
    for (; beyond; beyond &= beyond - 1) {
        const int k = __builtin_ctz(beyond);
        const size_t t = rdc_index_at(index, i + (size_t)k);
        const uint16_t *starts = tables->starts + tables->tables[t].first;
        entry[k] = rdc_table_scan(tables, t, slot[k], entry[k]);
        start[k] = starts[entry[k]];
        end[k] = starts[entry[k] + 1];
    }
    found->entry = wide_load(entry);
    found->start = wide_load(start);
    found->end = wide_load(end);
}

/* Finds the entries of the slots of a register; writes their symbols. `few` is NULL for rows in memory. */
WIDE_INLINE wide_found wide_find_slots(const rdc_tables *tables, const wide_few_rows *few, rdc_index index, size_t i, vec slot,
                                       int32_t *symbols) {
    vec first_shift, offset, bounds, end_entry;
    if (few) wide_pick_few_rows(few, (const uint8_t *)index.data + i, &first_shift, &offset);
    else wide_load_rows(tables->decode_rows, index, i, &first_shift, &offset);
    const vec interval = wide_add(wide_shift_right(first_shift, 4), wide_shift_right_each(slot, wide_and(first_shift, wide_all(15))));
    wide_look_up_intervals(tables->intervals, interval, &bounds, &end_entry);
    const vec middle = wide_shift_right(bounds, 16), low_half = wide_all(0xffff);
    const vec first = wide_sign(wide_sub(slot, middle)); /* all bits set where the first entry of the interval holds the slot */
    wide_found found = {
        .slot = slot,
        .entry = wide_add(wide_add(wide_shift_right(end_entry, 16), wide_all(1)), first),
        .start = wide_select(first, wide_and(bounds, low_half), middle),
        .end = wide_select(first, middle, wide_and(end_entry, low_half)),
    };
    const uint32_t beyond = wide_at_least(slot, found.end);
    if (beyond) wide_scan(tables, index, i, beyond, &found);
    wide_store(symbols + i, wide_add(offset, found.entry));
    return found;
}

WIDE_INLINE uint32_t wide_decode(const rdc_tables *tables, rdc_index index, int few, size_t n, uint32_t *states,
                                 const uint8_t **word, const uint8_t *stop, int32_t *symbols) {
    wide_few_rows few_rows;
    if (few) few_rows = wide_keep_few_rows(tables->decode_rows, tables->count);
    const vec one = wide_all(1u << tables->precision), slots = wide_all((1u << tables->precision) - 1);
    vec x[REGISTERS];
    EACH_REGISTER(r) x[r] = wide_load(states + r * WIDTH);
    const uint8_t *next = *word;
    uint32_t escaped = 0;
    for (size_t i = 0; i < n; i += WIDE_LANES) {
        uint32_t escapes = 0;
        EACH_REGISTER(r) {
            const wide_found found = wide_find_slots(tables, few ? &few_rows : NULL, index, i + (size_t)r * WIDTH, wide_and(x[r], slots), symbols);
            escapes |= wide_at_least(found.end, one); /* the escape is the last entry */
            const vec above = wide_multiply(wide_shift_right(x[r], tables->precision), wide_sub(found.end, found.start));
            x[r] = wide_add(above, wide_sub(found.slot, found.start));
        }
        escaped |= (uint32_t)(escapes != 0) << i / RDC_RANS_GROUP;
        next = wide_take_words(x, next, stop);
    }
    EACH_REGISTER(r) wide_store(states + r * WIDTH, x[r]);
    *word = next;
    return escaped;
}

/* Lanes before the first one of a group and symbols after the last group are left to the scalar kernel. Groups then do not begin
 * at multiples of RDC_RANS_GROUP: one with escapes marks both of those that it meets. */
WIDE_TARGET uint32_t WIDE_DECODE(const rdc_tables *tables, rdc_index index, size_t n, unsigned lanes, unsigned lane,
                                 uint32_t *states, const uint8_t **word, const uint8_t *stop, int32_t *symbols) {
    if (lanes != WIDE_LANES) return rdc_rans_decode_scalar(tables, index, n, lanes, lane, states, word, stop, symbols);
    const size_t left = WIDE_LANES - lane, ahead = lane == 0 ? 0 : left < n ? left : n;
    const size_t whole = n - ahead - (n - ahead) % WIDE_LANES, behind = ahead + whole;
    uint32_t escaped = 0;
    if (ahead) escaped = rdc_rans_decode_scalar(tables, index, ahead, lanes, lane, states, word, stop, symbols);
    const rdc_index middle = rdc_index_from(index, ahead);
    const uint32_t groups = WIDE_FOR_EACH_KIND(wide_decode, middle, tables->count <= RDC_FEW_TABLES, whole, states, word, stop, symbols + ahead);
    escaped |= ahead ? groups | groups << 1 : groups;
    if (behind < n) {
        const uint32_t last = rdc_rans_decode_scalar(tables, rdc_index_from(index, behind), n - behind, lanes, 0, states, word, stop,
                                                     symbols + behind);
        if (last) escaped |= 3u << behind / RDC_RANS_GROUP;
    }
    return escaped;
}
