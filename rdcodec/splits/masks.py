"""Which tokens of a batch are none but padding."""

import torch

from rdcodec.errors import RdcodecError

__all__ = ["kept_tokens"]


def kept_tokens(mask, h):
    """Where tokens are not padding, bool [batch, tokens], of the mask that the model was given; None where none are."""
    if mask is None:
        return None
    batch, tokens = h.shape[:2]
    shape = tuple(getattr(mask, "shape", ()))
    if len(shape) != 2 or shape[0] != batch or shape[1] < tokens:
        raise RdcodecError(
            f"attention_mask: expected [{batch}, at least {tokens}] with 0 for padding, got"
            f" {f'shape {shape}' if shape else type(mask).__name__}; static caches make such masks,"
            " use the dynamic one"
        )
    mask = mask[:, -tokens:].to(h.device, torch.bool)
    return None if bool(mask.all()) else mask
