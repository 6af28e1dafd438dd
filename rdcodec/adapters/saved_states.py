"""Hidden states that wait for the backward pass, kept as bytes: `saved_states`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch.autograd.graph import saved_tensors_hooks

from rdcodec.adapters.blocks import BlockCodec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rdcodec.adapters.blocks import BlockStatistics
    from rdcodec.codecs import Codec

__all__ = ["saved_states"]


@contextmanager
def saved_states(codec: Codec, quality: int | None = None) -> Iterator[BlockStatistics]:
    """Keep hidden states for the backward pass coded while the context is open, in this thread.

    What autograd saves is coded if it is [rows, tokens, channels] of the codec's channels and no parameter; everything else is
    kept as it is. Gradients are then those at the decoded states. Meant for checkpoints, which save the inputs of blocks and nothing else:
    ``checkpoint(block, h, use_reentrant=False)``, or a model after ``gradient_checkpointing_enable({"use_reentrant": False})``. Without
    them the states within blocks are coded as well, which the codec was not fitted to.

    Parameters
    ----------
    codec : Codec
    quality : int, optional
        The codec's default where it is not given.

    Yields
    ------
    BlockStatistics

    Raises
    ------
    RdcodecError
        The quality is out of range.
    """
    blocks = BlockCodec(codec, quality)

    def pack(tensor):
        return (blocks.encode(tensor), tensor.device) if _is_state(tensor, codec.channels) else tensor

    def unpack(packed):
        if isinstance(packed, torch.Tensor):
            return packed
        block, device = packed
        return blocks.decode(block).to(device)

    with saved_tensors_hooks(pack, unpack):
        yield blocks.statistics


def _is_state(tensor, channels):
    if tensor.dim() != 3 or tensor.shape[-1] != channels or not tensor.is_floating_point():
        return False
    origin = tensor if tensor._base is None else tensor._base
    return not isinstance(origin, torch.nn.Parameter)
