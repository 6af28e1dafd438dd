"""What every estimator returns."""

import inspect

import numpy as np
import pytest
from scipy import stats

from rdcodec import RdcodecError
from rdcodec.estimators import (
    Estimate,
    certify,
    covering_bound,
    differential_entropy,
    entropy,
    log_det_covariance,
    occam_bound,
    pac_bound,
    rademacher_complexity,
    rate_distortion,
    spectral_norm,
)
from rdcodec.estimators.estimate import student_95
from rdcodec.theory import layer_bounds


@pytest.mark.parametrize("freedom", [1, 2, 3, 5, 10, 23, 1000])
def test_quantiles_are_students(freedom):
    assert student_95(freedom) == pytest.approx(stats.t(freedom).ppf(0.975), rel=2e-3)


def test_few_numbers_make_a_wider_interval():
    found = Estimate.student(3, 0.5, 4, "bits", 5, part=1)
    assert (found.value, found.error, found.terms) == (3.0, 0.5, {"part": 1.0})
    assert found.interval[1] - 3 == pytest.approx(0.5 * stats.t(4).ppf(0.975), rel=1e-3)


def test_an_estimate_is_a_number_with_an_error():
    found = Estimate.normal(3, 0.5, "bits", 5)
    value, error = found
    assert (float(found), value, error) == (3.0, 3.0, 0.5)


def test_the_confidence_of_intervals_is_kept():
    x = np.random.default_rng(0).normal(size=(60, 2))

    def ramp(vector):
        return vector * np.linspace(1, 2, len(vector))

    expected = {
        0.95: [entropy([3, 4, 5]), differential_entropy(x), log_det_covariance(x), rademacher_complexity(x, draws=10)],
        0.99: [certify([1.0, 2.0], 3), occam_bound(1, 2, 3, 4), pac_bound(1, 2, 3), covering_bound([1], [1], [1], 2, 3)],
        0.9: [certify([1.0, 2.0], 3, delta=0.1)],
        1.0: [rate_distortion([0.5, 0.5], [[0, 1], [1, 0]], 0.1), spectral_norm(np.eye(3))],
        1 - 1e-6: [spectral_norm((ramp, ramp, 10_000), steps=9)],
    }
    assert all(found.confidence == confidence for confidence, estimates in expected.items() for found in estimates)


@pytest.mark.parametrize("call", [rademacher_complexity, lambda y, seed: log_det_covariance(y, "lanczos", seed=seed), spectral_norm])
def test_seeds_are_numbers_generators_or_none(call):
    y = np.random.default_rng(1).normal(size=(30, 20)) * np.arange(20)
    first, again = (call(y, seed=np.random.default_rng(5)) for _ in range(2))
    assert first == again
    generator = np.random.default_rng(5)
    assert call(y, seed=generator) == first and generator.integers(2**60) != np.random.default_rng(5).integers(2**60)
    assert call(y, seed=None).value == pytest.approx(first.value, rel=0.5)
    with pytest.raises(RdcodecError, match="seed: expected 0 to 2\\^64 - 1, got -1"):
        call(y, seed=-1)


def test_one_delta_where_none_is_given():
    deltas = {
        inspect.signature(call).parameters["delta"].default for call in (certify, covering_bound, occam_bound, pac_bound, layer_bounds)
    }
    assert deltas == {0.01}
