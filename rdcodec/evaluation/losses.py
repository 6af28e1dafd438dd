"""What a changed output distribution costs, in nats."""

import torch

__all__ = ["token_losses"]

POSITIONS = 64  # at a time: a window's logits are the largest arrays there are, and copies of them would be as large
LARGEST_EXPONENT = 80  # exp of more does not fit float32


@torch.no_grad()
def token_losses(reference, logits, ids):
    """Losses of each position of a window.

    Parameters
    ----------
    reference, logits : torch.Tensor
        [tokens, vocabulary]: logits of the uncompressed model and of the compressed one.
    ids : torch.Tensor
        int64 [tokens]: the tokens themselves.

    Returns
    -------
    kl : torch.Tensor
        float64 [tokens], KL(uncompressed || compressed) in nats, never negative.
    nll : torch.Tensor
        float64 [tokens - 1], negative log-likelihood of the next token under `logits`, in nats.
    """
    kl, nll = [], []
    for start in range(0, len(ids), POSITIONS):
        p, q = reference[start : start + POSITIONS].float(), logits[start : start + POSITIONS].float()
        kl.append(_divergence(p, q))
        targets = ids[start + 1 : start + 1 + len(q)]
        predicted = q[: len(targets)]
        likely = predicted.gather(1, targets[:, None]).squeeze(1)
        nll.append((predicted.logsumexp(dim=1) - likely).double())
    return torch.cat(kl), torch.cat(nll)


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
