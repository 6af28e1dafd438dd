"""Transforms on the device where a model's states are: what crosses to the coder are components, and gains, a number a token.

Codewords, references and levels of a token depend on the tokens before it and are found in integers on the processor. Products with
the transforms, most of the arithmetic, are PyTorch's. In float64 their sums are exact, as on the processor: bytes and values are the same.
"""

import math
from weakref import WeakKeyDictionary

import numpy as np
import torch

from rdcodec.codecs.exact import block_product, interleaved
from rdcodec.codecs.values import check_values, values_of
from rdcodec.errors import RdcodecError

__all__ = ["Device"]


class Device:
    """Where a codec takes states and leaves them, in the place of `rdcodec.codecs.values.Host`: float32 tensors on a device.

    Parameters
    ----------
    device : str or torch.device
        MPS, which has no float64, computes in float32: its bytes may differ from others', and decode everywhere.
    mean : ndarray, [channels]
        Of the codec.
    gain_limit : int
        Binary exponent beyond which a token has a gain.

    Raises
    ------
    RdcodecError
        PyTorch knows no such device, or has none here.
    """

    def __init__(self, device, mean, gain_limit):
        try:
            self.device = torch.empty(0, device=device).device
        except (AssertionError, NotImplementedError, RuntimeError) as error:  # by what PyTorch was built with
            raise RdcodecError(f"device: PyTorch has no {device!r} here: {error}") from error
        self._dtype = torch.float32 if self.device.type == "mps" else torch.float64
        self._mean = self._moved(mean)
        self._gain_limit = gain_limit
        self._matrices = WeakKeyDictionary()  # a codec makes some of its matrices for the quality in use, and lets them go

    # ---- states, as `Host` has them

    def values_of(self, h):
        """Float32 tensor of the values of h on the device, and the name of h's dtype."""
        if not isinstance(h, torch.Tensor):
            values, name = values_of(h)
            return torch.from_numpy(values).to(self.device), name
        _, name = values_of(h[:0])
        return h.detach().to(self.device, torch.float32).contiguous(), name

    @staticmethod
    def check_values(values, channels, origin=None):
        """As of `Host`."""
        if values.shape[-1] != channels or not bool(torch.isfinite(values).all()):
            check_values(values.numpy(force=True), channels, origin)

    def empty(self, tokens, channels):
        """Room for decoded values."""
        return torch.empty(tokens, channels, device=self.device)

    stack = staticmethod(torch.stack)

    @staticmethod
    def as_dtype(values, dtype):
        """Decoded values in the element type that was coded."""
        element = getattr(torch, dtype)
        return values if dtype == "float32" else values.clamp(-torch.finfo(element).max, torch.finfo(element).max).to(element)

    # ---- the transforms

    def components(self, h, analysis):
        """Gains, int32 [rows, tokens], and components, float64 [rows, tokens, components], of states [rows, tokens, channels]."""
        exponents = torch.frexp(h.abs().amax(-1).cpu())[1]
        gains = (exponents - self._gain_limit).clamp(min=0).to(torch.int32).numpy()
        x = h.to(self._dtype) * self._power(-gains) - self._mean
        y = self._multiply(analysis, x.flatten(0, 1)).unflatten(0, h.shape[:2])
        return gains, y.to("cpu", torch.float64).numpy()

    def states(self, gains, y, synthesis):
        """States, float32 [rows, tokens, channels], of gains and components."""
        x = self._multiply(synthesis, self._moved(y).flatten(0, 1)).unflatten(0, y.shape[:2])
        largest = torch.finfo(torch.float32).max
        return ((x + self._mean) * self._power(gains)).clamp(-largest, largest).to(torch.float32)

    def _power(self, exponents):
        """2^exponents of int32 [rows, tokens], to multiply channels with."""
        return self._moved(np.ldexp(1.0, exponents)).unsqueeze(-1)

    def _moved(self, array):
        return torch.from_numpy(np.asarray(array, np.float64)).to(self.device, self._dtype)

    def _multiply(self, matrix, values):
        """Products of values [tokens, inputs] with an `ExactMatrix` or `ExactBlocks`."""
        if matrix not in self._matrices:
            self._matrices[matrix] = [(self._moved(blocks), bits) for blocks, bits in matrix.stages()]
        limit = math.ldexp(1.0, matrix.value_range_bits)
        for number, (blocks, (matrix_bits, value_bits)) in enumerate(self._matrices[matrix]):
            if number:
                values = interleaved(values, matrix.stride)
            rounded = (values * math.ldexp(1.0, value_bits)).round().clamp(-limit, limit)
            values = block_product(rounded, blocks) * math.ldexp(1.0, -matrix_bits - value_bits)
        return values
