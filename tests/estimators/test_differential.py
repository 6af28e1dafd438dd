"""Differential entropy: closed forms within the stated error, coverage, bad input."""

import numpy as np
import pytest
from laws import DENSITIES

from rdcodec import RdcodecError
from rdcodec.estimators import differential_entropy


@pytest.mark.parametrize("name", DENSITIES)
@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_neighbours_find_closed_forms(name, dimensions):
    density = DENSITIES[name]
    x = density.rvs((20000, dimensions), random_state=np.random.default_rng(0))
    truth = dimensions * density.entropy() / np.log(2)
    found = differential_entropy(x)
    assert abs(found.value - truth) < 4 * found.error
    assert found.unit == "bits" and found.samples == 20000


@pytest.mark.parametrize("case", range(20))
def test_gaussian_closed_form(case):
    rng = np.random.default_rng(case)
    d = int(rng.integers(1, 12))
    mix = rng.normal(size=(d, d))
    x = rng.normal(size=(int(rng.integers(d + 20, 500)), d)) @ mix.T + 100
    truth = np.linalg.slogdet(2 * np.pi * np.e * mix @ mix.T)[1] / 2 / np.log(2)
    found = differential_entropy(x, "gaussian")
    assert abs(found.value - truth) < 4 * found.error


@pytest.mark.parametrize("method", ["gaussian", "knn"])
def test_coverage(method):
    rng = np.random.default_rng(1)
    truth = np.log2(2 * np.pi * np.e)
    estimates = [differential_entropy(rng.normal(size=(200, 2)), method) for _ in range(1000)]
    assert np.mean([e.interval[0] <= truth <= e.interval[1] for e in estimates]) >= 0.94


@pytest.mark.parametrize("name", DENSITIES)
@pytest.mark.parametrize("dimensions", [1, 2, 3, 5, 8])
def test_neighbours_interval_covers(name, dimensions):
    rng, repeats = np.random.default_rng(4), 60
    truth = dimensions * DENSITIES[name].entropy() / np.log(2)
    found = [differential_entropy(DENSITIES[name].rvs((300, dimensions), random_state=rng)) for _ in range(repeats)]
    assert sum(e.interval[0] <= truth <= e.interval[1] for e in found) >= 0.94 * repeats


@pytest.mark.parametrize("method", ["gaussian", "knn"])
@pytest.mark.parametrize("exponent", [-540, 530])  # 1e-162, 1e160
def test_squares_neither_overflow_nor_vanish(method, exponent):
    x = np.random.default_rng(6).normal(size=(300, 3))
    plain, scaled = differential_entropy(x, method), differential_entropy(np.ldexp(x, exponent), method)
    assert scaled.value == pytest.approx(plain.value + 3 * exponent, abs=1e-9) and scaled.error == pytest.approx(plain.error)


def test_scale_adds_its_logarithm():
    x = np.random.default_rng(2).normal(size=(300, 3))
    for method in ("knn", "gaussian"):
        assert differential_entropy(8 * x, method).value == pytest.approx(differential_entropy(x, method).value + 9, abs=1e-12)


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (np.zeros((1, 2)), {}, "x: expected at least 2 samples, got 1"),
        (np.zeros(0), {}, "x: expected at least 2 samples, got 0"),
        (np.zeros((10, 2)), {}, "x: expected at most 4 samples that are the same, got more; they have no density"),
        (np.arange(4.0), {}, "neighbours: expected at least 1 and fewer than half of the 4 samples, got 4"),
        (np.arange(4.0), {"neighbours": 0}, "neighbours: expected at least 1 and fewer than half of the 4 samples, got 0"),
        (np.arange(4.0), {"method": "kde"}, "method: expected knn or gaussian, got 'kde'"),
        ([1.0, np.nan, 2.0, 3.0], {"neighbours": 1}, "x: expected finite values, got NaN or infinity"),
        (np.eye(3), {"method": "gaussian"}, "x: expected more samples than its 3 dimensions, got 3"),
        (np.ones((5, 2)), {"method": "gaussian"}, "x: expected a covariance that is positive definite, got a singular one"),
        (np.arange(20.0).reshape(10, 2), {"method": "gaussian"}, "x: expected a covariance that is positive definite"),
    ],
)
def test_bad_input(x, options, message):
    with pytest.raises(RdcodecError, match=message):
        differential_entropy(x, **options)
