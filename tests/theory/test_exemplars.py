"""A codebook of kept inputs: what it says is read back, and it costs what it should."""

import numpy as np
import pytest

from rdcodec import RdcodecError
from rdcodec.estimators import rate_at_divergence
from rdcodec.estimators.output_rate import divergences
from rdcodec.theory import Exemplars

pytestmark = pytest.mark.slow


def outputs(inputs, seed):
    p = np.exp(np.random.default_rng(seed).normal(0, 3, (inputs, 4)))
    return p / p.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def fitted():
    return outputs(400, 0)


def test_frames_say_which_exemplar_is_the_best_for_what_it_costs(fitted):
    code, p = Exemplars(fitted, 10.0), outputs(300, 1)
    numbers = code.decode(code.encode(p))
    assert set(numbers) <= set(code.kept)
    of_each = divergences(p, fitted[code.kept])
    taken = of_each[np.arange(300), np.searchsorted(code.kept, numbers)]
    assert taken.mean() < of_each.mean() / 10
    assert (taken - of_each.min(axis=1)).max() < np.log(400) / 10  # a nat of divergence is worth 10 of rate


def test_steeper_slopes_pay_more_for_less_divergence(fitted):
    bits, losses = [], []
    for slope in (3, 12, 50):
        code = Exemplars(fitted, slope)
        frame = code.encode(fitted)
        bits.append(8 * len(frame))
        losses.append(divergences(fitted, fitted)[np.arange(400), code.decode(frame)].mean())
    assert bits == sorted(bits) and losses == sorted(losses, reverse=True)


def test_rate_is_between_the_bound_and_a_little_more(fitted):
    code = Exemplars(fitted, 10.0)
    frame = code.encode(fitted)
    level = divergences(fitted, fitted)[np.arange(400), code.decode(frame)].mean()
    low, high = rate_at_divergence(fitted, float(level), draws=2000).interval
    assert low < high < 8 * len(frame) / 400 < 1.5 * low


def test_what_is_refused(fitted):
    code = Exemplars(fitted, 10.0, most=5)
    assert len(code.kept) <= 5
    with pytest.raises(RdcodecError, match="p: expected 4 classes, got 3"):
        code.encode(np.eye(3))
    with pytest.raises(RdcodecError, match="slope: expected a number above 0"):
        Exemplars(fitted, 0)
    with pytest.raises(RdcodecError, match="most: expected at least 1"):
        Exemplars(fitted, 1, most=0)
    with pytest.raises(RdcodecError):
        code.decode(code.encode(fitted)[:-3])
