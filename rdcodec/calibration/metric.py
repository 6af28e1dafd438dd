"""The metric in which the transform works, and the transform."""

import numpy as np

__all__ = ["Metric", "clipped", "fisher_metric", "principal_components", "shrunk_covariance", "token_scales"]

CLIP_QUANTILE = 0.95
NOISE = 0.3  # of the usual variance, that is lost at the usual rates
TINY = 1e-30


class Metric:
    """A symmetric positive matrix as a map: ``x @ forward`` has the metric's length, ``backward`` is its inverse."""

    def __init__(self, forward, backward):
        self.forward = forward
        self.backward = backward


def clipped(gradients):
    """Gradients [n, channels] scaled down to the norm that 95% of them do not exceed: a few hard tokens would rule the rest."""
    norms = np.linalg.norm(gradients, axis=1)
    limit = np.quantile(norms, CLIP_QUANTILE)
    return gradients * np.minimum(1, limit / np.maximum(norms, 1e-30))[:, None]


def fisher_metric(gradients, alpha, shrinkage, before=None, mean=None):
    """The metric ``((1 - s) F + s I) ** alpha`` of the Fisher information F, scaled to a mean eigenvalue of 1.

    Errors e cost ``e' F e / 2`` nats to second order; but F is known from few samples and errors are not small, so the
    truth lies between it and plain squared error: alpha 0 is the latter, alpha 1 the former.

    Parameters
    ----------
    gradients : ndarray
        float64 [n, channels], of log-likelihoods of sampled tokens.
    alpha, shrinkage : float
    before : Prior, optional
        What is known of F besides.
    mean : float, optional
        The mean eigenvalue that counts as 1, of ``gradients.T @ gradients / n``; its own where it is not given.
    """
    fisher = gradients.T @ gradients
    fisher /= np.trace(fisher) / len(fisher) if mean is None else len(gradients) * mean
    if before is not None:
        fisher = before.with_fisher(fisher, len(gradients), alpha)
    values, vectors = np.linalg.eigh((1 - shrinkage) * fisher + shrinkage * np.eye(len(fisher)))
    values = values ** (alpha / 2)
    return Metric((vectors * values) @ vectors.T, (vectors / values) @ vectors.T)


def token_scales(values):
    """Mean square of each of the values [n, channels] in proportion to what is usual of its principal components.

    A codec gives each token its own scale, so what matters is the covariance of values at equal scales, and a few large tokens
    would rule the plain one.
    """
    variances, basis = principal_components(values.T @ values / len(values))
    variances += NOISE * np.exp(np.mean(np.log(variances)))
    components = values @ basis
    return np.square(components, out=components) @ (1 / variances) / len(variances)


def shrunk_covariance(x):
    """Covariance about 0 of x [n, channels], its correlations scaled down by as much as is noise of the estimate.

    The share is that of Schaefer and Strimmer (2005), ``sum(var(r)) / sum(r ** 2)`` over the pairs of channels.
    """
    deviation = np.maximum(np.sqrt(np.mean(np.square(x), axis=0)), TINY)
    x = x / deviation
    correlation = x.T @ x / len(x)
    diagonal = np.diag(np.diag(correlation))
    energy = np.square(correlation - diagonal).sum()
    np.square(x, out=x)
    noise = (np.square(x.sum(axis=1)).sum() - np.vdot(x, x)) / len(x) - energy  # of all products of two channels, of one token
    share = np.clip(noise / len(x) / max(energy, TINY), 0, 1)
    return ((1 - share) * correlation + share * diagonal) * np.outer(deviation, deviation)


def principal_components(covariance):
    """Variances, largest first, and the orthonormal basis [channels, components] of a covariance."""
    variances, basis = np.linalg.eigh(covariance)
    return np.maximum(variances[::-1], 1e-12), np.ascontiguousarray(basis[:, ::-1])
