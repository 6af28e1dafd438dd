"""The held-out bound on entropy: below the truth no more often than its interval says, and near it where a model is right."""

import numpy as np
import pytest
from laws import LAWS
from scipy import stats

from rdcodec import RdcodecError
from rdcodec.estimators import cross_entropy_bound, gaussian_entropy_bound
from rdcodec.estimators.cells import TAILS, cell_masses


@pytest.mark.parametrize("name", LAWS)
def test_bound_is_not_below_the_entropy(name):
    law, truth = LAWS[name]
    found = [cross_entropy_bound(law(np.random.default_rng(seed))) for seed in range(20)]
    assert sum(estimate.interval[1] < truth for estimate in found) <= 2
    assert np.mean([estimate.value for estimate in found]) > truth - 2 * np.mean([estimate.error for estimate in found]) / np.sqrt(20)


@pytest.mark.parametrize(("name", "slack"), [("normal", 0.03), ("correlated", 0.03), ("in time", 0.03), ("narrow", 0.1), ("laplace", 0.05)])
def test_bound_is_near_the_entropy_where_a_model_is_right(name, slack):
    law, truth = LAWS[name]
    rng = np.random.default_rng(3)
    y = np.concatenate([law(rng) for _ in range(8)])
    assert cross_entropy_bound(y).value < truth * (1 + slack)


def test_covariances_of_few_samples_are_below_the_entropy_and_this_is_not():
    """50 samples of 120 features: the plug-in estimate of the Gaussian bound is below the truth every time."""
    law, truth = LAWS["50 samples of 120 features"]
    samples = [law(np.random.default_rng(seed)) for seed in range(5)]
    assert all(gaussian_entropy_bound(y).value < truth for y in samples)
    assert all(cross_entropy_bound(y).value > truth for y in samples)


def test_what_comes_before_is_used_where_it_helps():
    found = cross_entropy_bound(LAWS["in time"][0](np.random.default_rng(4)))
    assert found.terms["autoregressive"] == 1 and sum(found.terms.values()) == pytest.approx(1)
    y = LAWS["in time"][0](np.random.default_rng(4))
    shuffled = np.random.default_rng(5).permutation(y.reshape(-1, 2)).reshape(y.shape)
    assert cross_entropy_bound(shuffled).value > found.value + 1
    assert cross_entropy_bound(LAWS["words"][0](np.random.default_rng(6))).terms["frequencies"] == 1


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("scale", [0.05, 0.7, 30.0])
def test_masses_are_those_of_cells(tail, scale):
    density = {"normal": stats.norm, "cauchy": stats.cauchy}[tail](0.3, scale)
    k = np.arange(-4000, 4001)
    masses = cell_masses(k - 0.3, np.float64(scale), TAILS[tail])
    truth = np.where(k > 0, density.sf(k - 0.5) - density.sf(k + 0.5), density.cdf(k + 0.5) - density.cdf(k - 0.5))
    assert np.abs(masses - truth).max() < 2e-7 and masses.min() >= 0
    assert masses.sum() <= 1 + 1e-12 and masses.sum() == pytest.approx(density.cdf(4000.5) - density.cdf(-4000.5), abs=1e-6)


def test_what_never_changed_may_change():
    y = np.zeros((40, 3))
    assert cross_entropy_bound(y).value < 0.5
    y[-1] = 1e6
    assert 1 < cross_entropy_bound(y).value < 50


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros((3, 2)), "y: expected at least 4 windows, for parts that fit, choose and measure, got 3"),
        (np.zeros(5), r"y: expected integers \[windows, vectors, features\], got float64 of shape \(5,\)"),
        (np.zeros((5, 0)), r"y: expected integers \[windows, vectors, features\]"),
        (np.full((5, 2), 0.5), "y: expected integers, got fractions"),
        (np.full((5, 2), np.nan), "y: expected finite values, got NaN or infinity"),
        (np.array([["a"]]), "y: expected integers"),
    ],
)
def test_bad_input(y, message):
    with pytest.raises(RdcodecError, match=message):
        cross_entropy_bound(y)
