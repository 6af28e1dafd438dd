"""The dependent quantiser: the least error of all paths, whatever the threads."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rdcodec import RdcodecError, _core

NEXT_STATE = ((0, 2), (5, 7), (1, 3), (4, 6), (2, 0), (7, 5), (3, 1), (6, 4))


def points_of(levels):
    """Points of one token's levels, as docs/format.md says."""
    state, points = 0, []
    for level in map(int, levels):
        odd = state % 2
        points.append(2 * level - odd * ((level > 0) - (level < 0)))
        state = NEXT_STATE[state][level % 2]
    return np.array(points)


@given(hnp.arrays(np.float64, 5, elements=st.floats(-3, 3)))
def test_no_path_has_less_error(cpu, values):
    levels = _core.trellis_quantise(values[None].repeat(8, axis=0), cpu)[7]
    error = np.square(values - points_of(levels)).sum()
    least = min(np.square(values - points_of(path)).sum() for path in itertools.product(range(-2, 3), repeat=5))
    assert error <= least + 1e-9


def test_it_beats_rounding_at_the_same_rate():
    values = np.random.default_rng(1).standard_normal((60, 500)) * 20
    levels = _core.trellis_quantise(values)
    points = np.stack([points_of(row) for row in levels])
    error = np.square(values - points).mean()
    assert error < 0.83 * 4 / 12  # rounding to every second integer costs as many levels


def test_odd_says_which_quantiser():
    levels = _core.trellis_quantise(np.random.default_rng(2).standard_normal((7, 40)) * 3)
    odd = _core.trellis_odd(levels)
    points = np.stack([points_of(row) for row in levels])
    assert np.array_equal(2 * levels - odd * np.sign(levels), points)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 2.0**29, -(2.0**40)])
def test_values_out_of_range_are_refused_with_their_position(bad):
    values = np.zeros((20, 4))
    values[3, 2] = bad
    with pytest.raises(RdcodecError, match="values: too large for the quantisation step at position 14"):
        _core.trellis_quantise(values)


def test_empty_arrays_give_empty_levels():
    assert _core.trellis_quantise(np.zeros((0, 4))).shape == (0, 4)
    assert _core.trellis_quantise(np.zeros((4, 0))).shape == (4, 0)


def test_the_number_of_threads_changes_nothing():
    program = (
        "import numpy as np; from rdcodec import _core;"
        "v = np.random.default_rng(3).standard_normal((100, 300)) * 4;"
        "print(hash(_core.trellis_quantise(v).tobytes()))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "OMP_NUM_THREADS": threads, "PYTHONHASHSEED": "0"},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for threads in ("1", "2", "3")
    }
    assert len(outputs) == 1
