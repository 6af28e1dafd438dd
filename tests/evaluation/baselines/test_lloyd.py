"""Quantisers against those that are known."""

import numpy as np
import pytest

from rdcodec.evaluation.baselines.lloyd import fit_quantiser

# Quantiles of the normal distribution stand for it: no noise of a sample.
NORMAL = np.sort(np.random.default_rng(0).normal(size=2**20))
NORMAL = (NORMAL - NORMAL[::-1]) / 2  # symmetric


@pytest.mark.parametrize(
    ("points", "error"),
    [
        ([0.7980], 0.3634),
        ([0.0, 1.2240], 0.1902),
        ([0.4528, 1.510], 0.1175),
        ([0.2451, 0.7560, 1.344, 2.152], 0.03454),
    ],
)
def test_the_optimum_of_a_normal_variable(points, error):
    """Table I of Max (1960): positive points, and the mean squared error."""
    levels = 2 * len(points) - (points[0] == 0)
    found = fit_quantiser(NORMAL, levels)
    np.testing.assert_allclose(found.points[-len(points) :], points, atol=0.01)
    assert np.square(found.points[found.quantise(NORMAL)] - NORMAL).mean() == pytest.approx(error, rel=0.01)


def test_the_optimum_of_a_uniform_variable():
    found = fit_quantiser(np.linspace(0, 1, 100_001), 5)
    np.testing.assert_allclose(found.points, [0.1, 0.3, 0.5, 0.7, 0.9], atol=1e-4)
    np.testing.assert_allclose(found.probabilities, 0.2, atol=1e-4)


def test_a_price_brings_it_near_the_bound():
    """At high rate an entropy-coded scalar quantiser is 0.254 bits above the rate-distortion function, log2(sigma / root of D)."""
    for price in (0.001, 0.01):
        found = fit_quantiser(NORMAL, 128, price)
        distortion = np.square(found.points[found.quantise(NORMAL)] - NORMAL).mean()
        entropy = -(found.probabilities * np.log2(found.probabilities)).sum()
        assert 0.2 < entropy + np.log2(distortion) / 2 - np.log2(NORMAL.std()) < 0.26


def test_a_price_lowers_what_it_weighs():
    price = 0.05

    def cost(quantiser):
        probabilities = quantiser.probabilities
        error = np.square(quantiser.points[quantiser.quantise(NORMAL)] - NORMAL).mean()
        return error - price * (probabilities * np.log2(probabilities)).sum()

    assert cost(fit_quantiser(NORMAL, 64, price)) < min(cost(fit_quantiser(NORMAL, levels)) for levels in range(2, 20))


def test_points_that_hold_nothing_are_dropped():
    found = fit_quantiser(np.repeat([0.0, 10.0], 100), 8)
    np.testing.assert_allclose(found.points, [0, 10])
    assert len(found.thresholds) == 1
