"""The scalar quantiser against its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rdcodec import RdcodecError, _core

STEPS = np.array([0.5, 1.0, 3.0])


def expected_symbols(values, steps, dead_zone):
    values = values.astype(np.float64)
    return np.sign(values) * np.floor(np.abs(values) / steps + (1 - dead_zone) / 2)


@given(
    hnp.arrays(np.float32, (4, 3), elements=st.floats(-1e6, 1e6, width=32)),
    st.floats(0, 1),
)
def test_symbols_are_those_of_the_definition(values, dead_zone):
    assert np.array_equal(_core.quantise(values, STEPS, dead_zone), expected_symbols(values, STEPS, dead_zone))


def test_every_float16_and_bfloat16_is_read_as_it_is():
    bits = np.arange(2**16, dtype=np.uint16)
    half = bits.view(np.float16)
    half = half[np.isfinite(half)]
    one = np.array([2.0**-10])
    assert np.array_equal(_core.quantise(half[:, None], one, 0.0), expected_symbols(half[:, None], one, 0.0))
    single = (bits.astype(np.uint32) << 16).view(np.float32)
    usable = np.isfinite(single) & (np.abs(single) < 2**20)
    symbols = _core.quantise(np.ascontiguousarray(bits[usable])[:, None], one, 0.0)
    assert np.array_equal(symbols, expected_symbols(single[usable][:, None], one, 0.0))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_the_first_value_that_is_not_finite_is_named(bad, dtype):
    values = np.zeros((5, 3), dtype)
    values[2, 1] = values[4, 0] = bad
    with pytest.raises(RdcodecError, match=r"values: expected finite ones, got NaN or infinity at position 7"):
        _core.quantise(values, STEPS, 0.0)


@pytest.mark.parametrize("value", [3e38, -3e38, 2.0**31, -(2.0**31), np.nan, np.inf])
@pytest.mark.parametrize("position", range(6))
def test_symbols_beyond_int32_are_refused(value, position):
    values, largest = np.ones((2, 3), np.float32), 2.0**31 - 128  # below 2^31
    values.flat[:position] = largest * STEPS[np.arange(position) % 3] / 4
    values.flat[position:] = value
    values.flat[position + 1 :] = 3e38
    message = "too large for the quantisation step" if np.isfinite(value) else "expected finite ones, got NaN or infinity"
    with pytest.raises(RdcodecError, match=f"values: {message} at position {position}$"):
        _core.quantise(values, np.minimum(STEPS, 1), 0.0)


def test_the_largest_symbols():
    values = np.array([[2.0**30, -(2.0**31) + 128, 2.0**31 - 128]], np.float32)
    symbols = _core.quantise(values, np.array([0.5 + 2.0**-20, 1, 1]), 0.0)
    assert symbols.tolist() == [[round(2.0**30 / (0.5 + 2.0**-20)), -(2**31) + 128, 2**31 - 128]]


def test_reconstruction_points_move_inward():
    symbols = np.array([[0, 1, -1], [2, -2, 5]], np.int32)
    values = _core.dequantise(symbols, np.array([1.0, 2.0, 4.0]), (0.25, 0.125))
    assert values.dtype == np.float32
    assert values.tolist() == [[0, 1.5, -3], [1.875, -3.75, 19.5]]


@given(hnp.arrays(np.float32, (4, 3), elements=st.floats(-1e6, 1e6, width=32)))
def test_rounding_errs_by_half_a_step_at_most(values):
    decoded = _core.dequantise(_core.quantise(values, STEPS, 0.0), STEPS, (0.0, 0.0))
    assert np.all(np.abs(decoded.astype(float) - values) <= STEPS / 2 + np.abs(values) * 2**-23)


@pytest.mark.parametrize(
    ("steps", "dead_zone", "message"),
    [
        (np.array([1.0, 0.0, 1.0]), 0.0, "steps: expected finite ones above 0, got something else at position 1"),
        (np.array([1.0, 1.0, np.nan]), 0.0, "steps: .* at position 2"),
        (np.ones(2), 0.0, "steps: expected one a channel, 3, got 2"),
        (STEPS, 1.5, "dead_zone: expected 0 to 1"),
        (STEPS, np.nan, "dead_zone"),
    ],
)
def test_bad_settings_are_refused(steps, dead_zone, message):
    with pytest.raises(RdcodecError, match=message):
        _core.quantise(np.zeros((1, 3), np.float32), steps, dead_zone)


def test_other_element_types_and_layouts_are_refused_by_name():
    for bad in (np.zeros((2, 3)), np.zeros((3, 2), np.float32).T, np.zeros((2, 3), ">f4"), [[0.0]]):
        with pytest.raises(TypeError, match="values: expected a C-contiguous array of float32, float16"):
            _core.quantise(bad, STEPS, 0.0)
    with pytest.raises(RdcodecError, match="inward: expected -0.5 to 0.5"):
        _core.dequantise(np.zeros((1, 3), np.int32), STEPS, (0.0, 0.7))
