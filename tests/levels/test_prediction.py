"""Levels under predicted means and scales: the levels, tables and components of the reference, however tokens are grouped."""

import itertools
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from predicted_parts import (
    CANDIDATES,
    COSTS,
    FIRST,
    SCALES,
    TABLES,
    Parts,
    Tokens,
    candidate_costs,
    choose,
    downhill,
    part,
    quantised,
    random_parts,
    random_tokens,
    side_information,
)
from random_nets import INPUT_LIMIT

from rdcodec import CorruptStreamError, RdcodecError, _core
from rdcodec.entropy import FrequencyTables
from rdcodec.net import IntegerNet, Layer


@st.composite
def cases(draw, least_tokens=0):
    """Pairs of Parts and Tokens."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    side, uses_context = draw(st.sampled_from([(0, True), (1, True), (4, True), (1, False), (4, False)]))
    parts = random_parts(rng, draw(st.integers(1, 12)), side, uses_context, draw(st.integers(1, 3)))
    return parts, random_tokens(rng, parts, draw(st.integers(least_tokens, 14)))


def encode(prediction, tokens, *cpu):
    """Levels, tables and candidates of tokens that refer to none."""
    levels, index, distance, weight, choice = _core.prediction_encode(prediction, tokens.y, *side_information(tokens), *cpu)
    assert distance.shape == weight.shape == (len(tokens.y), 0)
    return levels, index, choice


def final(tokens, choice):
    """What the decoder is told: scales with the candidates added."""
    return tokens._replace(token_scale=tokens.token_scale + CANDIDATES[choice])


def decode(prediction, decoder, tokens, *cpu):
    none = np.zeros((len(tokens.y), 0), np.int32)
    return _core.prediction_decode(prediction, decoder.core, *side_information(tokens), none, none, *cpu)


def block_decoder(levels, index):
    return TABLES.decoder(TABLES.encode(levels.ravel(), index.ravel()), levels.size)


# ---- the reference of a whole row


def encode_token(prediction, y, side, base, exponent, token_scale):
    """Levels, tables, candidate, and the components that a decoder makes of them."""
    prediction.predict(side, base, [])
    levels = quantised(prediction, y, exponent, token_scale)
    choice = choose(prediction, levels, token_scale)
    index = prediction.tables(levels, int(token_scale + CANDIDATES[choice]))
    prediction.adapt(levels, int(token_scale + CANDIDATES[choice]))
    return levels, index, choice, prediction.reconstruct(levels, exponent)


def expected(parts, tokens):
    prediction = parts.reference()
    coded = [encode_token(prediction, *token) for token in zip(*tokens)]
    shapes = [tokens.y.shape, tokens.y.shape, tokens.exponent.shape, tokens.y.shape]
    return [np.array(column).reshape(shape) for column, shape in zip(zip(*coded) if coded else [()] * 4, shapes)]


def same(got, wanted):
    return all(np.array_equal(a, b) for a, b in zip(got, wanted, strict=True))


@given(case=cases())
def test_levels_tables_and_components_are_those_of_the_reference(cpu, case):
    parts, tokens = case
    *coded, components = expected(parts, tokens)
    levels, index, choice = encode(parts.start(), tokens, cpu)
    assert (levels.dtype, index.dtype, choice.dtype) == (np.int32, np.uint16, np.int32)
    assert same((levels, index, choice), coded)
    decoder = block_decoder(levels, index)
    assert np.array_equal(decode(parts.start(), decoder, final(tokens, choice), cpu), components)
    decoder.finish()


@given(case=cases(), cuts=st.lists(st.integers(0, 14), max_size=5), others=st.lists(st.integers(0, 14), max_size=5))
def test_any_grouping_of_tokens_gives_the_same(cpu, case, cuts, others):
    parts, tokens = case
    *coded, components = expected(parts, tokens)

    def pieces(tokens, cuts):
        ends = sorted(min(cut, len(tokens.y)) for cut in cuts)
        return [part(tokens, slice(start, end)) for start, end in zip([0, *ends], [*ends, len(tokens.y)])]

    prediction = parts.start()
    outputs = [encode(prediction, piece, cpu) for piece in pieces(tokens, cuts)]
    levels, index, choice = (np.concatenate(column) for column in zip(*outputs))
    assert same((levels, index, choice), coded)

    prediction, decoder = parts.start(), block_decoder(levels, index)
    values = [decode(prediction, decoder, piece, cpu) for piece in pieces(final(tokens, choice), others)]
    decoder.finish()
    assert np.array_equal(np.concatenate(values), components)


@given(case=cases(), cut=st.integers(0, 14))
def test_copies_go_on_on_their_own(case, cut):
    parts, tokens = case
    head, tail = part(tokens, slice(cut)), part(tokens, slice(cut, None))
    other = part(tail, slice(None, None, -1))
    prediction = parts.start()
    encode(prediction, head)
    copy = _core.prediction_copy(prediction)
    joined = Tokens(*(np.concatenate(pair) for pair in zip(head, other)))
    assert same(encode(copy, other), [column[cut:] for column in expected(parts, joined)[:3]])
    assert same(encode(prediction, tail), [column[cut:] for column in expected(parts, tokens)[:3]])


@given(case=cases(), cut=st.integers(0, 14))
def test_what_was_saved_goes_on_where_it_is_loaded(case, cut):
    parts, tokens = case
    head, tail = part(tokens, slice(cut)), part(tokens, slice(cut, None))
    prediction = parts.start()
    encode(prediction, head)
    saved = _core.prediction_save(prediction)
    other = random_tokens(np.random.default_rng(cut), parts, 5)
    encode(prediction, other)
    loaded = _core.prediction_load(parts.core(), saved)
    assert _core.prediction_save(loaded) == saved
    assert same(encode(loaded, tail), [column[cut:] for column in expected(parts, tokens)[:3]])


@given(case=cases(), cut=st.integers(0, 14), begins=st.booleans())
def test_what_was_coded_is_taken_back(case, cut, begins):
    parts, tokens = case
    head, tail = part(tokens, slice(cut)), part(tokens, slice(cut, None))
    prediction = parts.start()
    encode(prediction, head)
    if begins:
        _core.prediction_begin(prediction)
        with pytest.raises(RdcodecError):
            encode(prediction, failing_tokens(random_tokens(np.random.default_rng(cut), parts, 2), "exponent"))
    else:
        encode(prediction, random_tokens(np.random.default_rng(cut), parts, 5))
    _core.prediction_rollback(prediction)
    assert same(encode(prediction, tail), [column[cut:] for column in expected(parts, tokens)[:3]])


def test_a_decoding_is_taken_back():
    rng = np.random.default_rng(20)
    parts = random_parts(rng)
    tokens = random_tokens(rng, parts, 12)
    *_, components = expected(parts, tokens)
    levels, index, choice = encode(parts.start(), tokens)
    told = final(tokens, choice)
    prediction, decoder = parts.start(), block_decoder(levels, index)
    decode(prediction, decoder, part(told, slice(5)))
    decode(prediction, block_decoder(levels[7:], index[7:]), part(told, slice(7, None)))
    _core.prediction_rollback(prediction)
    assert np.array_equal(decode(prediction, decoder, part(told, slice(5, None))), components[5:])


def test_before_the_first_token_there_is_nothing_to_take_back():
    parts = random_parts(np.random.default_rng(21))
    tokens = random_tokens(np.random.default_rng(22), parts, 4)
    prediction = parts.start()
    _core.prediction_rollback(prediction)
    assert same(encode(prediction, tokens), expected(parts, tokens)[:3])


def test_encoder_and_decoder_remember_the_same():
    rng = np.random.default_rng(11)
    parts = random_parts(rng)
    first, second = random_tokens(rng, parts, 9), random_tokens(rng, parts, 5)
    encoder, decoder = parts.start(), parts.start()
    levels, index, choice = encode(encoder, first)
    decode(decoder, block_decoder(levels, index), final(first, choice))
    assert same(encode(encoder, second), encode(decoder, second))


def test_a_prediction_outlives_its_predictor():
    rng = np.random.default_rng(12)
    parts = random_parts(rng)
    tokens = random_tokens(rng, parts, 9)
    coded = expected(parts, tokens)[:3]
    prediction = parts.start()
    copy = _core.prediction_copy(prediction)
    del parts, prediction
    assert same(encode(copy, tokens), coded)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_any_number_of_threads_gives_the_same(threads):
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]; import numpy as np, test_prediction as t; rng = np.random.default_rng(5);"
        "parts = t.random_parts(rng); coded = t.encode(parts.start(), t.random_tokens(rng, parts, 40));"
        "print(*(array.tobytes().hex() for array in coded))"
    )
    here = os.path.dirname(__file__)
    arguments = [sys.executable, "-c", program, here, os.path.join(here, "..", "net")]
    environment = {**os.environ, "OMP_NUM_THREADS": threads}
    printed = subprocess.run(arguments, capture_output=True, text=True, check=True, env=environment).stdout
    rng = np.random.default_rng(5)
    parts = random_parts(rng)
    levels, index, choice, _ = expected(parts, random_tokens(rng, parts, 40))
    wanted = levels.astype(np.int32), index.astype(np.uint16), choice.astype(np.int32)
    assert [bytes.fromhex(word) for word in printed.split()] == [array.tobytes() for array in wanted]


# ---- extremes


def constant_parts(mean, scale, unit, uses_context=False, inward=(15, 15), component_scale=0):
    """A predictor whose network puts the same out whatever it is given, for two components of one unit."""
    ends = np.array([-(2**15), 2**15 - 1], np.int16)
    bias = np.array([mean, mean, scale, scale], np.int32)
    layer = Layer(np.zeros((4, 1, 1 + 2 * uses_context), np.int8), bias, np.zeros(4, np.uint8), ends)
    grid = (np.full(2, component_scale, np.int32), np.array([0, 1], np.uint8), SCALES, FIRST)
    return Parts(IntegerNet([layer], 32767), grid, np.full(2, unit, np.int8), uses_context, inward)


def two_component_tokens(y, base, exponent, token_scale):
    tokens = len(y)
    return Tokens(
        np.array(y, np.float64),
        np.zeros((tokens, 1), np.int16),
        np.full((tokens, 2), base, np.int16),
        np.full(tokens, exponent, np.int32),
        np.full(tokens, token_scale, np.int32),
    )


@pytest.mark.parametrize("exponent", [-128, -127, -1, 0, 7, 127, 128])
@pytest.mark.parametrize("unit", [-10, 0, 30])
@pytest.mark.parametrize(("mean", "base"), [(32767, 32767), (-32768, -32768), (0, 1)])
def test_extremes_of_means_units_and_steps(cpu, exponent, unit, mean, base):
    parts = constant_parts(mean, 0, unit, uses_context=True)
    middle, step = (mean + base) * 2.0 ** (unit - 6), 2 * 2 ** (exponent / 8)
    offsets = np.array([[0, 1], [-40, 0.5], [2.0**20, -(2.0**20)], [0, 0]])
    tokens = two_component_tokens(middle + offsets * step, base, exponent, 0)
    *coded, components = expected(parts, tokens)
    levels, index, choice = encode(parts.start(), tokens, cpu)
    assert same((levels, index, choice), coded)
    assert np.array_equal(decode(parts.start(), block_decoder(levels, index), final(tokens, choice), cpu), components)


def test_every_step(cpu):
    exponents = np.arange(-128, 129, dtype=np.int32)
    parts = constant_parts(100, 0, 0)
    offsets = 2 * 2.0 ** (exponents[:, None] / 8) * [2.3, 1000]
    tokens = two_component_tokens(100 / 64 + offsets, 0, 0, 0)._replace(exponent=exponents)
    *coded, components = expected(parts, tokens)
    levels, index, choice = encode(parts.start(), tokens, cpu)
    assert same((levels, index, choice), coded)
    assert np.array_equal(decode(parts.start(), block_decoder(levels, index), final(tokens, choice), cpu), components)


@pytest.mark.parametrize("exponent", [-128, 0, 128])
@pytest.mark.parametrize("unit", [-10, 30])
@pytest.mark.parametrize("inward", [(0, 0), (15, 15)])
def test_every_int32_is_decoded(cpu, exponent, unit, inward):
    """No encoder writes such levels, but a damaged block may hold them."""
    parts = constant_parts(-32768, 0, unit, uses_context=True, inward=inward)
    levels = np.array([[-(2**31), 2**31 - 1], [2**31 - 1, -(2**31)], [1, -1], [-(2**31), -(2**31)], [2**24, -3]], np.int32)
    tokens = two_component_tokens(np.zeros((5, 2)), -32768, exponent, 5)
    prediction, index, components = parts.reference(), [], []
    for token, row in enumerate(levels):
        prediction.predict(tokens.side[token], tokens.base[token], [])
        index.append(prediction.tables(row, 5))
        prediction.adapt(row, 5)
        components.append(prediction.reconstruct(row, exponent))
    decoder = block_decoder(levels, np.array(index, np.uint16))
    assert np.array_equal(decode(parts.start(), decoder, tokens, cpu), components)
    decoder.finish()


@pytest.mark.parametrize("token_scale", [-(2**31), 2**31 - 1])
@pytest.mark.parametrize("scale", [-(2**15), 2**15 - 1])
@pytest.mark.parametrize("component_scale", [-(2**31), 0, 2**31 - 1])
def test_scales_beyond_the_grid_are_clamped_or_wrap_alike(cpu, token_scale, scale, component_scale):
    parts = constant_parts(0, scale, 0, component_scale=component_scale)
    tokens = two_component_tokens([[0.5, 3.0], [-8.0, 0.0]], 0, 0, token_scale)
    with np.errstate(over="ignore"):
        *coded, components = expected(parts, tokens)
        levels, index, choice = encode(parts.start(), tokens, cpu)
        told = final(tokens, choice)
    assert same((levels, index, choice), coded)
    assert np.array_equal(decode(parts.start(), block_decoder(levels, index), told, cpu), components)


# ---- tables


def test_parities_are_those_of_symbols_and_not_of_entries(cpu):
    """With tables some of which have entries for several levels."""
    rng = np.random.default_rng(22)
    parts = random_parts(rng)
    tokens = random_tokens(rng, parts, 20)
    tokens.y[3, 2:5] = 10**6, -(10**6) - 1, 7777
    pmf = np.full((1, 40), 1 / 40)
    wide = FrequencyTables.from_frequencies([2**13, 2**13 - 1, 1], [3], [-9], 14, [4, 3, 0], [1], [[0, 24]])
    kinds = wide, FrequencyTables.from_pmf(pmf, -20)
    mixed = FrequencyTables.joined([kinds[table % 3 == 0] for table in range(len(TABLES))])
    levels, index, choice = encode(parts.start(), tokens, cpu)
    decoder = mixed.decoder(mixed.encode(levels.ravel(), index.ravel()), levels.size)
    assert np.array_equal(decode(parts.start(), decoder, final(tokens, choice), cpu), expected(parts, tokens)[3])
    decoder.finish()


def sums_of_candidates(parts, tokens, levels):
    """What the levels of each token cost with each candidate."""
    prediction, sums = parts.reference(), []
    for token, row in enumerate(levels):
        prediction.predict(tokens.side[token], tokens.base[token], [])
        sums.append(candidate_costs(prediction, row, tokens.token_scale[token], parts.costs, parts.candidates))
        prediction.reconstruct(row, tokens.exponent[token])
    return np.array(sums)


def test_the_chosen_scale_has_the_shortest_code(parts, tokens):
    scale = np.arange(len(COSTS)) // 2 % SCALES
    costs = (np.arange(64) * (scale[:, None] - 13.3) ** 2 / 2).astype(np.uint16)
    parts = parts._replace(adaptation=0, costs=costs, candidates=np.arange(-3, 3, dtype=np.int32))
    levels, _, choice = encode(parts.start(), tokens)
    sums = sums_of_candidates(parts, tokens, levels)
    assert np.array_equal(sums[np.arange(len(sums)), choice], sums.min(axis=1))


def test_the_search_walks_downhill_from_the_candidate_that_changes_nothing(parts, tokens):
    tokens.token_scale[:2] = 2**31 - 1, -(2**31)
    candidates = np.array([-(2**31), -2, 0, 1, 3, 2**31 - 1], np.int32)
    parts = parts._replace(adaptation=0, candidates=candidates)
    levels, _, choice = encode(parts.start(), tokens)
    sums = sums_of_candidates(parts, tokens, levels)
    assert np.array_equal(choice, [downhill(row, 2) for row in sums])


# ---- failures


def failing_tokens(tokens, name):
    broken = part(tokens)
    if name == "exponent":
        broken.exponent[-1] = 129
    else:
        broken.y[-1, 1] = float(name)
    return broken


@pytest.mark.parametrize("name", ["exponent", "nan"])
def test_a_failed_encoding_leaves_the_state_as_it_was(name):
    rng = np.random.default_rng(13)
    parts = random_parts(rng)
    tokens = random_tokens(rng, parts, 12)
    head, tail = part(tokens, slice(5)), part(tokens, slice(5, None))
    prediction = parts.start()
    encode(prediction, head)
    with pytest.raises(RdcodecError):
        encode(prediction, failing_tokens(tail, name))
    assert same(encode(prediction, tail), [column[5:] for column in expected(parts, tokens)[:3]])


@pytest.mark.parametrize("value", [1e30, -1e300, np.inf])
@pytest.mark.parametrize("exponent", [-128, 0, 128])
def test_components_too_large_for_the_quantiser_become_the_largest(cpu, value, exponent):
    """A mean may lie anywhere, so that no range of components keeps the residual within the quantiser's."""
    rng = np.random.default_rng(20)
    parts = random_parts(rng)
    tokens = random_tokens(rng, parts, 3)
    tokens.y[1, 2], tokens.exponent[1] = value, exponent
    levels, index, choice = encode(parts.start(), tokens, cpu)
    assert abs(levels[1, 2]) in (2**28 - 1, 2**28) and (levels[1, 2] > 0) == (value > 0)
    assert np.isfinite(decode(parts.start(), block_decoder(levels, index), final(tokens, choice), cpu)).all()


