"""Intervals cover what they are of, on series whose neighbours depend on each other."""

import numpy as np
import pytest
from laws import autoregressive

from rdcodec.errors import RdcodecError
from rdcodec.estimators.estimate import student_95
from rdcodec.evaluation.bootstrap import MeanError, block_interval, block_length, independent_error, mean_error

WINDOWS, PERSISTENCE = 1000, 0.6


def coverage(block):
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        values = autoregressive(generator, WINDOWS, PERSISTENCE)
        low, high = block_interval(lambda numbers: values[numbers].mean(), WINDOWS, block, resamples=200)
        covered += low <= 0 <= high
    return covered / 200


def test_blocks_cover_dependent_windows():
    assert 0.88 < coverage(30) < 0.98


def test_single_windows_would_not():
    """Their intervals are half as wide as they should be, by (1 + 0.6) / (1 - 0.6) = 4 = 2**2."""
    assert coverage(1) < 0.8


def test_the_width_of_independent_windows():
    values = np.random.default_rng(0).normal(size=WINDOWS)
    low, high = block_interval(lambda numbers: values[numbers].mean(), WINDOWS, 1, resamples=4000)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(WINDOWS), rel=0.06)


def test_blocks_are_contiguous_and_as_many_windows_as_there_are():
    seen = []
    block_interval(lambda numbers: seen.append(numbers) or 0.0, 10, 4, resamples=50)
    assert all(len(numbers) == 10 and set(numbers) <= set(range(10)) for numbers in seen)
    assert all((np.diff(numbers[:4]) % 10 == 1).all() and (np.diff(numbers[4:8]) % 10 == 1).all() for numbers in seen)


def test_no_interval_of_too_few_blocks_or_of_nothing():
    assert block_interval(lambda numbers: 1.0, 3, 2) is None
    assert block_interval(lambda numbers: float("nan"), 10, 2) is None


def test_blocks_that_there_are_none_of():
    with pytest.raises(RdcodecError, match="block: expected 1 to 3 windows, got 4"):
        block_interval(np.mean, 3, 4)


def test_lengths_grow_with_the_root():
    assert [block_length(windows) for windows in (1, 6, 24, 1000)] == [1, 2, 3, 10]


@pytest.mark.parametrize("persistence", [0.0, 0.3, 0.6])
def test_errors_of_means_cover_dependent_windows(persistence):
    generator, repeats = np.random.default_rng(2), 300
    covered, effects, naive = 0, [], 0
    for _ in range(repeats):
        values = autoregressive(generator, WINDOWS, persistence)
        error, effect, _ = mean_error(values)
        covered += abs(values.mean()) <= 1.96 * error
        naive += abs(values.mean()) <= 1.96 * independent_error(values).error
        effects.append(effect)
    assert 0.91 <= covered / repeats <= 0.99
    assert np.mean(effects) == pytest.approx((1 + persistence) / (1 - persistence), rel=0.15)
    assert persistence < 0.6 or naive / repeats < 0.8


@pytest.mark.parametrize("windows, persistence", [(24, 0.0), (24, 0.3), (24, 0.6), (60, 0.6), (60, 0.9)])
def test_intervals_of_few_windows_cover(windows, persistence):
    """95 +- 3% beyond what 400 repeats leave open."""
    generator, repeats, covered = np.random.default_rng(3), 400, 0
    for _ in range(repeats):
        values = autoregressive(generator, windows, persistence)
        error, _, freedom = mean_error(values)
        covered += abs(values.mean()) <= student_95(freedom) * error
    assert abs(covered / repeats - 0.95) <= 0.03 + 2 * 0.011


def test_errors_of_few_or_equal_windows():
    assert mean_error([3.0]) == independent_error([3.0]) == MeanError(None, None, None)
    assert mean_error([3.0, 3.0, 3.0]).error == 0
    assert mean_error([1.0, 2.0, 4.0]) == independent_error([1.0, 2.0, 4.0])
    assert independent_error([1.0, 2.0, 4.0]).error == pytest.approx(np.std([1, 2, 4], ddof=1) / np.sqrt(3))


def test_blocks_of_windows_that_do_not_depend_are_no_tighter():
    for seed in range(20):
        values = np.random.default_rng(seed).normal(size=40)
        assert mean_error(values).error >= independent_error(values).error and mean_error(values).design_effect >= 1
