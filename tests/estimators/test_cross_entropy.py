"""The held-out bound on entropy: below the truth no more often than its interval says, and near it where a model is right."""

import numpy as np
import pytest
from scipy import stats

from rdcodec import RdcodecError
from rdcodec.estimators import cross_entropy_bound, gaussian_entropy_bound
from rdcodec.estimators.cells import TAILS, cell_masses

WINDOWS = 40


def rounded_entropy(density):
    """Of a sample rounded to an integer, bits."""
    low = int(np.floor(density.ppf(1e-9)))
    k = np.arange(low, low + 400_000) if density.ppf(1 - 1e-9) - low > 400_000 else np.arange(low, int(density.ppf(1 - 1e-9)) + 2)
    p = density.cdf(k + 0.5) - density.cdf(k - 0.5)
    p = p[p > 0]
    return -np.sum(p * np.log2(p))


def alike(density, features):
    """Independent features of one density, rounded, in windows of one vector; the entropy of a vector."""
    return (
        lambda rng: np.rint(density.rvs((4 * WINDOWS, features), random_state=rng)),
        features * rounded_entropy(density),
    )


def correlated(rng):
    mix = np.random.default_rng(1).normal(0, 12, (5, 5))
    return np.rint(rng.normal(size=(4 * WINDOWS, 5)) @ mix)


def gaussian_bits(features, log_det):
    return features / 2 * np.log2(2 * np.pi * np.e) + log_det / 2 / np.log(2)


def in_time(rng):
    """AR(1) along windows, of deviation 20, the correlation of neighbours 0.9."""
    y = np.empty((WINDOWS, 32, 2))
    y[:, 0] = rng.normal(size=(WINDOWS, 2))
    for t in range(1, 32):
        y[:, t] = 0.9 * y[:, t - 1] + np.sqrt(1 - 0.81) * rng.normal(size=(WINDOWS, 2))
    return np.rint(20 * y)


def words(rng):
    p = 1 / np.arange(1, 41)
    return rng.choice(1000, 40, replace=False)[rng.choice(40, (4 * WINDOWS, 1), p=p / p.sum())]


ZIPF = 1 / np.arange(1, 41) / np.sum(1 / np.arange(1, 41))
MIX = np.random.default_rng(1).normal(0, 12, (5, 5))
LAWS = {
    "normal": alike(stats.norm(3, 5), 3),
    "narrow": alike(stats.norm(0, 0.3), 4),
    "uniform": alike(stats.uniform(-10, 40), 2),
    "laplace": alike(stats.laplace(0, 4), 3),
    "student": alike(stats.t(2, 0, 3), 3),
    "exponential": alike(stats.expon(0, 8), 3),
    "wide": (lambda rng: np.rint(rng.normal(0, 9, (50, 120))), 120 * rounded_entropy(stats.norm(0, 9))),
    "correlated": (correlated, gaussian_bits(5, np.linalg.slogdet(MIX.T @ MIX)[1])),
    "in time": (in_time, gaussian_bits(2, 2 * (np.log(400) + 31 / 32 * np.log(1 - 0.81)))),
    "words": (words, -np.sum(ZIPF * np.log2(ZIPF))),
}


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
    law, truth = LAWS["wide"]
    samples = [law(np.random.default_rng(seed)) for seed in range(5)]
    assert all(gaussian_entropy_bound(y).value < truth for y in samples)
    assert all(cross_entropy_bound(y).value > truth for y in samples)


def test_what_comes_before_is_used_where_it_helps():
    found = cross_entropy_bound(in_time(np.random.default_rng(4)))
    assert found.terms["autoregressive"] == 1 and sum(found.terms.values()) == pytest.approx(1)
    shuffled = in_time(np.random.default_rng(4))
    np.random.default_rng(5).shuffle(shuffled.reshape(-1, 2))
    assert cross_entropy_bound(shuffled).value > found.value + 1
    assert cross_entropy_bound(words(np.random.default_rng(6))).terms["frequencies"] == 1


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
