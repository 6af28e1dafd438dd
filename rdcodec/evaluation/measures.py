"""What a setting costs, input by input, and the row of it all."""

import math
from time import perf_counter

import numpy as np

from rdcodec.evaluation.rows import Row

__all__ = ["Measures"]


class Measures:
    """Bytes, seconds and losses of a setting, one entry an input, in the order of the inputs; `losses` are what `Task.means` says."""

    def __init__(self, setting, inputs):
        self.setting = setting
        self._sizes = [()] * inputs
        self._tokens, self._encode_seconds, self._decode_seconds = np.zeros((3, inputs))
        self.losses = np.zeros((inputs, 4))

    def send(self, place, h, frame_tokens):
        """Values that arrive of h [tokens, channels], an input's, by way of the bytes of frames: float32 array."""
        codec = self.setting.codec
        encoder, decoder = codec.encoder(self.setting.quality), codec.decoder()
        began = perf_counter()
        frames = [encoder.encode(part) for part in h.split(frame_tokens or codec.frame_tokens)]
        sent = perf_counter()
        decoded = [decoder.decode(frame) for frame in frames]
        self._decode_seconds[place] = perf_counter() - sent
        self._encode_seconds[place] = sent - began
        self._tokens[place] = len(h)
        self._sizes[place] = [len(frame) for frame in frames]
        return np.concatenate(decoded)

    def row(self, task, base, forward_seconds):
        """The `Row`, beside losses of the uncompressed model."""
        codec, tokens = self.setting.codec, int(self._tokens.sum())
        (kl, nll, correct, agreed), (_, base_nll, base_correct, _) = self.losses.T, base.T
        has_quality = codec.min_quality != codec.max_quality
        quality = codec.default_quality if self.setting.quality is None else self.setting.quality
        size = np.array([sum(sizes) for sizes in self._sizes])
        bits_per_token = float(8 * size.sum() / tokens)
        delta_nll, window_bits = nll - base_nll, 8 * size / self._tokens
        bits_error, kl_error = task.error_of(window_bits), task.error_of(kl)
        return Row(
            method=self.setting.method,
            layer=self.setting.layer,
            quality=quality if has_quality else None,
            bits_per_token=bits_per_token,
            bits_per_element=bits_per_token / codec.channels,
            ratio=16 * codec.channels / bits_per_token,
            kl=float(kl.mean()),
            kl_stderr=kl_error.error,
            delta_nll=float(delta_nll.mean()),
            delta_nll_stderr=task.error_of(delta_nll).error,
            perplexity=math.exp(nll.mean()),
            base_perplexity=math.exp(base_nll.mean()),
            accuracy=float(correct.mean()),
            base_accuracy=float(base_correct.mean()),
            tokens=tokens,
            encode_seconds=float(np.median(self._encode_seconds)),
            decode_seconds=float(np.median(self._decode_seconds)),
            forward_seconds=float(np.median(forward_seconds)),
            variant=self.setting.variant,
            untuned=self.setting.untuned,
            window_bits=window_bits.tolist(),
            window_kl=kl.tolist(),
            bits_per_token_stderr=bits_error.error,
            bits_design_effect=bits_error.design_effect,
            kl_design_effect=kl_error.design_effect,
            predicted=task.predicted,
            delta_accuracy_stderr=task.error_of(correct - base_correct).error,
            agreement=float(agreed.mean()),
            window_nll=delta_nll.tolist(),
            window_accuracy=correct.tolist(),
            position_bits=_by_octave(self._sizes) if len(self._sizes[0]) == self._tokens[0] else [],
        )


def _by_octave(sizes):
    """Mean bits of frames of one token at positions 0, 1 to 3, 4 to 7, 8 to 15 and so on."""
    longest = max(map(len, sizes))
    edges = [0, 1, *(2**i for i in range(2, max(3, longest.bit_length() + 1)))]
    octaves = [[size for own in sizes for size in own[low:high]] for low, high in zip(edges, edges[1:])]
    return [8 * sum(octave) / len(octave) for octave in octaves if octave]
