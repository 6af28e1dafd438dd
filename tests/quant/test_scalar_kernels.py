"""The scalar quantiser's kernels of every class of CPUs: the definition's symbols to the last bit. The sanitizers look for stray bytes."""

import numpy as np
import pytest

from rdcodec import RdcodecError, _core

LARGEST = 2**31 - 1
FLOAT32_MAX = np.finfo(np.float32).max
WIDTHS = [1, 3, 8, 9, 17, 100]
EXTREMES = [0.0, -0.0, 1e-45, -1e-45, 1.2e-38, 1e-20, 0.5, -0.5, 1.5, 2.5, -2.5, 2.0**31, -(2.0**31), 2.0**31 - 128, 1e20, 3.4e38, -3.4e38]


def every_float(dtype, width):
    """Finite values of a type in rows: extremes, ties and noise of every size."""
    rng = np.random.default_rng(width)
    noise = rng.standard_normal(width * 23) * 2.0 ** rng.integers(-60, 60, width * 23)
    ties = rng.integers(-50, 50, width * 5) * 0.25
    with np.errstate(over="ignore"):
        values = np.concatenate([EXTREMES, noise, ties]).astype(np.float32 if dtype == np.uint16 else dtype)
    values = rng.permutation(values[np.isfinite(values)])
    values = values[: len(values) // width * width].reshape(-1, width)
    return values if dtype != np.uint16 else (values.view(np.uint32) >> 16).astype(np.uint16)


def as_float64(values):
    if values.dtype == np.uint16:
        values = (values.astype(np.uint32) << 16).view(np.float32)
    return values.astype(np.float64)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.uint16])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dead_zone", [0.0, 1 / 3])
def test_symbols_are_those_of_the_definition(cpu, dtype, width, dead_zone):
    values = every_float(dtype, width)
    steps = np.random.default_rng(width).choice([0.5, 1.0, 0.1, 3e-7, 5e-324, 1e300], width)
    x = as_float64(values)
    with np.errstate(over="ignore"):
        magnitude = np.floor(np.abs(x) / steps + (0.5 - 0.5 * dead_zone))
    beyond = magnitude >= LARGEST
    for position in np.flatnonzero(beyond)[:1]:
        with pytest.raises(RdcodecError, match=f"values: too large for the quantisation step at position {position}$"):
            _core.quantise(values, steps, dead_zone, cpu)
    values[beyond] = x[beyond] = magnitude[beyond] = 0
    assert np.array_equal(_core.quantise(values, steps, dead_zone, cpu), np.sign(x) * magnitude)


def test_every_float16_is_read_as_it_is(cpu):
    half = np.arange(2**16, dtype=np.uint16).view(np.float16)
    half = half[np.isfinite(half)].reshape(-1, 62)
    steps = np.full(62, 2.0**-14)
    assert np.array_equal(_core.quantise(half, steps, 1.0, cpu), np.trunc(half.astype(np.float64) * 2**14))


@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.uint16])
def test_one_bad_value_is_found_wherever_it_stands(cpu, bad, dtype):
    steps = np.ones(19)
    for position in range(3 * 19):
        values = np.ones((3, 19), np.float32)
        values.flat[position] = bad
        values = (values.view(np.uint32) >> 16).astype(np.uint16) if dtype == np.uint16 else values.astype(dtype)
        with pytest.raises(RdcodecError, match=rf"NaN or infinity at position {position}$"):
            _core.quantise(values, steps, 0.0, cpu)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("inward", [(0.0, 0.0), (0.5, -0.5), (0.07, 0.03)])
def test_values_are_those_of_the_definition(cpu, width, inward):
    rng = np.random.default_rng(width)
    symbols = np.concatenate(
        [[0, 1, -1, 2, -2, LARGEST, -LARGEST, -LARGEST - 1], rng.integers(-9, 9, width * 9), rng.integers(-(2**31), 2**31, 40)]
    )
    symbols = rng.permutation(symbols.astype(np.int32))[: len(symbols) // width * width].reshape(-1, width)
    steps = rng.choice([1.0, 0.1, 1e-50, 1e30, 1e300], width)
    magnitude = np.abs(symbols.astype(np.float64))
    with np.errstate(over="ignore"):
        moved = (magnitude - np.select([magnitude > 1, magnitude > 0], [inward[1], inward[0]], 0)) * steps
    expected = np.where(symbols < 0, -1, 1) * np.minimum(moved, FLOAT32_MAX)
    values = _core.dequantise(symbols, steps, inward, cpu)
    assert np.array_equal(values.view(np.uint32), expected.astype(np.float32).view(np.uint32))


@pytest.mark.parametrize("shape", [(0, 5), (0, 1), (4, 0)])
def test_empty_arrays_stay_empty(cpu, shape):
    steps = np.ones(shape[1])
    symbols = _core.quantise(np.zeros(shape, np.float32), steps, 0.0, cpu)
    assert symbols.shape == shape
    assert _core.dequantise(symbols, steps, (0.0, 0.0), cpu).shape == shape


def test_kernels_of_no_machine_are_refused():
    with pytest.raises(RdcodecError, match="expected a class of kernels that this machine has"):
        _core.quantise(np.zeros((1, 1), np.float32), np.ones(1), 0.0, "avx9000")