def test_a_failed_decoding_leaves_the_state_as_it_was():
    rng = np.random.default_rng(14)
    parts = random_parts(rng)
    tokens = random_tokens(rng, parts, 12)
    *_, components = expected(parts, tokens)
    levels, index, choice = encode(parts.start(), tokens)
    told = final(tokens, choice)
    head, tail, bad = part(told, slice(5)), part(told, slice(5, None)), part(told, slice(5, None))
    prediction = parts.start()
    decode(prediction, block_decoder(levels[:5], index[:5]), head)
    with pytest.raises(RdcodecError, match="only 0 symbols are left in the block"):
        decode(prediction, block_decoder(levels[5:9], index[5:9]), tail)
    bad.exponent[3] = -129
    with pytest.raises(RdcodecError, match="exponent of token 3: expected -128 to 128, got -129"):
        decode(prediction, block_decoder(levels[5:], index[5:]), bad)
    assert np.array_equal(decode(prediction, block_decoder(levels[5:], index[5:]), tail), components[5:])


def test_damaged_blocks_end_in_an_error_or_in_other_components():
    rng = np.random.default_rng(15)
    parts = random_parts(rng)
    tokens = random_tokens(rng, parts, 12)
    levels, index, choice = encode(parts.start(), tokens)
    block = bytearray(TABLES.encode(levels.ravel(), index.ravel()))
    told, refused = final(tokens, choice), 0
    for at in range(len(block)):
        damaged = bytes(block[:at]) + bytes([block[at] ^ 1 << at % 8]) + bytes(block[at + 1 :])
        try:
            decoder = TABLES.decoder(damaged, levels.size)
            assert np.isfinite(decode(parts.start(), decoder, told)).all()
            decoder.finish()
        except CorruptStreamError:
            refused += 1
    assert refused


