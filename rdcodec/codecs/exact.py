"""Matrix products that are the same on every machine.

A product of integers held in float64 is exact as long as no sum can reach 2**53, whatever the order of its terms and however
many threads share it. So the transforms of a codec are rounded to integers once, and the values before each use.
"""

import math

import numpy as np

from rdcodec import _core

__all__ = ["EXACT_BITS", "ExactMatrix"]

EXACT_BITS = 53


class ExactMatrix:
    """A matrix of integers times a power of two, multiplied exactly with values of a bounded range.

    Parameters
    ----------
    integers : ndarray, [inputs, outputs]
        Integers of any type; the matrix is ``integers * 2**-matrix_bits``.
    matrix_bits : int
        -256 to 256.
    value_bits : int
        Values are rounded to multiples of ``2**-value_bits``, -256 to 256, ...
    value_range_bits : int
        0 to 50: ... and clipped to magnitudes of ``2**value_range_bits`` of these.

    Raises
    ------
    RdcodecError
        A product could need more than 53 bits, an entry is no integer, or a number of bits is beyond its range.
    """

    def __init__(self, integers, matrix_bits, value_bits, value_range_bits):
        self._format = matrix_bits, value_bits, value_range_bits
        self.core = _core.exact_matrix_make(np.ascontiguousarray(integers, np.float64), *self._format)
        self._integers = integers
        self._scale = math.ldexp(1.0, -matrix_bits)

    def __reduce__(self):
        return ExactMatrix, (self._integers, *self._format)

    @staticmethod
    def rounded(matrix, value_range_bits):
        """Integers of a float matrix and their `matrix_bits`, int32 [inputs, outputs].

        They have 16 bits, which products take in half of the time: rates and errors of codecs differ from those of finer ones by less
        than 0.2%, up to the highest qualities.
        """
        largest_sum = np.abs(matrix).sum(axis=0).max()
        bits = math.floor(EXACT_BITS - 1 - value_range_bits - math.log2(largest_sum))
        bits = min(bits, 14 - math.floor(math.log2(np.abs(matrix).max())))
        return np.clip(np.rint(np.ldexp(matrix, bits)), 1 - 2**15, 2**15 - 1).astype(np.int32), bits

    @property
    def values(self):
        """float64 [inputs, outputs]: the matrix itself."""
        return self._integers * self._scale

    def column_sum(self):
        """float : the largest sum of a column's magnitudes, of integers."""
        return float(np.abs(self._integers.astype(np.float64)).sum(axis=0).max())

    def multiply(self, values):
        """``round(values) @ matrix`` for float64 [tokens, inputs]: float64 [tokens, outputs]."""
        return _core.exact_multiply(self.core, values)
