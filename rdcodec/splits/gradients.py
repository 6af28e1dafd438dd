"""Gradients at a split: coding has none of its own."""

import torch

from rdcodec.errors import RdcodecError

__all__ = ["check_gradients", "straight_through"]

STRAIGHT_THROUGH = "straight-through"


def check_gradients(gradients):
    """Whether gradients are to pass a split, from the argument of that name.

    Raises
    ------
    RdcodecError
        It is neither None nor "straight-through".
    """
    if gradients is not None and gradients != STRAIGHT_THROUGH:
        raise RdcodecError(f"gradients: expected None or {STRAIGHT_THROUGH!r}, got {gradients!r}")
    return gradients is not None


def straight_through(sent, arrived):
    """`arrived`, to the last bit, whose gradient is that of `sent`, as if coding had changed nothing."""
    return _StraightThrough.apply(sent, arrived)


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx, sent, arrived):
        return arrived.view_as(arrived)

    @staticmethod
    def backward(ctx, upstream):
        return upstream, None
