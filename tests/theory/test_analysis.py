"""Correlations within models and between them, and the mixed-effects slope."""

import numpy as np
import pytest

from rdcodec import RdcodecError
from rdcodec.theory import mixed_slope, within_between


def simulated(models, rows, within, between, seed):
    """Names, x and y: y follows x with one slope within a model and with another from model to model."""
    rng = np.random.default_rng(seed)
    means, centred = rng.normal(0, 3, (models, 1)), rng.normal(0, 1, (models, rows))
    y = between * means + within * centred + rng.normal(0, 0.3, (models, rows))
    return np.repeat([f"model {i}" for i in range(models)], rows), (means + centred).ravel(), y.ravel()


def test_within_and_between_are_told_apart():
    within, between = within_between(*simulated(8, 10, 1.0, -1.0, 0), resamples=300)
    assert within.value > 0.9 and within.interval[0] > 0.8 and within.samples == 80
    assert between.value < -0.8 and between.interval[1] < -0.4 and between.samples == 8
    names, x, y = simulated(8, 10, 1.0, -1.0, 0)
    assert np.corrcoef(x, y)[0, 1] < 0  # which is all that a correlation of the rows says


def test_intervals_are_of_models():
    """A hundred times the same rows know no more."""
    names, x, y = simulated(5, 4, 1.0, 0.5, 1)
    once, often = (within_between(np.tile(names, n), np.tile(x, n), np.tile(y, n), resamples=300)[0] for n in (1, 100))
    assert often.interval == pytest.approx(once.interval)


def test_slope_is_that_within_models():
    pytest.importorskip("statsmodels")
    names, x, y = simulated(12, 10, 1.0, -1.0, 2)
    found = mixed_slope(names, x, y)
    assert found.value * y.std() / x.std() == pytest.approx(1.0, abs=0.15)
    assert found.terms["models"] > found.terms["rest"] and 0 < found.error < 0.1


@pytest.mark.parametrize(
    "models, x, y, message",
    [
        ("aabb", [1, 2, 3, 4], [1, 2, 3, 4], "models: expected at least 3 different ones, the independent units, got 2"),
        ("abc", [1, 2], [1, 2, 3], "models, x, y: expected as many of each"),
        ("abc", [1, 2, np.nan], [1, 2, 3], "models, x, y: expected as many of each, finite"),
        ("abc", [1, 2, 3], [1, 2, 3], "x, y: expected numbers that differ within models and between them"),
    ],
)
def test_what_is_refused(models, x, y, message):
    with pytest.raises(RdcodecError, match=message):
        within_between(list(models), x, y)
