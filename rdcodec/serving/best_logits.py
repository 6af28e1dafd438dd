"""The best few logits in place of all: what all stages of a pipeline need of the last one to choose the same token."""

import torch

__all__ = ["pack_best", "packed_bytes", "unpack_best"]

INDEX_BYTES = 4


def packed_bytes(count, dtype):
    """int : bytes of a position's `count` best logits."""
    return count * (INDEX_BYTES + dtype.itemsize)


def pack_best(logits, count):
    """The largest logits and where they are, those of lower index first where they are equal, as `argmax` has it.

    Parameters
    ----------
    logits : torch.Tensor
        [batch, tokens, vocabulary]
    count : int
        1 to the size of the vocabulary.

    Returns
    -------
    torch.Tensor
        uint8 [batch, tokens, packed_bytes(count, logits.dtype)]
    """
    if count == 1:
        index = logits.argmax(-1, keepdim=True)
    else:
        index = logits.sort(dim=-1, descending=True, stable=True).indices[..., :count]
    values = logits.gather(-1, index)
    return torch.cat([values.view(torch.uint8), index.to(torch.int32).view(torch.uint8)], -1)


def unpack_best(packed, count, vocabulary, dtype):
    """[batch, tokens, vocabulary] of what `pack_best` made: minus infinity where there is nothing."""
    values, index = packed.split([count * dtype.itemsize, count * INDEX_BYTES], -1)
    logits = torch.full((*packed.shape[:2], vocabulary), -torch.inf, dtype=dtype, device=packed.device)
    return logits.scatter_(-1, index.contiguous().view(torch.int32).long(), values.contiguous().view(dtype))
