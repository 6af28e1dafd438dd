"""A codec as a compression of hivemind, by which its peers, and Petals', send activations."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rdcodec.adapters.blocks import BlockCodec
from rdcodec.errors import RdcodecError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hivemind.compression import CompressionBase

    from rdcodec.codecs import Codec

__all__ = ["hivemind_compression"]


@contextmanager
def hivemind_compression(codec: Codec, quality: int | None = None, name: str = "BLOCKWISE_8BIT") -> Iterator[CompressionBase]:
    """Code what hivemind serialises under one of its names while the context is open, in this process.

    hivemind's messages name compressions by a list that is closed, so the codec takes a name of it over: both ends open the context with the same codec and
    name. Blocks say which codec made them, and another one refuses them. Tensors that are no hidden states of the codec's channels
    travel raw under that name.

    Parameters
    ----------
    codec : Codec
    quality : int, optional
        The codec's default where it is not given.
    name : str
        Of `hivemind.proto.runtime_pb2.CompressionType`. The default is the one that needs another package.

    Yields
    ------
    hivemind.compression.CompressionBase
        For `hivemind.compression.serialize_torch_tensor`, or where a compression is asked for; its `blocks.statistics` counts.

    Raises
    ------
    ImportError
        hivemind is not installed.
    RdcodecError
        It has no such name, or the quality is out of range.
    """
    try:
        from hivemind.compression import serialization
        from hivemind.proto import runtime_pb2
    except ImportError as error:
        raise ImportError("the compression of hivemind needs it: pip install hivemind") from error
    known = serialization._BASE_COMPRESSION_TYPES
    if name not in known:
        raise RdcodecError(f"name: expected one of {', '.join(known)}, got {name!r}")
    before, known[name] = known[name], _compression(codec, quality, runtime_pb2.CompressionType.Value(name))
    try:
        yield known[name]
    finally:
        known[name] = before


def _compression(codec, quality, number):
    """A class of hivemind's kind can be made only where hivemind is."""
    from hivemind.compression import CompressionBase
    from hivemind.proto import runtime_pb2

    class RdcodecCompression(CompressionBase):
        compression_type = number

        def __init__(self):
            self.blocks = BlockCodec(codec, quality)

        def compress(self, tensor, info, allow_inplace=False):
            return runtime_pb2.Tensor(
                compression=self.compression_type,
                buffer=self.blocks.encode(tensor),
                size=tensor.shape,
                dtype=str(tensor.dtype).removeprefix("torch."),
                requires_grad=tensor.requires_grad,
            )

        def extract(self, serialized_tensor):
            return self.blocks.decode(serialized_tensor.buffer)

        def estimate_compression_ratio(self, info):
            """Bytes after over bytes before, of the tensors so far; 1 before the first."""
            counts = self.blocks.statistics
            return counts.block_bytes / counts.tensor_bytes if counts.tensor_bytes else 1.0

    return RdcodecCompression()
