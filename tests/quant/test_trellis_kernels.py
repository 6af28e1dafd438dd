"""The dependent quantiser's kernels of every class of CPUs: the levels of the scalar one, whatever the shape and the values."""

import numpy as np
import pytest

from rdcodec import RdcodecError, _core

LARGEST = np.nextafter(2.0**29, 0)
EXTREMES = [0.0, -0.0, 5e-324, -5e-324, 2.0**-52, -(2.0**-52), -(2.0**-53), 1e-300, LARGEST, -LARGEST, 2.0**28 + 1, 1 - 2.0**-53]


def agrees(values, cpu):
    return np.array_equal(_core.trellis_quantise(values, cpu), _core.trellis_quantise(values, "scalar"))


@pytest.mark.parametrize("components", [1, 2, 7, 8, 9, 16, 63, 64, 65, 200])
def test_any_number_of_tokens_has_the_scalar_levels(cpu, components):
    rng = np.random.default_rng(components)
    for tokens in range(20):
        assert agrees(rng.standard_normal((tokens, components)) * 2.0 ** rng.integers(-4, 9, components), cpu)


def test_ties_are_broken_alike(cpu):
    rng = np.random.default_rng(6)
    for unit in (1.0, 0.5, 0.25):
        assert agrees(rng.integers(-12, 13, (200, 50)) * unit, cpu)


def test_extremes_have_the_scalar_levels(cpu):
    values = np.random.default_rng(7).choice(EXTREMES, (200, 40))
    assert agrees(values, cpu)
    assert agrees(np.concatenate([values, np.random.default_rng(8).standard_normal((200, 40)) * 3], axis=1), cpu)


@pytest.mark.parametrize("bad", [np.nan, -np.inf, 2.0**29])
def test_one_bad_value_is_found_wherever_it_stands(cpu, bad):
    for position in range(11 * 9):
        values = np.ones((11, 9))
        values.flat[position] = bad
        with pytest.raises(RdcodecError, match=rf"too large for the quantisation step at position {position}$"):
            _core.trellis_quantise(values, cpu)


def test_values_stay_as_they_were(cpu):
    values = np.random.default_rng(9).standard_normal((13, 21))
    before = values.copy()
    _core.trellis_quantise(values, cpu)
    assert np.array_equal(values, before)
