"""As many bits as each token needs."""

import numpy as np

from rdcodec.evaluation.baselines.affine import affine_levels, affine_scales, affine_values
from rdcodec.evaluation.baselines.base import Baseline
from rdcodec.evaluation.baselines.counted import decode_counted, encode_counted

__all__ = ["TokenwiseCodec"]

MOST_BITS = 10


class TokenwiseCodec(Baseline):
    """Large values apart, the rest in integers of as few bits as the token's error allows, by rANS (arXiv 2511.04002).

    Values of a magnitude above the threshold go as float16 with their columns (threshold splitting). What is left of a token is
    asymmetric integers with a float16 shift and scale, of the fewest bits that keep its error within the tolerance (token-wise
    adaptive bits); symbols of tokens with the same bits share a frequency table, which is sent along.

    Ambiguous: the measure of the error, here the token's root mean square; which tokens share tables; and the threshold, here a
    setting.

    Parameters
    ----------
    channels : int
    tolerance : float
        Root mean square error of a token, in units of h, that its bits keep where 10 bits do.
    threshold : float
        Magnitude above which a value is sent apart.
    """

    def __init__(self, channels, tolerance, threshold):
        super().__init__(channels, "tokenwise", tolerance=tolerance, threshold=threshold)
        self._tolerance, self._threshold = tolerance, threshold

    def _encode_tokens(self, h, quality, state):
        large = np.abs(h) > self._threshold
        rest = np.where(large, np.float32(0), h)
        largest = np.finfo(np.float16).max
        apart = np.clip(h[large], -largest, largest).astype("<f2").tobytes()
        parts = [encode_counted(large.sum(axis=1)), encode_counted(np.nonzero(large)[1]), apart]
        bits = self._bits(rest)
        parts.append(encode_counted(bits))
        for each in np.unique(bits):
            of_these = rest[bits == each]
            low, scale = affine_scales(of_these, each, axis=1)
            parts += [low.tobytes(), scale.tobytes(), encode_counted(affine_levels(of_these, low, scale, each))]
        return b"".join(parts)

    def _decode_tokens(self, payload, tokens, quality, state):
        data = bytes(payload)
        counts, at = decode_counted(data, 0, tokens)
        columns, at = decode_counted(data, at, int(counts.sum()))
        apart, at = np.frombuffer(data, "<f2", len(columns), at), at + 2 * len(columns)
        bits, at = decode_counted(data, at, tokens)
        h = np.empty((tokens, self.channels), np.float32)
        for each in np.unique(bits):
            these = np.flatnonzero(bits == each)
            low, scale = np.frombuffer(data, "<f2", 2 * len(these), at).reshape(2, -1, 1)
            levels, at = decode_counted(data, at + 4 * len(these), len(these) * self.channels)
            h[these] = affine_values(levels.reshape(len(these), -1), low, scale)
        h[np.repeat(np.arange(tokens), counts), columns] = apart
        return h

    def _bits(self, rest):
        """int [tokens], 1 to 10."""
        bits = np.full(len(rest), MOST_BITS)
        for fewer in range(MOST_BITS - 1, 0, -1):
            low, scale = affine_scales(rest, fewer, axis=1)
            error = affine_values(affine_levels(rest, low, scale, fewer), low, scale) - rest
            bits[np.sqrt(np.mean(np.square(error), axis=1)) <= self._tolerance] = fewer
        return bits
