"""The dependent quantiser that minds what levels cost: the least of error and cost of all paths, on every class of CPUs."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rdcodec import RdcodecError, _core

MAGNITUDES, TABLES = 8, 3
WEIGHT = 0.05 / 256


def rising_costs(rng):
    return np.cumsum(rng.integers(0, 700, (TABLES, 2, MAGNITUDES)), axis=2).astype(np.uint16)


def price(values, costs, rows, path):
    """Squared error and weighted cost of levels, as docs/format.md says which points they are."""
    levels = np.array(path, np.int32)[None]
    odd = _core.trellis_odd(levels).astype(int)[0]
    points = 2 * levels[0] - odd * np.sign(levels[0])
    return np.square(values - points).sum() + WEIGHT * costs[rows, odd, np.minimum(abs(levels[0]), MAGNITUDES - 1)].sum()


@pytest.mark.slow
@given(hnp.arrays(np.float64, 5, elements=st.floats(-3, 3)), st.integers(0, 99))
def test_no_path_has_less_error_and_cost(cpu, values, seed):
    rng = np.random.default_rng(seed)
    costs, rows = rising_costs(rng), rng.integers(0, TABLES, 5).astype(np.uint32)
    (levels,) = _core.trellis_quantise_rated(values[None], costs, rows[None], WEIGHT, cpu)
    least = min(price(values, costs, rows, path) for path in itertools.product(range(-2, 3), repeat=5))
    assert price(values, costs, rows, levels) <= least + 1e-9


def test_without_a_weight_it_errs_no_more_than_the_plain_one(cpu):
    rng = np.random.default_rng(3)
    values, costs = rng.standard_normal((40, 70)) * 2.0 ** rng.integers(-2, 12, 70), rising_costs(rng)
    rows = rng.integers(0, TABLES, values.shape).astype(np.uint32)
    np.testing.assert_array_equal(_core.trellis_quantise_rated(values, costs, rows, 0.0, cpu), _core.trellis_quantise(values, cpu))


def test_every_class_of_cpus_gives_the_same_levels(cpu):
    rng = np.random.default_rng(4)
    values = np.concatenate([rng.standard_normal((60, 65)) * 4, rng.integers(-9, 10, (60, 65)) / 2], axis=1)
    rows = rng.integers(0, TABLES, values.shape).astype(np.uint32)
    given_ = values, rising_costs(rng), rows, WEIGHT
    np.testing.assert_array_equal(_core.trellis_quantise_rated(*given_, cpu), _core.trellis_quantise_rated(*given_, "scalar"))


def test_what_is_refused():
    values, costs, rows = np.zeros((3, 4)), np.zeros((TABLES, 2, MAGNITUDES), np.uint16), np.zeros((3, 4), np.uint32)
    with pytest.raises(RdcodecError, match="costs and rows: expected 16 costs a table and a row a value, got 48 and 4"):
        _core.trellis_quantise_rated(values, costs, rows[:1], WEIGHT)
    rows[1, 2] = TABLES
    with pytest.raises(RdcodecError, match="rows: expected 0 to 2, got 3 at position 6"):
        _core.trellis_quantise_rated(values, costs, rows, WEIGHT)
    rows[1, 2], values[2, 1] = 0, np.inf
    with pytest.raises(RdcodecError, match="values: too large for the quantisation step at position 9"):
        _core.trellis_quantise_rated(values, costs, rows, WEIGHT)
