"""Tensors as blocks of bytes that never exceed a bound: coded where that is smaller, raw otherwise. The pair that serving engines ask of a codec."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from rdcodec.errors import CorruptStreamError, RdcodecError
from rdcodec.stream import DTYPES, bytes_of

if TYPE_CHECKING:
    from rdcodec.codecs import Codec
    from rdcodec.types import Bytes

__all__ = ["BlockCodec", "BlockStatistics"]

RAW, CODED = b"\0", b"\1"  # what a block begins with
NAME = "h"
HEAD_BYTES = 512  # of a raw block besides its values, more than safetensors takes for any shape
CODED_DTYPES = {getattr(torch, name) for name in DTYPES}


@dataclass
class BlockStatistics:
    """What a `BlockCodec` has done since it was made.

    Attributes
    ----------
    coded_blocks, raw_blocks : int
    tensor_bytes, block_bytes : int
        Of what was encoded, before and after.
    encode_seconds, decode_seconds : float
    """

    coded_blocks: int = 0
    raw_blocks: int = 0
    tensor_bytes: int = 0
    block_bytes: int = 0
    encode_seconds: float = 0.0
    decode_seconds: float = 0.0

    @property
    def ratio(self) -> float:
        """float : how many times smaller; nan before the first block."""
        return self.tensor_bytes / self.block_bytes if self.block_bytes else float("nan")


class BlockCodec:
    """Encodes tensors and decodes them; what its codec cannot take, or makes no smaller, passes as it is.

    Parameters
    ----------
    codec : Codec
        For tensors [tokens, channels] and [rows, tokens, channels] of its channels; others are raw.
    quality : int, optional
        The codec's default where it is not given.

    Attributes
    ----------
    statistics : BlockStatistics

    Raises
    ------
    RdcodecError
        The quality is out of range.

    Examples
    --------
    >>> import torch
    >>> from rdcodec.codecs import IntegerCodec
    >>> blocks = BlockCodec(IntegerCodec(64, 8))
    >>> h = torch.randn(100, 64)
    >>> block = blocks.encode(h)
    >>> len(block) < h.nbytes / 3, len(block) <= blocks.max_size(h), blocks.decode(block).shape
    (True, True, torch.Size([100, 64]))
    """

    def __init__(self, codec: Codec, quality: int | None = None) -> None:
        codec.encoder(quality)
        self.codec, self.quality = codec, quality
        self.statistics = BlockStatistics()

    def max_size(self, tensor: torch.Tensor) -> int:
        """int : bytes that no block of a tensor with the shape and element type of this one exceeds, whatever its values are; no errors."""
        return tensor.nbytes + HEAD_BYTES

    def encode(self, tensor: torch.Tensor) -> bytes:
        """The block of a tensor.

        Parameters
        ----------
        tensor : torch.Tensor
            Of any shape, element type and device.

        Returns
        -------
        bytes
            `max_size` at most.

        Raises
        ------
        RuntimeError
            PyTorch's: the tensor is sparse, or has no values.
        """
        began = perf_counter()
        tensor = tensor.detach()
        coded = self._coded(tensor)
        block = RAW + save({NAME: tensor.contiguous()}) if coded is None else CODED + coded
        counts = self.statistics
        counts.raw_blocks += coded is None
        counts.coded_blocks += coded is not None
        counts.tensor_bytes += tensor.nbytes
        counts.block_bytes += len(block)
        counts.encode_seconds += perf_counter() - began
        return block

    def decode(self, block: Bytes, max_bytes: int | None = None) -> torch.Tensor:
        """The tensor of a block.

        Parameters
        ----------
        block : bytes-like
        max_bytes : int, optional
            Of what is coded, at most, as of `Codec.decode`.

        Returns
        -------
        torch.Tensor
            On the CPU; shape and element type as encoded.

        Raises
        ------
        CodecMismatchError
            It was made with another codec.
        CorruptStreamError, LimitError
            The bytes are no block, or claim more than is wanted.
        """
        began = perf_counter()
        data = bytes_of(block)
        kind, rest = bytes(data[:1]), data[1:]
        if kind == CODED:
            tensor = torch.as_tensor(self.codec.decode(rest, max_bytes=max_bytes))
        elif kind == RAW:
            tensor = _raw(rest)
        else:
            raise CorruptStreamError(f"byte 0: expected 0 or 1, which blocks begin with, got {kind.hex() or 'nothing'}")
        self.statistics.decode_seconds += perf_counter() - began
        return tensor

    def _coded(self, tensor):
        """The codec's bytes, None where there are none or they are no fewer."""
        fits = tensor.dtype in CODED_DTYPES and tensor.dim() in (2, 3) and tensor.shape[-1] == self.codec.channels
        if not fits or not tensor.numel():
            return None
        try:
            coded = self.codec.encode(tensor, self.quality)
        except RdcodecError:  # values that are not finite: the only thing that is left to refuse
            return None
        return coded if len(coded) < tensor.nbytes else None


def _raw(data):
    try:
        return load(bytes(data))[NAME]
    except (SafetensorError, KeyError) as error:
        raise CorruptStreamError(f"a raw block: {error}") from error