# ---- refusals


@pytest.fixture
def parts():
    return random_parts(np.random.default_rng(16))


@pytest.fixture
def tokens(parts):
    return random_tokens(np.random.default_rng(17), parts, 6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inward": (0, 16)}, "inward: expected 0 to 15, got 16"),
        ({"inward": (-1, 0)}, "inward: expected 0 to 15, got -1"),
        ({"unit": np.zeros(6, np.int8)}, "unit: expected one a component, 7, got 6"),
        ({"adaptation": 65536}, "adaptation: expected 0 to 65535, got 65536"),
        ({"unit": np.int8([0, 0, -11, 0, 0, 0, 0])}, "unit of component 2: expected an exponent from -10 to 30, got -11"),
        ({"unit": np.int8([0, 0, 0, 0, 0, 0, 31])}, "unit of component 6: expected an exponent from -10 to 30, got 31"),
        (
            {"grid": (np.zeros(7, np.int32), np.full(7, 1, np.uint8), 0, 0)},
            "component 0: its tables lie outside the grid, got 0",
        ),
        (
            {"grid": (np.zeros(7, np.int32), np.array([0, 0, 0, 9, 0, 0, 0], np.uint8), 5000, 0)},
            "component 3: its tables lie outside the grid, got 100000",
        ),
        ({"grid": (np.zeros(7, np.int32), np.zeros(6, np.uint8), 5, 0)}, "component_shape: expected one a component, 7, got 6"),
        (
            {"grid": (np.zeros(8, np.int32), np.zeros(8, np.uint8), 5, 0), "unit": np.zeros(8, np.int8)},
            "network: expected 16 inputs or outputs, got 14",
        ),
    ],
)
def test_predictors_out_of_range_are_refused(parts, changes, message):
    with pytest.raises(RdcodecError) as refusal:
        parts._replace(**changes).core()
    assert str(refusal.value) == message


