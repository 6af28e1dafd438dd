"""How much the part of a model before a split point magnifies small changes: the spectral norm of its Jacobian at an input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from rdcodec.calibration.gradients import check_graph, needing_gradients
from rdcodec.estimators import Estimate, spectral_norm
from rdcodec.modes import evaluating
from rdcodec.splits import head_states, run_head

if TYPE_CHECKING:
    from rdcodec.types import Model

__all__ = ["head_norm"]

TOKENS = 32  # of a window
STEPS = 12


def head_norm(model: Model, layer: int, inputs: torch.Tensor) -> Estimate:
    """Spectral norm of the Jacobian of the state that enters block `layer` by the one that enters block 0, at one input.

    A local Lipschitz constant: what holds at this input, and nothing of others. Products with the Jacobian are the derivative of
    those with its transpose, which are linear.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Of a known architecture; in evaluation mode for the time of the measuring.
    layer : int
        Split point.
    inputs : torch.Tensor
        One input: int64 [tokens], of which the first 32 are used, or float32 [channels, height, width].

    Returns
    -------
    Estimate
        As `spectral_norm` gives it after 12 steps.

    Raises
    ------
    RdcodecError
        The blocks pass no gradients.
    """
    with evaluating(model):
        start = head_states(model, 0, (inputs[:TOKENS] if inputs.dim() == 1 else inputs)[None])
    if layer == 0:
        return Estimate(1.0, None, (1.0, 1.0), "largest singular value", start.numel(), confidence=1.0)
    # This kernel alone can be differentiated twice.
    with evaluating(model), sdpa_kernel(SDPBackend.MATH), torch.enable_grad():
        h = start.detach().requires_grad_()
        out = run_head(model, layer, h)
        dual = torch.zeros_like(out, requires_grad=True)
        with needing_gradients(model):
            check_graph(out)
            (pulled,) = torch.autograd.grad(out, h, dual, create_graph=True)

        def vjp(vector):
            return torch.autograd.grad(out, h, _like(vector, out), retain_graph=True)[0]

        def jvp(vector):
            return torch.autograd.grad(pulled, dual, _like(vector, h), retain_graph=True)[0]

        return spectral_norm((jvp, vjp, h.numel()), steps=STEPS)


def _like(vector, tensor):
    return torch.from_numpy(np.asarray(vector)).to(tensor).view(tensor.shape)
