"""The model's output distributions, one a position or one an image, computed for a few at a time.

The logits of a window are the largest array there is (512 tokens of a vocabulary of 50,000: 100 MB), so they are never held
whole: the tail of the model runs up to the input of its output head, and the head is applied to some positions at a time.
"""

import contextlib

import torch

from rdcodec.errors import RdcodecError
from rdcodec.splits import run_tail
from rdcodec.splits.hooks import stopped_at

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
    """The module that makes logits: of a vocabulary, one distribution a position, or of classes, one an input."""
    head = getattr(model, "get_output_embeddings", lambda: None)() or getattr(model, "classifier", None)
    if head is None:
        raise RdcodecError(
            f"model: {type(model).__name__} has no output head over a vocabulary or classes; load it with one, for example by"
            " AutoModelForCausalLM, AutoModelForMaskedLM or AutoModelForImageClassification"
        )
    return head


def head_inputs(model, layer, h):
    """What enters the output head when the model goes on from `h` [batch, tokens, channels].

    Returns
    -------
    torch.Tensor
        [batch, tokens, width], or [batch, width] of a classifier.
    """
    (inputs, *_), _ = stopped_at(output_head(model), lambda: run_tail(model, layer, h))
    return inputs.flatten(1) if inputs.dim() == 4 else inputs  # pooled feature maps have a height and a width of 1


def log_probabilities(model, inputs):
    return torch.log_softmax(output_head(model)(inputs).float(), dim=-1)


@torch.no_grad()
def kl_divergence(model, reference, other):
    """Mean KL(reference || other) in nats of the output distributions at two inputs of the output head."""
    total, count = 0.0, 0
    for p, q in zip(reference.flatten(0, -2).split(POSITIONS), other.flatten(0, -2).split(POSITIONS)):
        p, q = log_probabilities(model, p), log_probabilities(model, q)
        total += float((p.exp() * (p - q)).sum(dtype=torch.float64))
        count += len(p)
    return total / count


def sampled_gradients(model, layer, h, samples, generator):
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