def test_a_predictor_that_uses_context_needs_inputs_for_it():
    parts = random_parts(np.random.default_rng(18), components=7, side=6, uses_context=False)
    with pytest.raises(RdcodecError, match="network: expected 7 inputs or outputs, got 6"):
        parts._replace(uses_context=True).core()


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("y", np.zeros((5, 7)), r"y: expected shape \[6, 7\]"),
        ("side", np.zeros((6, 4), np.int16), r"side: expected shape \[6, 3\]"),
        ("base", np.zeros((6, 6), np.int16), r"base: expected shape \[6, 7\]"),
        ("base", np.zeros(42, np.int16), r"base: expected shape \[6, 7\]"),
        ("token_scale", np.zeros((6, 1), np.int32), r"token_scale: expected shape \[6\]"),
        ("exponent", np.array([0, 0, 0, 0, 129, 0], np.int32), "exponent of token 4: expected -128 to 128, got 129"),
        ("exponent", np.array([-129, 0, 0, 0, 0, 0], np.int32), "exponent of token 0: expected -128 to 128, got -129"),
        ("y", np.full((6, 7), np.nan), "values: too large for the quantisation step at position 0"),
    ],
)
def test_tokens_out_of_range_are_refused(parts, tokens, name, array, message):
    tokens = tokens._replace(**{name: array})
    with pytest.raises(RdcodecError, match=message):
        encode(parts.start(), tokens)
    if name == "y":
        return
    with pytest.raises(RdcodecError, match=message):
        decode(parts.start(), block_decoder(np.zeros(42, int), np.zeros(42, int)), tokens)


