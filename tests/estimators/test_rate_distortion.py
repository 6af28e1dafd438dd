"""Rate-distortion references beside closed forms; bad input."""

import numpy as np
import pytest
from scipy.stats import norm

from rdcodec import RdcodecError
from rdcodec.estimators import (
    differential_entropy,
    rate_distortion,
    reverse_water_filling,
    scalar_quantisation,
    shannon_lower_bound,
)


def bits(*p):
    return -sum(q * np.log2(q) for q in p if q > 0)


@pytest.mark.parametrize("p", [0.5, 0.3, 0.1, 0.01])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.7, 0.99, 1.0])
def test_binary_source(p, share):
    level = share * p
    found = rate_distortion([p, 1 - p], [[0, 1], [1, 0]], level)
    truth = bits(p, 1 - p) - bits(level, 1 - level)
    assert found.value == pytest.approx(truth, abs=1e-7)
    assert found.interval[0] - 1e-9 <= truth <= found.interval[1] + 1e-9


@pytest.mark.parametrize("size", [3, 8, 40])
@pytest.mark.parametrize("level", [0.01, 0.2, 0.6])
def test_equally_likely_symbols(size, level):
    found = rate_distortion(np.ones(size), 1 - np.eye(size), level)
    assert found.value == pytest.approx(np.log2(size) - bits(level, 1 - level) - level * np.log2(size - 1), abs=1e-7)


def test_erasures_join_two_points_by_a_line():
    """With an output that costs 1/2 for either symbol, the best channels take turns."""
    found = rate_distortion([0.5, 0.5], [[0, 50, 0.5], [50, 0, 0.5]], 0.2)
    assert found.value == pytest.approx(1 - 2 * 0.2, abs=1e-3)
    assert found.interval[0] <= 0.6 <= found.interval[1] + 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.05, 0.1, 0.3, 0.8])
def test_fine_gaussian(level):
    x = np.linspace(-5, 5, 101)
    found = rate_distortion(norm.pdf(x), (x[:, None] - x) ** 2, level, tolerance=1e-4, iterations=2000)
    truth = -np.log2(level) / 2
    assert found.value == pytest.approx(truth, abs=2e-3)
    assert found.interval[1] - found.interval[0] < 1e-3
    assert found.value >= shannon_lower_bound(np.log2(2 * np.pi * np.e) / 2, level).value - 2e-3


def test_slope_is_the_price():
    near, far = (rate_distortion([0.5, 0.5], [[0, 1], [1, 0]], level) for level in (0.1, 0.1001))
    assert near.terms["slope"] == pytest.approx((near.value - far.value) / 1e-4, rel=1e-2)


@pytest.mark.parametrize("case", range(20))
def test_water_filling_meets_the_level(case):
    rng = np.random.default_rng(case)
    variances = 10.0 ** rng.uniform(-3, 3, int(rng.integers(1, 40)))
    level = rng.uniform(0.001, 0.999) * variances.sum()
    found = reverse_water_filling(variances, level)
    water = found.terms["water"]
    assert np.minimum(variances, water).sum() == pytest.approx(level)
    assert found.value == pytest.approx(np.log2(np.maximum(variances / water, 1)).sum() / 2, abs=1e-12)
    assert found.terms["components"] == (variances > water).sum()
    turn = np.linalg.qr(rng.normal(size=(len(variances),) * 2))[0]
    assert reverse_water_filling((turn * variances) @ turn.T, level).value == pytest.approx(found.value, rel=1e-8)


def test_water_over_everything():
    assert reverse_water_filling([1.0, 2.0], 3.5).value == 0
    assert reverse_water_filling([0.0, 0.0], 0.1).value == 0
    assert reverse_water_filling(np.eye(3), 3 * 0.25).value == pytest.approx(3)


@pytest.mark.parametrize("scale", [0.25, 1, 8])
@pytest.mark.parametrize("dimensions", [1, 2, 7])
@pytest.mark.parametrize("level", [1e-3, 0.01])
def test_shannons_bound_is_tight_for_gaussians(scale, dimensions, level):
    entropy = dimensions * np.log2(2 * np.pi * np.e * scale**2) / 2
    found = shannon_lower_bound(entropy, level * dimensions * scale**2, dimensions)
    assert found.value == pytest.approx(-dimensions * np.log2(level) / 2)
    assert found.value == pytest.approx(reverse_water_filling([scale**2] * dimensions, level * dimensions * scale**2).value)


