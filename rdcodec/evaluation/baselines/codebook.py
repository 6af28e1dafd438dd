"""A byte an element into a codebook that is sent along."""

import numpy as np

from rdcodec.evaluation.baselines.base import Baseline

__all__ = ["CodebookCodec"]

LEVELS = 256
SIGMAS = 6  # that the buckets of equal width cover


class CodebookCodec(Baseline):
    """The 8-bit codecs of hivemind, by which Petals sends activations: the number of its bucket for each value, and their means.

    Buckets are of equal width over 6 standard deviations of the frame about its mean, values beyond in the outermost ones, or hold
    equally many values each.

    Written from the description: the package hivemind 1.1.12 does not decode under NumPy 2.4. It finds quantiles of large frames
    as quantiles of the quantiles of parts; here they are exact.

    Parameters
    ----------
    channels : int
    kind : {"uniform", "quantile"}
    """

    def __init__(self, channels, kind):
        super().__init__(channels, "codebook", kind=kind)
        self._borders = {"uniform": _uniform_borders, "quantile": _quantile_borders}[kind]

    def _encode_tokens(self, h, quality, state):
        levels = np.searchsorted(self._borders(h), h, side="right").astype(np.uint8)
        counts = np.bincount(levels.ravel(), minlength=LEVELS)
        codebook = np.bincount(levels.ravel(), h.ravel(), LEVELS) / np.maximum(counts, 1)
        return codebook.astype("<f4").tobytes() + levels.tobytes()

    def _decode_tokens(self, payload, tokens, quality, state):
        codebook = np.frombuffer(payload, "<f4", LEVELS).astype(np.float32)
        return codebook[np.frombuffer(payload, np.uint8, offset=codebook.nbytes)].reshape(tokens, self.channels)


def _uniform_borders(h):
    width = SIGMAS * h.std(dtype=np.float64) / LEVELS
    return (h.mean(dtype=np.float64) + width * (np.arange(1, LEVELS) - LEVELS / 2 - 0.5)).astype(np.float32)


def _quantile_borders(h):
    return np.quantile(h, np.arange(1, LEVELS) / LEVELS).astype(np.float32)