@pytest.mark.parametrize("name", ["y", "side", "base", "exponent", "token_scale"])
def test_arrays_of_another_type_are_refused(parts, tokens, name):
    tokens = tokens._replace(**{name: getattr(tokens, name).astype(np.uint8)})
    with pytest.raises(TypeError, match=f"{name}: expected a C-contiguous array of"):
        encode(parts.start(), tokens)


@pytest.mark.parametrize(
    ("costs", "candidates", "message"),
    [
        (COSTS[:-1], CANDIDATES, "its tables lie outside the grid"),
        (COSTS[0], CANDIDATES, r"costs: expected shape \[tables, levels\]"),
        (np.zeros((len(COSTS), 2**16 + 1), np.uint16), CANDIDATES, "candidates: expected at least one, and 1 to 65536 costs a table"),
        (COSTS[:, :0], CANDIDATES, "candidates: expected at least one, and 1 to 65536 costs a table"),
        (COSTS, CANDIDATES[:0], "candidates: expected at least one, and 1 to 65536 costs a table"),
    ],
)
def test_costs_that_do_not_fit_are_refused(parts, costs, candidates, message):
    parts.grid[1][:] = 1
    with pytest.raises(RdcodecError, match=message):
        parts._replace(costs=np.ascontiguousarray(costs), candidates=candidates).core()


