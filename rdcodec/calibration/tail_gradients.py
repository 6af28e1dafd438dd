"""Gradients of what a model says with respect to a hidden state, in the memory that inference takes.

For a gradient, PyTorch keeps what every block computes. Where that is much, states before blocks alone are kept, and a block runs
once more when its turn comes: what it computes is there for no longer than its own gradient takes.
"""

from contextlib import ExitStack

import torch

from rdcodec.calibration.inputs import main_input
from rdcodec.calibration.output import POSITIONS, OutputHead, head_inputs
from rdcodec.errors import RdcodecError
from rdcodec.splits import find_site, run_tail
from rdcodec.splits.hooks import before, block_input, stopped_at

__all__ = ["generators_of", "sampled_gradients"]

KEPT = 30  # arrays of the size of a state that a block keeps for its gradient, about
MOST_KEPT = 2**30  # bytes that all blocks may keep together


def generators_of(model, layer, parts, samples, seed):
    """Generators of `sampled_gradients` for parts of a text, pairs of h and inputs: each begins where that of the part before it ends.

    How far a draw moves a generator depends on how many there are, not on what they are drawn from.
    """
    (h, inputs), *_ = parts
    with torch.no_grad():
        of_each = head_inputs(model, layer, h[:1], inputs[:1]).shape[1:-1].numel()
    generator, found = torch.Generator().manual_seed(seed), []
    for h, _ in parts:
        found.append(generator.clone_state())
        torch.multinomial(torch.ones(len(h) * of_each, 1), samples, replacement=True, generator=generator)
    return found


def sampled_gradients(model, layer, h, samples, generator, inputs=None):
    """Gradients of the log-likelihood of tokens, or classes, drawn from the model's own output.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    layer : int
    h : torch.Tensor
        [batch, tokens, channels]
    samples : int
        Draws from each distribution. Their outer products average to the Fisher information of the output with respect to h.
    generator : torch.Generator
    inputs : torch.Tensor, optional
        The model's main input that h was made of.

    Returns
    -------
    torch.Tensor
        float32 [samples, batch, tokens, channels]
    """
    sites = _sites_behind(model, layer)
    if len(sites) > 1 and len(sites) * KEPT * h.nbytes > MOST_KEPT:
        tail = _TailByBlocks(model, layer, h, inputs, sites)
    else:
        tail = _WholeTail(model, layer, h, inputs)
    return torch.stack(tail.gradients(_of_outputs(model, tail.end, samples, generator))).float()


def _of_outputs(model, entered, samples, generator):
    """Gradients of what is drawn with respect to what enters the output head, [samples, ...]."""
    head, upstream = OutputHead(model), torch.empty(samples, *entered.shape)
    flat_upstream = upstream.view(samples, -1, entered.shape[-1])
    for start in range(0, flat_upstream.shape[1], POSITIONS):
        part = entered.detach().flatten(0, -2)[start : start + POSITIONS].requires_grad_(True)
        log_p = head(part)
        drawn = torch.multinomial(log_p.detach().exp(), samples, replacement=True, generator=generator)
        for s in range(samples):
            (gradient,) = torch.autograd.grad(log_p.gather(1, drawn[:, s : s + 1]).sum(), part, retain_graph=s < samples - 1)
            flat_upstream[s, start : start + len(part)] = gradient
    return upstream


def _pulled(end, begin, upstream):
    """Gradients with respect to `begin` of those with respect to `end`, a list of as many."""
    last = len(upstream) - 1
    return [torch.autograd.grad(end, begin, gradient.to(end), retain_graph=s < last)[0] for s, gradient in enumerate(upstream)]


class _WholeTail:
    """All blocks behind a layer at once. `end` is what enters the output head."""

    def __init__(self, model, layer, h, inputs):
        self._begin = h.detach().clone().requires_grad_(True)
        self.end = head_inputs(model, layer, self._begin, inputs)

    def gradients(self, upstream):
        return _pulled(self.end, self._begin, upstream)


class _TailByBlocks:
    """Block after block, of which the states before them, [batch, tokens, channels], are kept."""

    def __init__(self, model, layer, h, inputs, sites):
        self._model, self._layer, self._inputs, self._sites, self._states = model, layer, inputs, sites, []
        with torch.no_grad(), ExitStack() as stack:
            for site in sites:
                stack.enter_context(before(site.place, self._keeping(site)))
            self.end = head_inputs(model, layer, h, inputs)

    def _keeping(self, site):
        return lambda block, args, kwargs: self._states.append(_state(site, args, kwargs).clone())

    def gradients(self, upstream):
        for number in reversed(range(len(self._sites))):
            begin = self._states[number].requires_grad_(True)
            upstream = _pulled(self._after(number, begin), begin, upstream)
        return upstream

    def _after(self, number, state):
        """What a block, the one of that number, makes of a state."""
        layer = self._layer + number
        if number + 1 == len(self._sites):
            return head_inputs(self._model, layer, state, self._inputs)
        following, given = self._sites[number + 1], main_input(self._model, self._inputs)
        reached = stopped_at(following.place, lambda: run_tail(self._model, layer, state, **given))
        return _state(following, *reached)


def _state(site, args, kwargs):
    return site.layout.to_tokens(block_input(args, kwargs))


def _sites_behind(model, layer):
    """The split points from a layer on to the last of its part of the model; none where blocks use more of earlier ones than states."""
    sites = [find_site(model, layer)]
    if sites[0].split.chained:
        return []
    try:
        while sites[-1].blocks[0] is sites[0].blocks[0]:  # not those of a decoder behind an encoder
            sites.append(find_site(model, layer + len(sites)))
    except RdcodecError:
        return sites
    return sites[:-1]
