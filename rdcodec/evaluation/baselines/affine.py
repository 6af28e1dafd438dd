"""Asymmetric integers: a shift and a scale, as float16, for a block of values."""

import numpy as np

__all__ = ["affine_levels", "affine_scales", "affine_values"]

LARGEST = float(np.finfo(np.float16).max)


def affine_scales(x, bits, axis):
    """Shift and scale, float16 of the shape of `x` with 1 along `axis`: the smallest value, and the range over 2**bits - 1."""
    low = np.clip(x.min(axis=axis, keepdims=True), -LARGEST, LARGEST).astype("<f2")
    high = x.max(axis=axis, keepdims=True)
    scale = np.clip((high - low.astype(np.float32)) / (2.0**bits - 1), 0, LARGEST).astype("<f2")
    return low, scale


def affine_levels(x, low, scale, bits):
    """Integers 0 to 2**bits - 1, int32, nearest to `x`; all 0 where the scale is."""
    divisor = np.where(scale == 0, np.float32(np.inf), scale.astype(np.float32))
    return np.clip(np.rint((x - low.astype(np.float32)) / divisor), 0, 2.0**bits - 1).astype(np.int32)


def affine_values(levels, low, scale):
    """float32 values of the integers."""
    return levels.astype(np.float32) * scale.astype(np.float32) + low.astype(np.float32)
