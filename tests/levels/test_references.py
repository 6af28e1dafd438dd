"""References to earlier tokens: those that an independent search chooses, and the same however tokens are grouped, copied and kept."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from predicted_parts import (
    CANDIDATES,
    MOST,
    TABLES,
    choose,
    part,
    quantised,
    random_parts,
    random_tokens,
    reference_scale,
    side_information,
)

from rdcodec import RdcodecError, _core


@st.composite
def cases(draw):
    """Parts that refer, and tokens of which some resemble earlier ones."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parts = random_parts(rng, draw(st.integers(1, 40)), 2, draw(st.booleans()))._replace(referred=draw(st.sampled_from([1, 3, 64, 200])))
    tokens = random_tokens(rng, parts, draw(st.sampled_from([0, 1, 9, 30])))
    for t in range(1, len(tokens.y)):
        if draw(st.booleans()):
            source, factor = rng.integers(t), rng.choice([1.0, -0.5, 0.8])
            tokens.base[t] = tokens.base[source]
            tokens.side[t] = tokens.side[source]
            tokens.y[t] = factor * tokens.y[source] + rng.standard_normal(len(parts.unit))
    return parts, tokens


def encode(prediction, tokens, *cpu):
    """Levels, tables, distances, weights and candidates."""
    return _core.prediction_encode(prediction, tokens.y, *side_information(tokens), *cpu)


def decode(prediction, coded, tokens, *cpu):
    levels, index, distance, weight, choice = coded
    decoder = TABLES.decoder(TABLES.encode(levels.ravel(), index.ravel()), levels.size)
    told = tokens._replace(token_scale=tokens.token_scale + CANDIDATES[choice])
    values = _core.prediction_decode(prediction, decoder.core, *side_information(told), distance, weight, *cpu)
    decoder.finish()
    return values


def codes_of(features):
    return np.clip((features * reference_scale(len(features)).astype(np.int64) + 2**11) >> 12, -127, 127)


def log2_of(n):
    bits = int(n).bit_length() - 1
    return bits + n / 2**bits - 1


def search(earlier, left):
    """Distances and weights of one token, as csrc/references/choose.h says: greedily, each while it pays."""
    chosen, components = [], len(left)
    codes = np.array([codes_of(features) for features in earlier]).reshape(len(earlier), components)
    energy = (codes**2).sum(axis=1)
    for _ in range(MOST if earlier else 0):
        query = codes_of(left)
        products = codes @ query
        total, at, most = (query**2).sum(), None, (0.0, 1.0)
        for j, (p, e) in enumerate(zip(np.abs(products).astype(float), energy.astype(float))):
            gain = (p * p, e) if p < e else (2 * p - e, 1.0)
            if e > 0 and gain[0] * most[1] >= most[0] * gain[1]:
                at, most = j, gain
        if total == 0 or at is None:
            break
        p, e = int(products[at]), int(energy[at])
        weight = 8 if abs(p) >= e else (16 * abs(p) + e) // (2 * e)
        weight = weight if p > 0 else -weight
        saved = (2 * weight / 8 * p - (weight / 8) ** 2 * e) / total
        bits = 0.35 / np.log(2) * components * (saved + saved**2 / 2 + saved**3 / 3)
        if weight == 0 or bits <= log2_of(len(earlier) + 1) + 3:
            break
        chosen.append((len(earlier) - at, weight))
        left = np.clip(left - ((weight * earlier[at] + 4) >> 3), -(2**15) + 1, 2**15 - 1)
    return chosen


def expected(parts, tokens):
    """What an encoder says of tokens, and the components that a decoder makes of it."""
    prediction, coded = parts.reference(), []
    for y, side, base, exponent, token_scale in zip(*tokens):
        prediction.predict(side, base, [])
        left = (y * 2**16 - prediction.mean) / 2.0 ** (10 + parts.unit)
        left = np.trunc(np.clip(left, -(2**15) + 1, 2**15 - 1) + np.where(left < 0, -0.5, 0.5)).astype(np.int64)
        references = search(prediction.earlier, left)
        del prediction.inputs[-1]
        prediction.predict(side, base, references)
        levels = quantised(prediction, y, exponent, token_scale)
        choice = choose(prediction, levels, token_scale)
        index = prediction.tables(levels, int(token_scale + CANDIDATES[choice]))
        prediction.adapt(levels, int(token_scale + CANDIDATES[choice]))
        padded = np.array([*references, *[(0, 0)] * (MOST - len(references))])
        coded.append((levels, index, padded[:, 0], padded[:, 1], choice, prediction.reconstruct(levels, exponent)))
    shapes = [tokens.y.shape, tokens.y.shape, (len(tokens.y), MOST), (len(tokens.y), MOST), tokens.exponent.shape, tokens.y.shape]
    return [np.array(column).reshape(shape) for column, shape in zip(zip(*coded) if coded else [()] * 6, shapes)]


def same(got, wanted):
    return all(np.array_equal(a, b) for a, b in zip(got, wanted, strict=True))


@given(case=cases())
def test_references_are_those_of_an_independent_search(cpu, case):
    parts, tokens = case
    *coded, components = expected(parts, tokens)
    got = encode(parts.start(), tokens, cpu)
    assert same(got, coded)
    assert np.array_equal(decode(parts.start(), got, tokens, cpu), components)


