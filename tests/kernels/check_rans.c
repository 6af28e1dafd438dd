/* The rANS kernels of every level beside the scalar ones: words, states, symbols, and what they return. */
#include "base/bytes.h"
#include "entropy/rans.h"
#include "groups.h"
#include "inputs.h"

#define CASES 4 /* with the same tables */

/* A run of symbols and the states that it is coded onto. */
typedef struct rans_run {
    const rdc_tables *tables;
    rdc_index index;
    const int32_t *symbols;
    size_t n;
    unsigned lanes;
    const uint32_t *states;
} rans_run;

static uint32_t any_state(rng *r) {
    static const uint32_t ends[] = {0, 1, RDC_RANS_LOW - 1, RDC_RANS_LOW, UINT32_MAX - 1, UINT32_MAX};
    switch (rng_below(r, 4)) {
    case 0: return ends[rng_below(r, 6)];
    case 1: return rng_below(r, RDC_RANS_LOW);
    default: return rng_next(r) >> rng_below(r, 16);
    }
}

/* A state at which the coding of symbol i changes: about a multiple of its frequency, half of them where words become due. */
static uint32_t critical_state(rng *r, const rans_run *run, size_t i) {
    const rdc_table *table = &run->tables->tables[rdc_index_at(run->index, i)];
    const rdc_entry *entry = &run->tables->entries[table->first + rdc_table_entry(table, run->symbols[i])];
    const uint32_t frequency = (1u << run->tables->precision) - entry->complement, multiples = 1u << (32 - run->tables->precision);
    const uint32_t state = frequency * (multiples - (rng_one_in(r, 2) ? 0 : rng_below(r, multiples)));
    return state - rng_below(r, 2);
}

static rans_run make_run(rng *r, const rdc_tables *tables) {
    rans_run run = {.tables = tables, .lanes = rng_one_in(r, 2) ? RDC_MAX_LANES : 1u << rng_below(r, 6)};
    run.n = rng_count(r, RDC_RANS_RUN, run.lanes);
    run.index = make_index(r, tables, run.n);
    run.symbols = make_symbols(r, tables, run.index, run.n);
    uint32_t *states = buffer_take(run.lanes * sizeof *states);
    const size_t last = run.n - run.n % run.lanes; /* the whole groups end here, and coding begins */
    for (unsigned lane = 0; lane < run.lanes; lane++) {
        const int critical = last > 0 && rng_one_in(r, 2);
        states[lane] = critical ? critical_state(r, &run, last - run.lanes + lane) : any_state(r);
    }
    run.states = states;
    return run;
}

/* ---- Encoding ---- */

typedef struct rans_encoded {
    uint32_t escaped;
    uint32_t *states;
    uint8_t *word;
    size_t size;
} rans_encoded;

static rans_encoded encode_run(rdc_rans_encode_fn *encode, const rans_run *run) {
    rans_encoded made = {.states = buffer_copy(run->states, run->lanes * sizeof *run->states)};
    uint8_t *room = buffer_take(RDC_RANS_SLACK + 2 * run->n), *const end = room + RDC_RANS_SLACK + 2 * run->n;
    made.word = end;
    made.escaped = encode(run->tables, run->symbols, run->index, run->n, run->lanes, made.states, &made.word);
    check_that(made.word >= room + RDC_RANS_SLACK && made.word <= end, "there is at most a word a symbol");
    made.size = (size_t)(end - made.word);
    return made;
}

static void compare_encoders(const rans_run *run) {
    const check_levels levels = check_levels_here();
    check_level(RDC_CPU_SCALAR);
    const rans_encoded expected = encode_run(rdc_rans_kernels_of(RDC_CPU_SCALAR)->encode, run);
    for (size_t k = 1; k < levels.count; k++) {
        rdc_rans_encode_fn *encode = rdc_rans_kernels_of(levels.of[k])->encode;
        if (encode == rdc_rans_kernels_of(levels.of[k - 1])->encode) continue;
        const size_t mark = buffers_mark();
        check_level(levels.of[k]);
        const rans_encoded got = encode_run(encode, run);
        check_same(&expected.size, &got.size, sizeof got.size, "size of the words");
        check_same(expected.word, got.word, got.size, "words");
        check_same(expected.states, got.states, run->lanes * sizeof *got.states, "states after encoding");
        check_same(&expected.escaped, &got.escaped, sizeof got.escaped, "groups with escapes");
        buffers_release(mark);
    }
}

static void check_encoding(rng *r, const rdc_tables *tables) {
    const size_t mark = buffers_mark();
    const rans_run run = make_run(r, tables);
    compare_encoders(&run);
    buffers_release(mark);
}

void check_rans_encode(rng *r) {
    rdc_tables *tables = make_tables(r, RDC_MIN_PRECISION + rng_below(r, 4));
    for (int k = 0; k < CASES; k++) check_encoding(r, tables);
    rdc_tables_free(tables);
}

/* ---- Decoding ---- */

/* What is decoded: the first n symbols of a run, or of no run at all, from `lane` on. */
typedef struct rans_source {
    const rdc_tables *tables;
    rdc_index index;
    size_t n;
    unsigned lanes, lane;
    const uint32_t *states;
    const uint8_t *words;
    size_t size;
} rans_source;

typedef struct rans_decoded {
    uint32_t escaped;
    uint32_t *states;
    size_t used; /* bytes of words */
    int32_t *symbols;
} rans_decoded;

