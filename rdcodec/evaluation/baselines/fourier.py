"""Low-pass filtering by the Fourier transform."""

import struct

import numpy as np

from rdcodec.evaluation.baselines.base import Baseline

__all__ = ["FourierCodec"]

LARGEST = 60000.0  # that float16 holds with room


class FourierCodec(Baseline):
    """The low frequencies of a frame's Fourier transform, as float16 (FourierCompress, arXiv 2510.16418).

    The transform is that of the frame as an image of tokens and channels; a block of its lowest frequencies is kept, the rest is 0.
    Of real values half of the spectrum says all.

    Ambiguous: whether the block has the same shape at every layer (both sides are settings here), and how coefficients are
    represented (float16, as the activations would be).

    Parameters
    ----------
    channels : int
    channel_share, token_share : float
        Share of the frequencies kept along channels and along tokens, above 0 and at most 1.
    """

    def __init__(self, channels, channel_share, token_share=1.0):
        super().__init__(channels, "fourier", channel_share=channel_share, token_share=token_share)
        self._channel_share, self._token_share = channel_share, token_share

    def _encode_tokens(self, h, quality, state):
        spectrum = np.fft.rfft2(h, norm="ortho")[self._kept(len(h))]
        parts = np.stack([spectrum.real, spectrum.imag])
        scale = np.float32(max(np.abs(parts).max() / LARGEST, 1e-30))
        return struct.pack("<f", scale) + (parts / scale).astype("<f2").tobytes()

    def _decode_tokens(self, payload, tokens, quality, state):
        kept = self._kept(tokens)
        (scale,) = struct.unpack_from("<f", payload)
        parts = np.frombuffer(payload, "<f2", offset=4).astype(np.float32).reshape(2, len(kept[0]), -1) * scale
        spectrum = np.zeros((tokens, self.channels // 2 + 1), np.complex64)
        spectrum[kept] = parts[0] + 1j * parts[1]
        return np.fft.irfft2(spectrum, s=(tokens, self.channels), norm="ortho").astype(np.float32)

    def _kept(self, tokens):
        """Index of the block: frequencies of tokens from the lowest on, of either sign, and of channels."""
        along_tokens = np.argsort(np.abs(np.fft.fftfreq(tokens)), kind="stable")[: max(1, round(self._token_share * tokens))]
        along_channels = np.arange(max(1, round(self._channel_share * (self.channels // 2 + 1))))
        return np.ix_(along_tokens, along_channels)
