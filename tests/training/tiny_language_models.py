"""What the tests of calibration and of training share: how their tiny language models are made."""

import torch

__all__ = ["made"]


def made(architecture):
    """The model that `architecture()` returns, with weights that are large enough for its states to matter."""
    torch.manual_seed(3)
    model = architecture().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(5)
    return model
