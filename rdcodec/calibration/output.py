"""The model's output distribution, computed for a few positions at a time.

The logits of a window are the largest array there is (512 tokens of a vocabulary of 50,000: 100 MB), so they are never held
whole: the tail of the model runs up to the input of its output head, and the head is applied to some positions at a time.
"""

import contextlib

import torch

from rdcodec.errors import RdcodecError
from rdcodec.splits import run_tail

__all__ = ["frozen", "head_inputs", "kl_divergence", "output_head", "sampled_gradients"]

POSITIONS = 64  # at a time


@contextlib.contextmanager
def frozen(model):
    """The model in evaluation mode and without gradients of its weights, as it was afterwards."""
    training = model.training
    needed = [parameter for parameter in model.parameters() if parameter.requires_grad]
    model.eval()
    for parameter in needed:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        model.train(training)
        for parameter in needed:
            parameter.requires_grad_(True)


def output_head(model):
    """The module that makes logits, one distribution a position."""
    head = getattr(model, "get_output_embeddings", lambda: None)()
    if head is None:
        raise RdcodecError(
            f"model: {type(model).__name__} has no output head over a vocabulary; load it with a language-model head,"
            " for example AutoModelForCausalLM or AutoModelForMaskedLM"
        )
    return head


def head_inputs(model, layer, h):
    """What enters the output head when the model goes on from `h` [batch, tokens, channels]: [batch, tokens, width]."""
    caught = []

    def catch(module, args):
        caught.append(args[0])
        return (args[0][:, -1:],)

    handle = output_head(model).register_forward_pre_hook(catch)
    try:
        run_tail(model, layer, h)
    finally:
        handle.remove()
    return caught[0]


def log_probabilities(model, inputs):
    return torch.log_softmax(output_head(model)(inputs).float(), dim=-1)


@torch.no_grad()
def kl_divergence(model, reference, other):
    """Mean KL(reference || other) in nats a token of the output distributions at two inputs of the output head."""
    total, tokens = 0.0, 0
    for p, q in zip(reference.flatten(0, -2).split(POSITIONS), other.flatten(0, -2).split(POSITIONS)):
        p, q = log_probabilities(model, p), log_probabilities(model, q)
        total += float((p.exp() * (p - q)).sum(dtype=torch.float64))
        tokens += len(p)
    return total / tokens


def sampled_gradients(model, layer, h, samples, generator):
    """Gradients of the log-likelihood of tokens drawn from the model's own output.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    layer : int
    h : torch.Tensor
        [batch, tokens, channels]
    samples : int
        Draws a position. Their outer products average to the Fisher information of the output with respect to h.
    generator : torch.Generator

    Returns
    -------
    torch.Tensor
        float32 [samples, batch, tokens, channels]
    """
    leaf = h.detach().clone().requires_grad_(True)
    inputs = head_inputs(model, layer, leaf)
    upstream = torch.empty(samples, *inputs.shape)
    flat_upstream = upstream.view(samples, -1, inputs.shape[-1])
    for start in range(0, flat_upstream.shape[1], POSITIONS):
        part = inputs.detach().flatten(0, -2)[start : start + POSITIONS].requires_grad_(True)
        log_p = log_probabilities(model, part)
        drawn = torch.multinomial(log_p.detach().exp(), samples, replacement=True, generator=generator)
        for s in range(samples):
            (gradient,) = torch.autograd.grad(log_p.gather(1, drawn[:, s : s + 1]).sum(), part, retain_graph=s < samples - 1)
            flat_upstream[s, start : start + len(part)] = gradient
    gradients = [
        torch.autograd.grad(inputs, leaf, upstream[s].to(inputs), retain_graph=s < samples - 1)[0] for s in range(samples)
    ]
    return torch.stack(gradients).float()
