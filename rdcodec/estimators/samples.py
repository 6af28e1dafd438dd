"""Checks of arrays of samples, and their passage in blocks."""

import numpy as np

from rdcodec.arguments import integer
from rdcodec.errors import RdcodecError

# Probability that a bound may fail, where nobody says.
DELTA = 0.01

# Numbers that are converted to float64 at a time.
BLOCK = 1 << 22


def matrix(y, name, rows=2):
    """y as an array [samples, features] of at least so many samples, of its own element type: it may be larger than memory."""
    y = np.asanyarray(y)
    if y.ndim == 1:
        y = y[:, None]
    if y.ndim != 2 or y.dtype.kind not in "fiu" or y.shape[1] == 0:
        raise RdcodecError(f"{name}: expected real numbers [samples, features], got {y.dtype} of shape {y.shape}")
    if len(y) < rows:
        raise RdcodecError(f"{name}: expected at least {rows} samples, got {len(y)}")
    return y


def vector(x, name, count=1):
    """x as float64 [n], n at least count."""
    x = np.ascontiguousarray(x, np.float64)
    if x.ndim != 1 or len(x) < count:
        raise RdcodecError(f"{name}: expected at least {count} numbers on one axis, got shape {x.shape}")
    return finite(x, name)


def finite(block, name):
    if not np.isfinite(block).all():
        raise RdcodecError(f"{name}: expected finite values, got NaN or infinity")
    return block


def between(value, name, low, high):
    """A float from the open interval."""
    value = float(value)
    if not low < value < high:
        raise RdcodecError(f"{name}: expected a number above {low:g} and below {high:g}, got {value:g}")
    return value


def seed_of(seed):
    """A seed of Philox: an integer, or one that a generator draws; None for a new one each time."""
    if seed is None or isinstance(seed, np.random.Generator):
        return int(np.random.default_rng(seed).integers(2**64, dtype=np.uint64))
    return integer("seed", seed, 0, 2**64 - 1, "0 to 2^64 - 1")


def exponent_of(values):
    """The exponent e for which values times 2^-e are below 1 and not all below 1/2: their squares neither overflow nor vanish; 0 for zeros."""
    return int(np.frexp(np.abs(values).max())[1])


def row_blocks(y, name):
    """Slices of y by rows, float64."""
    step = max(1, BLOCK // y.shape[1])
    for start in range(0, len(y), step):
        yield slice(start, start + step), finite(np.ascontiguousarray(y[start : start + step], np.float64), name)


def column_blocks(y, name):
    """Slices of y by columns, float64."""
    step = max(1, BLOCK // len(y))
    for start in range(0, y.shape[1], step):
        yield slice(start, start + step), finite(np.ascontiguousarray(y[:, start : start + step], np.float64), name)