def test_states_that_no_coding_leaves_behind_are_refused(parts):
    """7 components, and 2 tokens' inputs of the network, whose limit is 2000."""
    parts = parts._replace(adaptation=0)
    predictor = parts.core()
    size = 7 + 2 * parts.net.inputs
    for at, value in ((0, -32768), (6, -32768), (7, INPUT_LIMIT + 1), (size - 1, -INPUT_LIMIT - 1)):
        saved = np.zeros(size, "<i2")
        saved[at] = value
        with pytest.raises(RdcodecError, match=f"state: no such network remembers {value}, which stands at position {at}"):
            _core.prediction_load(predictor, saved)
    saved = np.array([-32767] * 7 + [INPUT_LIMIT] * 2 * parts.net.inputs, "<i2").tobytes()
    assert _core.prediction_save(_core.prediction_load(predictor, saved)) == saved
    for other in (saved[:-2], saved + b"aa", b""):
        with pytest.raises(RdcodecError, match=f"state: expected {size} numbers .* got {len(other) // 2}"):
            _core.prediction_load(predictor, other)
    with pytest.raises(RdcodecError, match=f"prediction: expected {2 * size} bytes, got {2 * size + 1}"):
        _core.prediction_load(predictor, saved + b"a")


def test_a_decoder_of_other_tables_says_so(parts, tokens):
    few = FrequencyTables.gaussian([1.0, 2.0])
    decoder = few.decoder(few.encode(np.zeros(42, int), np.zeros(42, int)), 42)
    with pytest.raises(RdcodecError, match="index: no such table"):
        decode(parts.start(), decoder, tokens)