static rans_decoded decode_source(rdc_rans_decode_fn *decode, const rans_source *source) {
    rans_decoded made = {
        .states = buffer_copy(source->states, source->lanes * sizeof *source->states),
        .symbols = buffer_take(source->n * sizeof *made.symbols),
    };
    const uint8_t *words = buffer_copy(source->words, source->size), *word = words;
    made.escaped = decode(source->tables, source->index, source->n, source->lanes, source->lane, made.states, &word, words + source->size,
                          made.symbols);
    made.used = (size_t)(word - words);
    return made;
}

/* Groups with escapes among decoded symbols. */
static uint32_t find_escapes(const rans_source *source, const int32_t *symbols) {
    uint32_t groups = 0;
    for (size_t i = 0; i < source->n; i++) {
        const rdc_table *table = &source->tables->tables[rdc_index_at(source->index, i)];
        groups |= (uint32_t)(symbols[i] == rdc_table_symbol(table, table->escape)) << i / RDC_RANS_GROUP;
    }
    return groups;
}

static void compare_decoders(const rans_source *source) {
    const check_levels levels = check_levels_here();
    const size_t mark = buffers_mark();
    check_level(RDC_CPU_SCALAR);
    const rans_decoded expected = decode_source(rdc_rans_kernels_of(RDC_CPU_SCALAR)->decode, source);
    const uint32_t escapes = find_escapes(source, expected.symbols);
    check_that((escapes & ~expected.escaped) == 0, "no group with escapes is missed");
    for (size_t k = 1; k < levels.count; k++) {
        rdc_rans_decode_fn *decode = rdc_rans_kernels_of(levels.of[k])->decode;
        if (decode == rdc_rans_kernels_of(levels.of[k - 1])->decode) continue;
        const size_t inner_mark = buffers_mark();
        check_level(levels.of[k]);
        const rans_decoded got = decode_source(decode, source);
        check_same(expected.symbols, got.symbols, source->n * sizeof *got.symbols, "symbols");
        check_same(expected.states, got.states, source->lanes * sizeof *got.states, "states after decoding");
        check_same(&expected.used, &got.used, sizeof got.used, "words used");
        check_that((escapes & ~got.escaped) == 0, "no group with escapes is missed");
        buffers_release(inner_mark);
    }
    buffers_release(mark);
}

/* Decodes what was encoded, from any lane on, with all of its words or some. */
static void check_decoding_of_a_run(const rans_run *run, rng *r) {
    check_level(RDC_CPU_SCALAR);
    const rans_encoded encoded = encode_run(rdc_rans_kernels_of(RDC_CPU_SCALAR)->encode, run);
    rans_source source = {run->tables, run->index, run->n, run->lanes, 0, encoded.states, encoded.word, encoded.size};
    compare_decoders(&source);

    const size_t ahead = run->n ? rng_below(r, (uint32_t)run->n) : 0;
    source.n = ahead;
    const rans_decoded before = decode_source(rdc_rans_kernels_of(RDC_CPU_SCALAR)->decode, &source);
    source = (rans_source){run->tables, rdc_index_from(run->index, ahead), run->n - ahead, run->lanes, ahead % run->lanes, before.states,
                           encoded.word + before.used, encoded.size - before.used};
    compare_decoders(&source);

    if (source.size) source.size = 2 * rng_below(r, (uint32_t)source.size / 2);
    compare_decoders(&source);
}

/* Words that no encoder wrote. */
static const uint8_t *random_words(rng *r, size_t size) {
    const uint32_t mask = rng_one_in(r, 3) ? rng_next(r) & 0x00ff00ff : UINT32_MAX;
    uint8_t *words = buffer_take(size);
    for (size_t at = 0; at < size; at += 2) rdc_store16(words + at, rng_next(r) & mask);
    return words;
}

/* Decodes words of no meaning; few symbols with words that end at every place. */
static void check_decoding_of_anything(const rans_run *run, rng *r) {
    rans_source source = {run->tables, run->index, run->n, run->lanes, rng_below(r, run->lanes), run->states, NULL, 2 * run->n};
    source.words = random_words(r, source.size);
    compare_decoders(&source);
    source.size = run->n ? 2 * rng_below(r, (uint32_t)run->n) : 0;
    compare_decoders(&source);
    if (run->n > 100 || !rng_one_in(r, 8)) return;
    for (source.size = 0; source.size <= 2 * run->n; source.size += 2) compare_decoders(&source);
}

static void check_decoding(rng *r, const rdc_tables *tables) {
    const size_t mark = buffers_mark();
    const rans_run run = make_run(r, tables);
    check_decoding_of_a_run(&run, r);
    check_decoding_of_anything(&run, r);
    buffers_release(mark);
}

void check_rans_decode(rng *r) {
    rdc_tables *tables = make_tables(r, RDC_MIN_PRECISION + rng_below(r, 4));
    for (int k = 0; k < CASES; k++) check_decoding(r, tables);
    rdc_tables_free(tables);
}

/* ---- Tables at the limit of what vectors can look up ---- */

void check_rans_large_tables(rng *r) {
    for (size_t count = LARGEST_TABLES; count <= LARGEST_TABLES + 1; count++) {
        rdc_tables *tables = make_large_tables(count);
        check_that((tables->encode_rows != NULL) == (count == LARGEST_TABLES), "these many tables have rows for vectors, more have none");
        for (int k = 0; k < 10 * CASES; k++) check_encoding(r, tables);
        for (int k = 0; k < CASES; k++) check_decoding(r, tables);
        rdc_tables_free(tables);
    }
}