def test_a_token_that_comes_again_costs_next_to_nothing(cpu):
    parts = random_parts(np.random.default_rng(1), 64, 2, False)._replace(referred=100)
    tokens = random_tokens(np.random.default_rng(2), parts, 40)
    again = tokens._replace(**{name: np.concatenate([array, array]) for name, array in tokens._asdict().items()})
    again.exponent[:] = 0
    levels, _, distance, weight, _ = encode(parts.start(), again, cpu)
    assert (distance[40:, 0] == 40).mean() > 0.9 and (weight[40:, 0] == 8).mean() > 0.9
    assert np.abs(levels[40:]).sum() < 0.2 * np.abs(levels[:40]).sum()


@given(case=cases(), cut=st.integers(0, 30), kept=st.sampled_from(["copy", "save", "rollback"]))
def test_tokens_go_on_after_copies_saves_and_what_is_taken_back(case, cut, kept):
    parts, tokens = case
    wanted = expected(parts, tokens)[:5]
    head, tail = part(tokens, slice(cut)), part(tokens, slice(cut, None))
    prediction = parts.start()
    coded = encode(prediction, head)
    assert _core.prediction_referable(prediction) == min(len(head.y), parts.referred)
    other = part(tokens, slice(None, None, -1))
    if kept == "copy":
        copy = _core.prediction_copy(prediction)
        encode(prediction, other)
        prediction = copy
    elif kept == "save":
        saved = _core.prediction_save(prediction)
        encode(prediction, other)
        prediction = _core.prediction_load(parts.core(), saved)
        assert _core.prediction_save(prediction) == saved
    else:
        encode(prediction, other)
        _core.prediction_rollback(prediction)
    coded = [np.concatenate(pair) for pair in zip(coded, encode(prediction, tail))]
    assert same(coded, wanted)


def test_copies_share_what_they_have_and_write_to_their_own():
    parts = random_parts(np.random.default_rng(3), 16, 2, False)._replace(referred=150)
    rng = np.random.default_rng(4)
    common, own = random_tokens(rng, parts, 100), [random_tokens(rng, parts, 90) for _ in range(3)]
    first = parts.start()
    encode(first, common)
    branches = [first, _core.prediction_copy(first), _core.prediction_copy(first)]
    for start in range(0, 90, 7):
        for branch, tokens in zip(branches, own):
            encode(branch, part(tokens, slice(start, start + 7)))
    for branch, tokens in zip(branches, own):
        alone = parts.start()
        encode(alone, common)
        encode(alone, tokens)
        assert _core.prediction_save(branch) == _core.prediction_save(alone)


@pytest.mark.parametrize(
    ("distance", "weight", "message"),
    [
        (3, 8, "reference: expected a token 1 to 2 before, got 3"),
        (-1, 8, "reference: expected a token 1 to 2 before, got -1"),
        (2**31 - 1, 8, "reference: expected a token 1 to 2 before, got 2147483647"),
        (1, 9, "weight of reference 1: expected -8 to 8, got 9"),
        (1, -9, "weight of reference 1: expected -8 to 8, got -9"),
    ],
)
def test_references_to_nothing_are_refused_and_change_nothing(distance, weight, message):
    parts = random_parts(np.random.default_rng(5), 8, 2, False)._replace(referred=2)
    tokens = random_tokens(np.random.default_rng(6), parts, 6)
    *coded, components = expected(parts, tokens)
    prediction = parts.start()
    damaged = [column.copy() for column in coded]
    damaged[2][4, 1], damaged[3][4, 1] = distance, weight
    with pytest.raises(RdcodecError, match=message):
        decode(prediction, [column.astype(np.int32) for column in damaged], tokens)
    assert np.array_equal(decode(prediction, [column.astype(np.int32) for column in coded], tokens), components)


@pytest.mark.parametrize(
    ("references", "message"),
    [
        ((65537, 1, np.zeros(7, np.int32)), "references: expected up to 65536 tokens and 8 a token, or neither, got 65537 and 1"),
        ((5, 9, np.zeros(7, np.int32)), "references: expected up to 65536 tokens and 8 a token, or neither, got 5 and 9"),
        ((5, 0, np.zeros(7, np.int32)), "references: expected up to 65536 tokens and 8 a token, or neither, got 5 and 0"),
        ((0, 1, np.zeros(7, np.int32)), "references: expected up to 65536 tokens and 8 a token, or neither, got 0 and 1"),
        ((5, 1, np.array([0, 0, 4097, 0, 0, 0, 0], np.int32)), "reference scale of component 2: expected 0 to 4096, got 4097"),
        ((5, 1, np.array([0, 0, 0, -1, 0, 0, 0], np.int32)), "reference scale of component 3: expected 0 to 4096, got -1"),
        ((5, 1, np.zeros(6, np.int32)), "references: expected numbers of tokens and one scale a component, 7, got 6"),
    ],
)
def test_rules_out_of_range_are_refused(references, message):
    parts = random_parts(np.random.default_rng(7))
    with pytest.raises(RdcodecError) as refusal:
        _core.predictor_make(parts.grid, parts.net.core, parts.unit, True, (0, 0), references, (parts.costs, parts.candidates), 0)
    assert str(refusal.value) == message
