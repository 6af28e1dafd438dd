"""Rademacher complexity: closed forms, all signs, bounds, streaming, bad input."""

from itertools import product

import numpy as np
import pytest

from rdcodec import RdcodecError, _core
from rdcodec.estimators import rademacher_complexity
from rdcodec.estimators import samples as blocks


def over_all_signs(y, ball):
    sums = np.array(list(product([-1, 1], repeat=len(y)))) @ y / len(y)
    return (np.abs(sums).max(axis=1) if ball == "l1" else np.sqrt((sums**2).sum(axis=1))).mean()


@pytest.mark.parametrize("ball", ["l1", "l2"])
@pytest.mark.parametrize("case", range(20))
def test_value_is_the_mean_over_all_signs(ball, case):
    rng = np.random.default_rng(case)
    y = rng.normal(size=(rng.integers(1, 12), rng.integers(1, 90))) * 10.0 ** rng.integers(-3, 4)
    found = rademacher_complexity(y, ball, draws=4000, seed=case)
    assert abs(found.value - over_all_signs(y, ball)) <= 4 * found.error + 1e-6 * found.value
    assert found.value <= found.terms["upper"] + 4 * found.error
    assert ball == "l2" or found.value <= found.terms["massart"] + 4 * found.error <= found.terms["upper"] + 5 * found.error
    assert ball == "l1" or found.value >= found.terms["lower"] - 4 * found.error


@pytest.mark.parametrize("ball", ["l1", "l2"])
def test_coverage(ball):
    y = np.random.default_rng(0).normal(size=(10, 6))
    truth = over_all_signs(y, ball)
    intervals = [rademacher_complexity(y, ball, draws=300, seed=seed).interval for seed in range(1000)]
    assert np.mean([low <= truth <= high for low, high in intervals]) >= 0.94


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (32, 64), (33, 65), (100, 200), (129, 130)])
def test_maxima_are_those_of_the_documented_signs(shape, cpu):
    rng = np.random.default_rng(1)
    y = rng.integers(-50, 50, shape).astype(np.float32)  # whose sums are exact
    draws = 600
    signs = np.stack([_core.random_signs(7, draw, shape[0]) for draw in range(draws)])
    expected = np.abs(signs @ y).max(axis=1)
    maxima = np.zeros(draws, np.float32)
    _core.rademacher_maxima(y, 7, maxima, cpu)
    assert np.array_equal(maxima, expected)
    forms = _core.rademacher_forms((y @ y.T).astype(np.float64), 7, draws)
    assert np.array_equal(forms, ((signs @ y) ** 2).sum(axis=1))


def test_maxima_are_the_same_at_every_level(cpu):
    y = np.random.default_rng(2).normal(size=(77, 150)).astype(np.float32)
    found, scalar = np.zeros(50, np.float32), np.zeros(50, np.float32)
    _core.rademacher_maxima(y, 1, found, cpu)
    _core.rademacher_maxima(y, 1, scalar, "scalar")
    assert np.array_equal(found, scalar)


@pytest.mark.parametrize("ball", ["l1", "l2"])
def test_blocks_make_no_difference(ball, monkeypatch, tmp_path):
    y = np.random.default_rng(3).normal(size=(40, 1000)).astype(np.float32)
    np.save(tmp_path / "y.npy", y)
    whole = rademacher_complexity(y, ball, draws=200)
    monkeypatch.setattr(blocks, "BLOCK", 40 * 64)
    parts = rademacher_complexity(np.load(tmp_path / "y.npy", mmap_mode="r"), ball, draws=200)
    assert parts.value == pytest.approx(whole.value, rel=1e-6)
    assert parts.terms == pytest.approx(whole.terms, rel=1e-12)


def test_seeds_and_scales():
    y = np.random.default_rng(4).normal(size=(20, 10))
    found = rademacher_complexity(y, draws=100)
    assert rademacher_complexity(y, draws=100) == found
    assert rademacher_complexity(y, draws=100, seed=1).value != found.value
    assert rademacher_complexity(y * 2.0**200, draws=100).value == found.value * 2.0**200
    assert rademacher_complexity(y * 0, draws=100).value == 0
    assert rademacher_complexity(np.ones((3, 4)), "l2", draws=2).samples == 3


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (np.zeros((0, 3)), {}, "y: expected at least 1 samples, got 0"),
        (np.zeros((3, 0)), {}, "y: expected real numbers"),
        ([[1.0, np.nan]], {}, "y: expected finite values, got NaN or infinity"),
        ([[1.0]], {"ball": "linf"}, "ball: expected l1 or l2, got 'linf'"),
        ([[1.0]], {"draws": 1}, "draws: expected at least 2, got 1"),
        ([[1.0]], {"seed": -1}, r"seed: expected 0 to 2\^64 - 1, got -1"),
    ],
)
def test_bad_input(y, options, message):
    with pytest.raises(RdcodecError, match=message):
        rademacher_complexity(y, **options)


@pytest.mark.parametrize("ball", ["l1", "l2"])
@pytest.mark.parametrize("scale", [2.0**-540, 2.0**530])  # 1e-162, 1e160
def test_squares_neither_overflow_nor_vanish(ball, scale):
    y = np.random.default_rng(9).normal(size=(20, 30))
    plain, scaled = (rademacher_complexity(y * factor, ball, draws=50) for factor in (1, scale))
    assert scaled.value == pytest.approx(plain.value * scale, rel=1e-6) and scaled.error == pytest.approx(plain.error * scale)
    assert all(scaled.terms[name] == pytest.approx(plain.terms[name] * scale) for name in plain.terms)
