"""What a changed output distribution costs, in nats."""

from __future__ import annotations

from typing import NamedTuple

import torch

__all__ = ["OutputLosses", "output_losses"]

POSITIONS = 64  # at a time: a window's logits are the largest arrays there are, and copies of them would be as large
LARGEST_EXPONENT = 80  # exp of more does not fit float32


class OutputLosses(NamedTuple):
    """Losses of output distributions.

    Attributes
    ----------
    kl : torch.Tensor
        float64 [outputs], KL(uncompressed || compressed) in nats, never negative.
    nll : torch.Tensor
        float64 [labels], negative log-likelihood of the label in nats, compressed.
    correct : torch.Tensor
        float64 [labels], 1 where the label is the most likely one, compressed.
    agreed : torch.Tensor
        float64 [outputs], 1 where the most likely one is that of the uncompressed model.
    """

    kl: torch.Tensor
    nll: torch.Tensor
    correct: torch.Tensor
    agreed: torch.Tensor


@torch.no_grad()
def output_losses(reference: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> OutputLosses:
    """Losses of each output: the position of a window, or an image.

    Parameters
    ----------
    reference, logits : torch.Tensor
        [outputs, classes]: logits of the uncompressed model and of the compressed one; the classes of a language model are
        its vocabulary.
    labels : torch.Tensor
        int64 [labels], what is right for the first outputs: the next tokens of a window, which has none for its last position.

    Returns
    -------
    OutputLosses

    Raises
    ------
    RuntimeError
        PyTorch's, where the shapes do not fit together.
    """
    kl, nll, correct, agreed = [], [], [], []
    for start in range(0, len(logits), POSITIONS):
        p, q = reference[start : start + POSITIONS].float(), logits[start : start + POSITIONS].float()
        likely = q.argmax(dim=1)
        kl.append(_divergence(p, q))
        agreed.append((likely == p.argmax(dim=1)).double())
        right = labels[start : start + len(q)]
        predicted = q[: len(right)]
        logit = predicted.gather(1, right[:, None]).squeeze(1)
        nll.append((predicted.logsumexp(dim=1) - logit).double())
        correct.append((likely[: len(right)] == right).double())
    return OutputLosses(*map(torch.cat, (kl, nll, correct, agreed)))


def _divergence(p, q):
    """KL of softmax(p) and softmax(q), row by row.

    With u = q - p less its mean under p, KL = log E[exp(u)] = log1p(E[expm1(u) - u]): all terms are positive, so that a
    divergence of 1e-7 is as good in float32 as one of 1. The difference of log-probabilities would leave only noise of it.
    """
    weights = p.softmax(dim=1)
    u = q - p
    u -= (weights * u).sum(dim=1, keepdim=True)
    if not u.max() < LARGEST_EXPONENT:  # the model is broken; then there is nothing small to be lost
        return (weights * (p.log_softmax(dim=1) - q.log_softmax(dim=1))).sum(dim=1).double()
    excess = torch.expm1(u).sub_(u).mul_(weights)
    return excess.sum(dim=1).double().log1p()
