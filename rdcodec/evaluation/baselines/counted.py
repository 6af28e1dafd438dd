"""rANS whose frequency table travels with the symbols: what methods without calibrated tables use."""

import struct
import zlib

import numpy as np

from rdcodec.entropy import FrequencyTables

__all__ = ["decode_counted", "encode_counted"]

LENGTHS = "<II"


def encode_counted(symbols):
    """Bytes of symbols, integers from 0 on: their histogram (by zlib), then a rANS block under it.

    Parameters
    ----------
    symbols : ndarray of int, any shape

    Returns
    -------
    bytes
        With their own lengths: `decode_counted` says where they end.
    """
    symbols = np.asarray(symbols, np.int32).ravel()
    if not len(symbols):
        return struct.pack(LENGTHS, 0, 0)
    counts = np.bincount(symbols).astype("<u4")
    table = zlib.compress(counts.tobytes(), 9)
    block = _tables(counts).encode(symbols, np.zeros(len(symbols), np.uint8))
    return struct.pack(LENGTHS, len(table), len(block)) + table + block


def decode_counted(data, at, count):
    """`count` symbols that `encode_counted` wrote at byte `at`, int32, and the byte behind them."""
    table_size, block_size = struct.unpack_from(LENGTHS, data, at)
    middle = at + struct.calcsize(LENGTHS) + table_size
    if not count:
        return np.zeros(0, np.int32), middle
    counts = np.frombuffer(zlib.decompress(data[middle - table_size : middle]), "<u4")
    symbols = _tables(counts).decode(data[middle : middle + block_size], np.zeros(count, np.uint8))
    return symbols, middle + block_size


def _tables(counts):
    return FrequencyTables.from_pmf(counts[None] / counts.sum(), 0, 15)
