"""Matrix products that are the same on every machine.

A product of integers held in float64 is exact as long as no sum can reach 2**53, whatever the order in which BLAS adds
and however many threads it uses. So the transforms of a codec are rounded to integers once, and the values before each use.
"""

import math

import numpy as np

__all__ = ["ExactMatrix"]

_EXACT_BITS = 53


class ExactMatrix:
    """A matrix of integers times a power of two, multiplied exactly with values of a bounded range.

    Parameters
    ----------
    integers : ndarray of int32 [inputs, outputs]
    matrix_bits : int
        The matrix is ``integers * 2**-matrix_bits``.
    value_bits : int
        Values are rounded to multiples of ``2**-value_bits`` ...
    value_range_bits : int
        ... and clipped to magnitudes of ``2**value_range_bits`` of these.

    Raises
    ------
    ValueError
        A product could need more than 53 bits.
    """

    def __init__(self, integers, matrix_bits, value_bits, value_range_bits):
        self._matrix = integers.astype(np.float64)
        self._value_scale = math.ldexp(1.0, value_bits)
        self._limit = math.ldexp(1.0, value_range_bits)
        self._product_scale = math.ldexp(1.0, -matrix_bits - value_bits)
        largest_sum = float(np.abs(self._matrix).sum(axis=0).max(initial=0.0)) * self._limit
        if not largest_sum < 2.0**_EXACT_BITS:
            raise ValueError(f"an exact product needs {math.log2(largest_sum):.1f} bits, float64 has {_EXACT_BITS}")

    @staticmethod
    def rounded(matrix, value_range_bits):
        """Integers of a float matrix and their `matrix_bits`, as fine as exact products allow (int32 at most)."""
        largest_sum = np.abs(matrix).sum(axis=0).max()
        bits = math.floor(_EXACT_BITS - 1 - value_range_bits - math.log2(largest_sum))
        bits = min(bits, 30 - math.ceil(math.log2(np.abs(matrix).max())))
        return np.rint(np.ldexp(matrix, bits)).astype(np.int32), bits

    @property
    def values(self):
        """float64 [inputs, outputs]: the matrix itself."""
        return self._matrix * (self._product_scale * self._value_scale)

    def multiply(self, values):
        """``round(values) @ matrix`` for float64 [tokens, inputs]: float64 [tokens, outputs]; overwrites `values`."""
        np.multiply(values, self._value_scale, out=values)
        np.rint(values, out=values)
        np.clip(values, -self._limit, self._limit, out=values)
        product = values @ self._matrix
        product *= self._product_scale
        return product
