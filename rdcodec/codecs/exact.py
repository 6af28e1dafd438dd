"""Matrix products that are the same on every machine.

A product of integers held in float64 is exact as long as no sum can reach 2**53, whatever the order of its terms and however
many threads share it. So the transforms of a codec are rounded to integers once, and the values before each use.
"""

import math

import numpy as np

from rdcodec import _core

__all__ = ["EXACT_BITS", "ExactBlocks", "ExactMatrix", "SHORT_BITS", "block_product", "interleaved", "short_integers"]

EXACT_BITS = 53
SHORT_BITS = 15  # of magnitudes of matrices that products take in half of the time


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
        short, short_bits = short_integers(matrix)
        return (short.astype(np.int32), short_bits) if short_bits <= bits else (np.rint(np.ldexp(matrix, bits)).astype(np.int32), bits)

    @property
    def value_range_bits(self):
        """int : values are clipped to so many bits."""
        return self._format[2]

    def stages(self):
        """As of `ExactBlocks`: one stage of one block."""
        return [(self._integers[None], self._format[:2])]

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


def short_integers(matrix):
    """Integers of 16 bits of a float array, int16 of its shape, and their `matrix_bits`."""
    bits = SHORT_BITS - 1 - math.floor(math.log2(np.abs(matrix).max()))
    most = 2**SHORT_BITS - 1
    return np.clip(np.rint(np.ldexp(matrix, bits)), -most, most).astype(np.int16), bits


class ExactBlocks:
    """A product of block-diagonal matrices of integers times powers of two, multiplied exactly stage by stage.

    Between two stages values are reordered: every `stride`-th comes next to each other, so that each block of the next stage has
    something of many blocks.

    Parameters
    ----------
    integers : ndarray
        int16 [stages, channels, width]: what each channel adds to the outputs of its block. The width divides the channels.
    stride : int
        Divides the channels.
    formats : ndarray
        int32 [stages, 2], -256 to 256: `matrix_bits` and `value_bits` of each stage, as of `ExactMatrix`.
    value_range_bits : int
        0 to 22.

    Raises
    ------
    RdcodecError
        A number is beyond its range.
    """

    def __init__(self, integers, stride, formats, value_range_bits):
        self._parts = integers, stride, formats, value_range_bits
        arrays = np.ascontiguousarray(integers), np.ascontiguousarray(formats)
        self.core = _core.exact_blocks_make(arrays[0], stride, arrays[1], value_range_bits)

    def __reduce__(self):
        return ExactBlocks, self._parts

    @property
    def stride(self):
        """int : of the order between stages."""
        return self._parts[1]

    @property
    def value_range_bits(self):
        """int : values are clipped to so many bits."""
        return self._parts[3]

    def stages(self):
        """list : of each stage, its integers [blocks, inputs, outputs] and its `matrix_bits` and `value_bits`."""
        integers, _, formats, _ = self._parts
        width = integers.shape[-1]
        return [(stage.reshape(-1, width, width), tuple(map(int, bits))) for stage, bits in zip(integers, formats)]

    @property
    def values(self):
        """float64 [channels, channels]: the matrix itself, as if nothing were rounded between stages."""
        made = np.eye(self._parts[0].shape[1])
        for number, (blocks, (bits, _)) in enumerate(self.stages()):
            if number:
                made = interleaved(made, self.stride)
            made = block_product(made, np.ldexp(blocks.astype(np.float64), -bits))
        return made

    def multiply(self, values):
        """Products of float64 [tokens, channels], rounded before each stage: float64 [tokens, channels]."""
        return _core.exact_multiply(self.core, values)


def interleaved(values, stride):
    """Values [tokens, channels], an array or a tensor, in the order 0, stride, 2 * stride, ..., then 1, 1 + stride, ..."""
    tokens, channels = values.shape
    return values.reshape(tokens, channels // stride, stride).swapaxes(1, 2).reshape(tokens, channels)


def block_product(values, blocks):
    """Values [tokens, inputs], an array or a tensor, times a matrix of these blocks [count, inputs, outputs] on its diagonal."""
    count, inputs, outputs = blocks.shape
    parts = values.reshape(len(values), count, inputs).swapaxes(0, 1)
    return (parts @ blocks).swapaxes(0, 1).reshape(len(values), count * outputs)
