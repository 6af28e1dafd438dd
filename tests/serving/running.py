"""What tests of servers share."""

import torch

from rdcodec.serving import Sampling, generate

__all__ = ["said"]


def said(head, connector, ids, mask, new, sampling=Sampling(), **more):
    """Tokens [rows, new] that come over a link."""
    return torch.tensor(list(generate(head, connector, ids, mask, new, sampling, **more))).T
