"""The metric in which the transform works, and the transform."""

import numpy as np

__all__ = ["Metric", "clipped", "fisher_metric", "principal_components"]

CLIP_QUANTILE = 0.95


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


def fisher_metric(gradients, alpha, shrinkage):
    """The metric ``((1 - s) F + s I) ** alpha`` of the Fisher information F, scaled to a mean eigenvalue of 1.

    Errors e cost ``e' F e / 2`` nats to second order; but F is known from few samples and errors are not small, so the
    truth lies between it and plain squared error: alpha 0 is the latter, alpha 1 the former.

    Parameters
    ----------
    gradients : ndarray
        float64 [n, channels], of log-likelihoods of sampled tokens.
    alpha, shrinkage : float
    """
    fisher = gradients.T @ gradients
    fisher /= np.trace(fisher) / len(fisher)
    values, vectors = np.linalg.eigh((1 - shrinkage) * fisher + shrinkage * np.eye(len(fisher)))
    values = values ** (alpha / 2)
    return Metric((vectors * values) @ vectors.T, (vectors / values) @ vectors.T)


def principal_components(values):
    """Variances, largest first, and the orthonormal basis [channels, components] of values [n, channels]."""
    variances, basis = np.linalg.eigh(values.T @ values / len(values))
    return np.maximum(variances[::-1], 1e-12), np.ascontiguousarray(basis[:, ::-1])
