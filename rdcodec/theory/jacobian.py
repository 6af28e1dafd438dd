"""How much the part of a model before a split point magnifies small changes: the spectral norm of its Jacobian at an input."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from rdcodec.arguments import MOST, integer
from rdcodec.calibration.gradients import check_graph, needing_gradients
from rdcodec.errors import RdcodecError
from rdcodec.estimators import Estimate, spectral_norm
from rdcodec.modes import evaluating
from rdcodec.splits import head_states, run_head

if TYPE_CHECKING:
    from rdcodec.types import Model, Progress, Seed

__all__ = ["head_norm", "head_norms", "over_inputs"]

TOKENS = 32  # of a window
STEPS = 12
DOCUMENTS_TOKENS, REPEATS = 512, 10  # of the paper's own analysis


def head_norm(model: Model, layer: int, inputs: torch.Tensor, tokens: int = TOKENS, steps: int = STEPS, seed: Seed = 0) -> Estimate:
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
        One input: int64 [tokens], or float32 [channels, height, width].
    tokens : int
        So many of an input's tokens are used, the first ones.
    steps : int
        Of Lanczos' iteration.
    seed : int, numpy.random.Generator or None
        Of its start, as `spectral_norm` takes it.

    Returns
    -------
    Estimate
        As `spectral_norm` gives it after so many steps.

    Raises
    ------
    RdcodecError
        The blocks pass no gradients.
    """
    with evaluating(model):
        start = head_states(model, 0, (inputs[:tokens] if inputs.dim() == 1 else inputs)[None])
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

        return spectral_norm((jvp, vjp, h.numel()), steps=steps, seed=seed)


def head_norms(
    model: Model,
    layer: int,
    inputs: torch.Tensor,
    tokens: int = DOCUMENTS_TOKENS,
    repeats: int = REPEATS,
    steps: int = STEPS,
    seed: Seed = 0,
    progress: Progress | None = None,
) -> Estimate:
    """`head_norm` of many inputs, each from several random starts: the mean of what it is, and how far inputs and starts differ.

    Parameters
    ----------
    model, layer, tokens, steps
        As `head_norm` takes them.
    inputs : torch.Tensor
        At least 2: int64 [documents, tokens], or float32 [images, channels, height, width].
    repeats : int
        Starts of each, at least 1; of these the largest Ritz value counts, for none is too large.
    seed : int, numpy.random.Generator or None
    progress : callable, optional
        (stage, fraction) -> None

    Returns
    -------
    Estimate
        Mean over inputs with Student's interval. terms: "least" and "largest" of the inputs; "starts", the mean share by which the
        least of an input's starts is below the largest: what iterations have not found out.

    Raises
    ------
    RdcodecError
        There are fewer than 2 inputs, or the blocks pass no gradients.
    """
    return over_inputs(
        inputs,
        repeats,
        seed,
        progress,
        lambda one, generator: head_norm(model, layer, one, tokens, steps, generator),
        f"layer {layer}, norms",
    )


def over_inputs(inputs, repeats, seed, progress, norm_of, stage="norms"):
    """The `Estimate` of what `norm_of(one, generator)` gives of each input from several starts."""
    repeats = integer("repeats", repeats, 1, MOST, "at least 1")
    if len(inputs) < 2:
        raise RdcodecError(f"inputs: expected at least 2, the independent units, got {len(inputs)}")
    generator, found = np.random.default_rng(seed), []
    for number, one in enumerate(inputs):
        found.append([norm_of(one, generator).value for _ in range(repeats)])
        if progress is not None:
            progress(stage, (number + 1) / len(inputs))
    found = np.array(found)
    norms, error = found.max(axis=1), found.max(axis=1).std(ddof=1) / math.sqrt(len(found))
    starts = float((1 - found.min(axis=1) / norms).mean())
    terms = {"least": norms.min(), "largest": norms.max(), "starts": starts}
    return Estimate.student(norms.mean(), error, len(found) - 1, "largest singular value", len(found), **terms)


def _like(vector, tensor):
    return torch.from_numpy(np.asarray(vector)).to(tensor).view(tensor.shape)
