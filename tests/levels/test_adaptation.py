"""Scales that follow the text: what they gain where they were wrong, what they cost where they were right, and what is kept of them."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from predicted_parts import Parts, Tokens, part, random_parts, random_tokens, side_information

from rdcodec import RdcodecError, _core
from rdcodec.calibration.tables import SCALES, SHAPES, ZERO_SCALE, level_tables, prior_level_pmf
from rdcodec.codecs.costs import level_costs

COMPONENTS, TOKENS, LEARNT = 64, 1500, 500
CANDIDATES = np.arange(-8, 9, 4, dtype=np.int32)


@cache
def tables():
    prior = prior_level_pmf()
    return level_tables(np.zeros((SHAPES, *prior.shape)), prior)


def source(deviations):
    """Gaussian tokens of these deviations, in units of the quantiser's spacing."""
    rng = np.random.default_rng(8)
    y = rng.standard_normal((TOKENS, COMPONENTS)) * 2.0 ** (deviations / 8)
    zeros = np.zeros(TOKENS, np.int32)
    return Tokens(y, np.zeros((TOKENS, 0), np.int16), np.zeros((TOKENS, COMPONENTS), np.int16), zeros, zeros)


def bits_of(scales, tokens, adaptation):
    """Of the levels of each token with a predictor of these scales: float64 [tokens]."""
    grid = (scales.astype(np.int32) + ZERO_SCALE, np.zeros(COMPONENTS, np.uint8), SCALES, 0)
    parts = Parts(None, grid, np.zeros(COMPONENTS, np.int8), False, (0, 0), 0, adaptation, level_costs(tables(), 0), CANDIDATES)
    levels, index, *_ = _core.prediction_encode(parts.start(), tokens.y, *side_information(tokens))
    return np.array([tables().ideal_bits(row, of_row) for row, of_row in zip(levels, index)])


DEVIATIONS = np.linspace(-10, 20, COMPONENTS).round()


def test_scales_that_are_right_cost_next_to_nothing():
    tokens = source(DEVIATIONS)
    assert bits_of(DEVIATIONS, tokens, 100).sum() < 1.005 * bits_of(DEVIATIONS, tokens, 0).sum()


def test_scales_that_are_wrong_become_right():
    tokens, wrong = source(DEVIATIONS), DEVIATIONS + np.random.default_rng(9).choice([-4, 4], COMPONENTS)
    right = bits_of(DEVIATIONS, tokens, 0)[LEARNT:].sum()
    assert bits_of(wrong, tokens, 0)[LEARNT:].sum() > 1.02 * right
    assert bits_of(wrong, tokens, 100)[LEARNT:].sum() < 1.01 * right


def remembered(parts, prediction):
    """Drifts, and the tokens seen, which stand behind what the network remembers."""
    net = parts.net.inputs * 2 + len(parts.unit) * parts.uses_context if parts.net else 0
    return np.frombuffer(_core.prediction_save(prediction), "<i2")[net : net + len(parts.unit) + 1]


@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(0, 30), kept=st.sampled_from(["copy", "save", "rollback", "failure"]))
def test_drifts_go_on_after_copies_saves_and_what_is_taken_back(seed, cut, kept):
    rng = np.random.default_rng(seed)
    parts = random_parts(rng)._replace(adaptation=3, referred=5)
    tokens, other = random_tokens(rng, parts, 30), random_tokens(rng, parts, 9)
    whole, prediction = parts.start(), parts.start()
    coded = _core.prediction_encode(whole, tokens.y, *side_information(tokens))
    head, tail = part(tokens, slice(cut)), part(tokens, slice(cut, None))
    _core.prediction_encode(prediction, head.y, *side_information(head))
    before = _core.prediction_save(prediction)
    if kept == "copy":
        prediction, first = _core.prediction_copy(prediction), prediction
        _core.prediction_encode(first, other.y, *side_information(other))
    elif kept == "save":
        prediction = _core.prediction_load(parts.core(), before)
    elif kept == "rollback":
        _core.prediction_encode(prediction, other.y, *side_information(other))
        _core.prediction_rollback(prediction)
    else:
        other.y[-1, 0] = np.nan
        with pytest.raises(RdcodecError):
            _core.prediction_encode(prediction, other.y, *side_information(other))
    assert _core.prediction_save(prediction) == before
    got = _core.prediction_encode(prediction, tail.y, *side_information(tail))
    assert all(np.array_equal(a, b[cut:]) for a, b in zip(got, coded))
    assert _core.prediction_save(prediction) == _core.prediction_save(whole)
    assert remembered(parts, whole)[-1] == 30


def test_drifts_and_tokens_end_at_their_limits():
    """One component whose levels always cost less under a larger scale, and one whose levels always cost more."""
    scales = 40
    falling = 1600 * np.arange(scales)[::-1]
    costs = np.stack([falling, falling[::-1]])[:, :, None, None] + np.zeros((1, 1, 2, 3), int)
    grid = (np.int32([5, 34]), np.uint8([0, 1]), scales, 0)
    costs = costs.reshape(-1, 3).astype(np.uint16)
    parts = Parts(None, grid, np.zeros(2, np.int8), False, (0, 0), 0, 1, costs, np.zeros(1, np.int32))
    tokens = Tokens(*(array[:, :2].copy() if array.ndim == 2 else array for array in source(DEVIATIONS)))
    prediction, index = parts.start(), []
    for _ in range(2):
        index.append(_core.prediction_encode(prediction, tokens.y, *side_information(tokens))[1])
    assert remembered(parts, prediction).tolist() == [24 * 256, -24 * 256, 2048]
    assert np.array_equal(index[1] // 2, np.tile([5 + 24, scales + 34 - 24], (TOKENS, 1)))


def test_drifts_that_no_coding_leaves_behind_are_refused():
    parts = random_parts(np.random.default_rng(12))._replace(adaptation=7)
    at = 2 * parts.net.inputs + len(parts.unit)
    for place, value in ((0, 6145), (6, -6145), (7, -1), (7, 2049)):
        saved = np.zeros(at + 8, "<i2")
        saved[at + place] = value
        with pytest.raises(RdcodecError, match=f"state: no such network remembers {value}, which stands at position {at + place}"):
            _core.prediction_load(parts.core(), saved)
    saved = np.array([0] * at + [6144, -6144] * 3 + [0, 2048], "<i2").tobytes()
    assert _core.prediction_save(_core.prediction_load(parts.core(), saved)) == saved


def test_scales_at_the_grid_s_ends_stay():
    parts = random_parts(np.random.default_rng(13))._replace(adaptation=1)
    for scale in (-(2**30), 2**30):
        tokens = random_tokens(np.random.default_rng(14), parts, 9)
        tokens.token_scale[:] = scale
        prediction = parts.start()
        _core.prediction_encode(prediction, tokens.y, *side_information(tokens))
        assert not remembered(parts, prediction)[:-1].any()