def test_objects_of_other_types_are_refused(parts, tokens):
    prediction, predictor = parts.start(), parts.core()
    rules = (0, 0, np.zeros(7, np.int32)), (parts.costs, parts.candidates), 0
    with pytest.raises(TypeError, match="net: expected Net, got int"):
        _core.predictor_make(parts.grid, 5, parts.unit, True, (0, 0), *rules)
    with pytest.raises(TypeError, match="must be tuple, not int"):
        _core.predictor_make(5, parts.net.core, parts.unit, True, (0, 0), *rules)
    with pytest.raises(TypeError, match="must be rdcodec._core.Predictor, not rdcodec._core.Prediction"):
        _core.prediction_make(prediction)
    with pytest.raises(TypeError, match="prediction: expected Prediction, got rdcodec._core.Predictor"):
        _core.prediction_copy(predictor)
    with pytest.raises(TypeError, match="prediction: expected Prediction, got rdcodec._core.Predictor"):
        encode(predictor, tokens)
    for function in (_core.prediction_save, _core.prediction_begin, _core.prediction_rollback):
        with pytest.raises(TypeError, match="prediction: expected Prediction, got rdcodec._core.Predictor"):
            function(predictor)
    with pytest.raises(TypeError, match="must be rdcodec._core.Predictor, not rdcodec._core.Prediction"):
        _core.prediction_load(prediction, b"")
    with pytest.raises(TypeError, match="decoder: expected a Decoder, got int"):
        _core.prediction_decode(prediction, 5, *side_information(tokens), *np.zeros((2, 6, 0), np.int32))
    for kind in (_core.Predictor, _core.Prediction):
        with pytest.raises(TypeError, match="cannot create"):
            kind()


def test_kernels_of_no_machine_are_refused(parts, tokens):
    with pytest.raises(RdcodecError, match="expected a class of kernels that this machine has"):
        encode(parts.start(), tokens, "avx9000")
    with pytest.raises(RdcodecError, match="expected a class of kernels that this machine has"):
        decode(parts.start(), block_decoder(np.zeros(42, int), np.zeros(42, int)), tokens, "avx9000")


def test_one_thread_at_a_time_uses_a_prediction(parts):
    tokens = random_tokens(np.random.default_rng(19), parts, 30_000)
    prediction, outputs, refusals = parts.start(), [], set()
    thread = threading.Thread(target=lambda: outputs.append(encode(prediction, tokens, "scalar")))
    thread.start()
    uses = itertools.cycle([_core.prediction_copy, _core.prediction_save, _core.prediction_begin, _core.prediction_rollback])
    while thread.is_alive():
        try:
            next(uses)(prediction)
        except RdcodecError as error:
            refusals.add(str(error))
    thread.join()
    assert refusals == {"prediction: another thread is using it"}
    assert same(outputs[0], encode(parts.start(), tokens))
