"""A rotation that makes all channels alike, and one scalar quantiser for them."""

import numpy as np

from rdcodec.entropy import FrequencyTables
from rdcodec.evaluation.baselines.base import Baseline
from rdcodec.evaluation.baselines.lloyd import fit_quantiser

__all__ = ["HadamardCodec", "rotate", "rotate_back"]

ROUNDS = 4
SEED = 1
FIT_TOKENS = 1024  # for the quantiser and its table: half a million values and more
UNSEEN = 0.5  # count of a point that no calibration value falls to


class HadamardCodec(Baseline):
    """Hadamard rotation, a Lloyd-Max quantiser of values in units of their token's root mean square, and rANS.

    After QuaRot (arXiv 2404.00456) and TurboQuant (arXiv 2504.19874). The mean of the calibration text is taken off first; the
    quantiser and its one frequency table are fitted to the same text. With a price the quantiser weighs rate and distortion,
    which is harder to beat.

    Ambiguous: how channels are rotated whose number is no power of two. Here a random sign and the Hadamard transform of the
    largest power of two that fits, of the first channels and of the last ones by turns, 4 times.

    Parameters
    ----------
    h : ndarray
        float32 [tokens, channels] of the calibration text.
    levels : int
        Points of the quantiser, at most.
    price : float
        Of a bit, in mean squares of a token; 0 for Lloyd-Max.
    """

    def __init__(self, h, levels, price=0.0):
        super().__init__(h.shape[1], "hadamard", levels=levels, price=price)
        self._mean = h.mean(axis=0)
        spread = np.linspace(0, len(h) - 1, min(len(h), FIT_TOKENS)).astype(int)
        y = rotate(h[spread] - self._mean)
        y /= _scales(y).astype(np.float32)
        self._quantiser = fit_quantiser(y, levels, price)
        counts = np.bincount(self._quantiser.quantise(y).ravel(), minlength=len(self._quantiser.points)) + UNSEEN
        self._tables = FrequencyTables.from_pmf(counts[None] / counts.sum(), 0, 15)

    def _tensors(self):
        return {"mean": self._mean, "points": self._quantiser.points, **self._tables.to_arrays()}

    def _encode_tokens(self, h, quality, state):
        y = rotate(h - self._mean)
        scales = _scales(y)
        symbols = self._quantiser.quantise(y / scales.astype(np.float32))
        return scales.tobytes() + self._tables.encode(symbols, np.zeros(symbols.shape, np.uint8))

    def _decode_tokens(self, payload, tokens, quality, state):
        scales = np.frombuffer(payload, "<f2", count=tokens)[:, None].astype(np.float32)
        symbols = self._tables.decode(payload[2 * tokens :], np.zeros((tokens, self.channels), np.uint8))
        return rotate_back(self._quantiser.points[symbols].astype(np.float32) * scales) + self._mean


def _scales(y):
    """float16 [tokens, 1], never 0: root mean square of each token."""
    tiny, largest = np.finfo(np.float16).smallest_subnormal, np.finfo(np.float16).max
    return np.clip(np.sqrt(np.mean(np.square(y), axis=1, keepdims=True)), tiny, largest).astype("<f2")


def rotate(h):
    """An orthogonal transform that spreads every channel over nearly all: float32 [tokens, channels]."""
    y = np.array(h, np.float32)
    for signs, part in _turns(h.shape[1]):
        y *= signs
        y[:, part] = _hadamard(y[:, part])
    return y


def rotate_back(y):
    """The inverse of `rotate`."""
    h = np.array(y, np.float32)
    for signs, part in reversed(_turns(y.shape[1])):
        h[:, part] = _hadamard(h[:, part])
        h *= signs
    return h


def _turns(channels):
    """Signs [channels] and the slice of a power of two of channels, for each turn."""
    size = 1 << (channels.bit_length() - 1)
    signs = np.random.default_rng(SEED).choice(np.array([-1, 1], np.float32), (ROUNDS, channels))
    return [(signs[i], slice(0, size) if i % 2 == 0 else slice(channels - size, channels)) for i in range(ROUNDS)]


def _hadamard(y):
    """Orthonormal Walsh-Hadamard transform of the last axis, its own inverse; a power of two of columns."""
    tokens, size = y.shape
    half = 1
    while half < size:
        pairs = y.reshape(tokens, -1, 2, half)
        y = np.stack([pairs[:, :, 0] + pairs[:, :, 1], pairs[:, :, 0] - pairs[:, :, 1]], axis=2).reshape(tokens, size)
        half *= 2
    return y / np.float32(np.sqrt(size))