@pytest.mark.parametrize("level", [0.01, 0.5, 3.0, 8.0, 100.0])
def test_shannons_bound_follows_the_water(level):
    """Exact for Gaussians at every level; never below the bound that knows no covariance; and a bound for others."""
    mix = np.random.default_rng(3).normal(size=(4, 4)) * [0.2, 0.5, 1, 2]
    covariance = mix.T @ mix
    entropy = np.linalg.slogdet(2 * np.pi * np.e * covariance)[1] / 2 / np.log(2)
    exact = reverse_water_filling(covariance, level).value
    for found in (
        shannon_lower_bound(entropy, level, covariance=covariance),
        shannon_lower_bound(entropy, level, 4, np.linalg.eigvalsh(covariance)),
    ):
        assert found.value == pytest.approx(exact, abs=1e-9)
    assert shannon_lower_bound(entropy, level, 4).value <= exact + 1e-9
    assert shannon_lower_bound(entropy - 0.3, level, covariance=covariance).value == pytest.approx(max(exact - 0.3, 0), abs=1e-9)


def test_shannons_bound_carries_an_error():
    entropy = differential_entropy(np.random.default_rng(0).normal(size=500))
    found = shannon_lower_bound(entropy, 0.01)
    assert found.error == entropy.error and found.samples == 500
    assert shannon_lower_bound(0.0, 5.0).value == 0


@pytest.mark.parametrize("step", np.geomspace(0.002, 20, 20))
def test_scalar_quantiser_of_a_gaussian(step):
    found = scalar_quantisation(3 * step, deviation=3)
    k = np.arange(-int(12 / step) - 2, int(12 / step) + 3)
    p = norm.cdf((k + 0.5) * step) - norm.cdf((k - 0.5) * step)
    p = np.where(k > 0, norm.sf((k - 0.5) * step) - norm.sf((k + 0.5) * step), p)
    assert found.value == pytest.approx(bits(*p), rel=1e-9, abs=1e-9)
    assert found.terms["gap"] >= 0
    if step < 0.5:
        assert found.terms["gap"] == pytest.approx(np.log2(2 * np.pi * np.e / 12) / 2, abs=2e-3)
        assert found.terms["distortion"] == pytest.approx(9 * step**2 / 12, rel=2e-2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rate_distortion([0.5, 0.5], [[0, 1]], 0.1), r"distortion: expected \[2, outputs\], not empty"),
        (lambda: rate_distortion([-0.5, 1.5], np.eye(2), 0.1), "p: expected numbers of at least 0 with a sum above 0"),
        (lambda: rate_distortion([0.0, 0.0], np.eye(2), 0.1), "p: expected numbers of at least 0 with a sum above 0"),
        (lambda: rate_distortion([], np.eye(2), 0.1), "p: expected at least 1 numbers on one axis"),
        (lambda: rate_distortion([1, np.nan], np.eye(2), 0.1), "p: expected finite values"),
        (lambda: rate_distortion([1, 1], [[0, np.inf], [1, 0]], 0.1), "distortion: expected finite values"),
        (lambda: rate_distortion([1, 1], [[1, 2], [2, 1]], 0.5), "level: expected at least 1, the least possible"),
        (lambda: rate_distortion([1, 1], np.eye(2), np.nan), "level: expected at least 0"),
        (lambda: reverse_water_filling(np.ones((2, 3)), 1), r"covariance: expected a symmetric matrix or variances, got shape"),
        (lambda: reverse_water_filling([[1, 2], [0, 1]], 1), "covariance: expected a symmetric matrix or variances"),
        (lambda: reverse_water_filling([1, -1], 1), "covariance: expected variances of at least 0, got -1.0"),
        (lambda: reverse_water_filling([], 1), "covariance: expected variances of at least 0, got none"),
        (lambda: reverse_water_filling([1, np.nan], 1), "covariance: expected finite values"),
        (lambda: reverse_water_filling([1], 0), "level: expected a number above 0 and below inf, got 0"),
        (lambda: shannon_lower_bound(1, 0), "level: expected a number above 0 and below inf, got 0"),
        (lambda: shannon_lower_bound(1, 1, 2, [1.0, 1.0, 2.0]), "dimensions: expected the covariance's 3, got 2"),
        (lambda: shannon_lower_bound(1, 1, covariance=[1.0, 0.0]), "covariance: expected variances above 0"),
        (lambda: shannon_lower_bound(1, 1, 0), "dimensions: expected at least 1, got 0"),
        (lambda: scalar_quantisation(0), "step: expected a number above 0 and below inf, got 0"),
        (lambda: scalar_quantisation(1e-5), "step: expected at least deviation / 10,000, got 1e-05 deviations"),
        (lambda: scalar_quantisation(1, -1), "deviation: expected a number above 0 and below inf, got -1"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(RdcodecError, match=message):
        call()
