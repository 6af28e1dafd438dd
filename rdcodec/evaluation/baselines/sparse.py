"""Integers of a whole frame as a sparse matrix."""

import struct

import numpy as np

from rdcodec.evaluation.baselines.base import Baseline
from rdcodec.evaluation.baselines.counted import decode_counted, encode_counted

__all__ = ["SparseCodec"]

HEAD = "<fII"
SHAPES = (1, 2, 4, 8, 16)  # the frame's rows are tokens, or such a part of one


class SparseCodec(Baseline):
    """Asymmetric integers of a frame, those other than zero's in compressed sparse rows, by rANS (arXiv 2511.11664).

    One scale and one zero point for the frame, from its smallest and largest value. What is left of the sparse matrix, the values that
    are not zero, their columns and how many each row has, is coded with frequencies that are sent along.

    Ambiguous: the paper codes the three lists as one sequence under one table; here each has its own, which takes fewer bits. It
    chooses the matrix's shape by a model of the cost; here the shapes are tried and the shortest is sent.

    Parameters
    ----------
    channels : int
    bits : int
        Of an integer, 1 to 14.
    """

    def __init__(self, channels, bits):
        super().__init__(channels, "sparse", bits=bits)
        self._most = 2**bits - 1

    def _encode_tokens(self, h, quality, state):
        low, high = min(float(h.min()), 0.0), max(float(h.max()), 0.0)
        scale = np.float32((high - low) / self._most or 1)
        zero = int(np.clip(np.rint(-low / scale), 0, self._most))
        symbols = np.clip(np.rint(h / scale) + zero, 0, self._most).astype(np.int32)
        widths = [self.channels // parts for parts in SHAPES if self.channels % parts == 0]
        matrices = ((width, _encode_rows(symbols.reshape(-1, width), zero)) for width in widths)
        width, matrix = min(matrices, key=lambda found: len(found[1]))
        return struct.pack(HEAD, scale, zero, width) + matrix

    def _decode_tokens(self, payload, tokens, quality, state):
        scale, zero, width = struct.unpack_from(HEAD, payload)
        rows = tokens * self.channels // width
        symbols = _decode_rows(bytes(payload), struct.calcsize(HEAD), rows, width, zero)
        return (symbols - zero).reshape(tokens, self.channels).astype(np.float32) * np.float32(scale)


def _encode_rows(symbols, zero):
    """Compressed rows of a matrix [rows, columns] of symbols."""
    filled = symbols != zero
    return b"".join(map(encode_counted, (filled.sum(axis=1), symbols[filled], np.nonzero(filled)[1])))


def _decode_rows(data, at, rows, columns, zero):
    """The inverse of `_encode_rows`."""
    counts, at = decode_counted(data, at, rows)
    values, at = decode_counted(data, at, int(counts.sum()))
    places, _ = decode_counted(data, at, len(values))
    symbols = np.full((rows, columns), zero, np.int32)
    symbols[np.repeat(np.arange(rows), counts), places] = values
    return symbols
