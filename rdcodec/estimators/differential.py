"""Differential entropy of samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rdcodec import _core
from rdcodec.arguments import MOST, integer
from rdcodec.errors import RdcodecError
from rdcodec.estimators.covariance import LN2, cholesky_factor, scatter_of
from rdcodec.estimators.estimate import NORMAL_95, Estimate
from rdcodec.estimators.samples import exponent_of, finite, matrix

if TYPE_CHECKING:
    from rdcodec.types import ArrayLike

__all__ = ["differential_entropy"]

# Terms of samples that are each other's neighbours go together: errors of means are larger than for independent ones by this, in
# simulations.
DEPENDENCE = 1.3

# The bias is taken to grow with the distance to this power at least: 1/2 is that of densities that are infinite at an edge like
# 1/sqrt(x), at an edge of a finite density it is 1, elsewhere 2.
SLOWEST_GROWTH = 0.5


def differential_entropy(x: ArrayLike, method: str = "knn", neighbours: int = 4) -> Estimate:
    """Differential entropy of the density that samples were drawn from.

    Parameters
    ----------
    x : array_like of float, [samples, dimensions] or [samples]
    method : str
        "knn": from distances to the k-th nearest neighbour [1]_, for any density. "gaussian": without bias if the density is
        Gaussian [2]_; else close to the largest entropy of that covariance.
    neighbours : int
        k of "knn", at least 1 and fewer than half the samples. More give less noise and more bias.

    Returns
    -------
    Estimate
        In bits; the interval is for 95%. The error of "gaussian" is exact for Gaussian samples. That of "knn" is such that 1.96
        of it cover the noise, of the estimate and of its bias, and the bias as far as the estimate with 2 k neighbours shows it,
        for densities that are infinite at edges too, like 1/sqrt(x) at most; it outweighs the rest from some 3 dimensions on.
        terms: "bias", as it would be at the edge of a finite density.

    Raises
    ------
    RdcodecError
        Samples are too few or not finite, the covariance is singular, more than k samples are the same, or the method is unknown.

    References
    ----------
    .. [1] L. Kozachenko, N. Leonenko, 1987; k neighbours: M. Goria et al., 2005.
    .. [2] N. Ahmed, D. Gokhale, Entropy expressions and their estimators for multivariate distributions, 1989.

    Examples
    --------
    >>> import numpy as np
    >>> from rdcodec.estimators import differential_entropy
    >>> x = np.random.default_rng(0).normal(size=(5000, 2))
    >>> print(differential_entropy(x), differential_entropy(x, "gaussian"))
    4.0... ± 0.0... bits (n = 5000) 4.0... ± 0.0204 bits (n = 5000)
    """
    if method == "gaussian":
        return _gaussian(x)
    if method != "knn":
        raise RdcodecError(f"method: expected knn or gaussian, got {method!r}")
    return _by_neighbours(matrix(x, "x"), integer("neighbours", neighbours, -MOST, MOST))


def _by_neighbours(x, k):
    x = finite(np.ascontiguousarray(x, np.float64), "x")
    n, d = x.shape
    if not 0 < 2 * k < n:
        raise RdcodecError(f"neighbours: expected at least 1 and fewer than half of the {n} samples, got {k}")
    exponent = exponent_of(x)
    distances = _core.neighbour_distances(np.ldexp(x, -exponent), 2 * k)
    if not distances[:, k - 1].min() > 0:
        raise RdcodecError(f"x: expected at most {k} samples that are the same, got more; they have no density")
    unit_ball = d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1)
    near, far = (unit_ball + _core.digamma(n) - _core.digamma(j) + d * np.log(distances[:, j - 1]) for j in (k, 2 * k))
    biases = (far - near) / (2 ** (1 / d) - 1)
    bias, noise = biases.mean(), DEPENDENCE * math.hypot(near.std(ddof=1), biases.std(ddof=1)) / math.sqrt(n)
    largest = abs(far.mean() - near.mean()) / (2 ** (SLOWEST_GROWTH / d) - 1)
    error = noise + largest / NORMAL_95
    return Estimate.normal(near.mean() / LN2 + d * exponent, error / LN2, "bits", n, bias=bias / LN2)


def _gaussian(x):
    x = matrix(x, "x")
    n, d = x.shape
    if n <= d:
        raise RdcodecError(f"x: expected more samples than its {d} dimensions, got {n}")
    scatter = scatter_of(x)
    factor = cholesky_factor(scatter, 1.0, 0.0)
    if factor is None:
        raise RdcodecError("x: expected a covariance that is positive definite, got a singular one")
    degrees = [(n - i) / 2 for i in range(1, d + 1)]
    value = d / 2 * math.log(math.e * math.pi) + np.log(factor.diagonal()).sum() - sum(map(_core.digamma, degrees)) / 2
    error = math.sqrt(sum(map(_core.trigamma, degrees))) / 2
    return Estimate.normal(value / LN2 + d * scatter.exponent, error / LN2, "bits", n)
