"""What a codec that was calibrated before says of states of another text: covariance and metric in the place of tokens that are not there."""

import numpy as np

from rdcodec.codecs.grid import grid_power

__all__ = ["Prior"]

TINY = 1e-30


class Prior:
    """Shapes of the metric and of the covariance that a codec's transform was made of, which count as some tokens beside those of a text.

    Codewords have none: which entry of the vocabulary one stands for is not in a checkpoint, and what a search for them finds is worse
    than what a few thousand tokens say.

    Parameters
    ----------
    codec : TransformCoding
    tokens : float
    """

    def __init__(self, codec, tokens):
        self.tokens = tokens
        self._forward, self._backward = codec.analysis.values, codec.synthesis.values
        self._variances = np.asarray(grid_power(2 * codec.tensors["component_scale"].astype(np.int64)), np.float64)

    def with_fisher(self, fisher, tokens, alpha):
        """Fisher information [channels, channels] of a mean eigenvalue of 1, estimated from so many tokens, and what the prior says.

        Analysis is metric times a rotation, and the metric's square the information's power alpha.
        """
        values, vectors = np.linalg.eigh(self._forward @ self._forward.T)
        values = np.maximum(values, TINY) ** (1 / alpha)
        return self._mixed(fisher, tokens, (vectors * (values / values.mean())) @ vectors.T)

    def with_covariance(self, covariance, tokens):
        """Covariance [channels, channels] from so many tokens, and the prior's shape at that covariance's size."""
        own = (self._backward.T * self._variances) @ self._backward
        seen = np.einsum("ij,ji->i", self._forward.T @ covariance, self._forward)  # variances of the prior's components
        return self._mixed(covariance, tokens, own * np.mean(seen / self._variances))

    def _mixed(self, measured, tokens, own):
        return (tokens * measured + self.tokens * own) / (tokens + self.tokens)
