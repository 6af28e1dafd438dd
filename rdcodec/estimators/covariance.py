"""Log-determinants of covariances, and the Gaussian bound on the entropy of rounded vectors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rdcodec import _core
from rdcodec.errors import RdcodecError
from rdcodec.estimators.estimate import NORMAL_95, Estimate
from rdcodec.estimators.lanczos import random_signs, ritz, tridiagonalise
from rdcodec.estimators.samples import column_blocks, exponent_of, matrix, row_blocks, seed_of

if TYPE_CHECKING:
    from rdcodec.types import ArrayLike, Seed

__all__ = ["cholesky_factor", "gaussian_entropy_bound", "ledoit_wolf", "log_det_covariance", "scatter_of"]

LN2 = math.log(2)

# A pivot below this share of its diagonal element is rounding error: the covariance is singular.
LEAST_PIVOT = 1e-13

# Samples that the standard error is found from.
MOST_INFLUENCES = 256

# Variance of the error of rounding to integers.
ROUNDING = 1 / 12


def gaussian_entropy_bound(y: ArrayLike, step: float = 1.0) -> Estimate:
    """Upper bound on the entropy of rounded vectors: 1/2 log2 det(2 pi e (Sigma / step^2 + I / 12)).

    A rounded vector plus uniform noise in a cell has the entropy of the rounded vector and a covariance of Sigma + step^2 I / 12;
    no density of that covariance has more than the Gaussian [1]_. Sigma is estimated, so the bound is as good as the estimate.

    Parameters
    ----------
    y : array_like of float, [samples, features]
        The vectors after rounding to multiples of step; at least 2. May be a memory map: it is read in blocks.
    step : float
        Size of a cell, above 0.

    Returns
    -------
    Estimate
        In bits a vector; terms as those of `log_det_covariance`.

    Raises
    ------
    RdcodecError
        Samples are fewer than 2 or not finite, or step is not above 0.

    References
    ----------
    .. [1] T. Cover, J. Thomas, Elements of Information Theory, 2006, problem 8.7.

    Examples
    --------
    >>> import numpy as np
    >>> from rdcodec.estimators import gaussian_entropy_bound
    >>> y = np.round(np.random.default_rng(0).normal(0, 10, (4000, 3)))
    >>> print(gaussian_entropy_bound(y))
    16.1... ± 0.0... bits (n = 4000)
    """
    if not 0 < step < math.inf:
        raise RdcodecError(f"step: expected a number above 0, got {step}")
    y = matrix(y, "y")
    scatter = scatter_of(y, step)
    found = _exact(scatter, y, ridge=ROUNDING * math.ldexp(step, -scatter.exponent) ** 2)
    features = y.shape[1]
    fixed = features * (math.log2(2 * math.pi * math.e) / 2 - math.log2(step))
    low, high = (fixed + end / 2 for end in found.interval)
    return Estimate(fixed + found.value / 2, found.error / 2, (low, high), "bits", len(y), found.terms, found.confidence)


def log_det_covariance(y: ArrayLike, method: str = "exact", probes: int = 32, steps: int = 64, seed: Seed = 0) -> Estimate:
    """Log-determinant of the shrunk covariance [1]_, (1 - rho) S + rho tr(S)/p I.

    Parameters
    ----------
    y : array_like of float, [samples, features]
        At least 2 samples. For "exact" it may be a memory map: it is read in blocks.
    method : str
        "exact": by the Cholesky factor of the smaller of the two Gram matrices, so that with fewer samples n than features p
        nothing of size p x p is formed. "lanczos": by stochastic Lanczos quadrature [2]_, without any Gram matrix, for when
        both are large.
    probes, steps : int
        Of "lanczos": random starts, at least 2, and steps from each, at least 1.
    seed : int, numpy.random.Generator or None
        Of the probes, as `rademacher_complexity` takes it.

    Returns
    -------
    Estimate
        In bits. The error of "exact" is that of sampling y, with the samples' own influences; its interval for 95% reaches
        from the value without shrinkage, minus infinity where S is singular, to the value with the bias of sampling removed. It
        is of use only where samples are many times the features. The error of "lanczos" is that of the probes alone, for given
        y. terms: "shrinkage" rho, "per_feature" the value over p.

    Raises
    ------
    RdcodecError
        Samples are fewer than 2, not finite or all the same, the covariance is singular even when shrunk, or the method is
        unknown.

    References
    ----------
    .. [1] O. Ledoit, M. Wolf, A well-conditioned estimator for large-dimensional covariance matrices, 2004.
    .. [2] S. Ubaru, J. Chen, Y. Saad, Fast estimation of tr(f(A)) via stochastic Lanczos quadrature, 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from rdcodec.estimators import log_det_covariance
    >>> y = np.random.default_rng(0).normal(size=(200, 1000))
    >>> print(log_det_covariance(y, "lanczos"), log_det_covariance(y).value)
    -3... ± 0... bits (n = 200) -3...
    """
    y = matrix(y, "y")
    if method == "exact":
        return _exact(scatter_of(y), y)
    if method != "lanczos":
        raise RdcodecError(f"method: expected exact or lanczos, got {method!r}")
    if probes < 2 or steps < 1:
        raise RdcodecError(f"probes, steps: expected at least 2 and 1, got {probes} and {steps}")
    return _by_quadrature(y, probes, steps, seed_of(seed))


# ---- Second moments


@dataclass
class Scatter:
    """Sums over centred samples times 2^-exponent: gram is x^T x [p, p], or x x^T [n, n] where samples are fewer; its lower triangle."""

    gram: np.ndarray
    mean: np.ndarray
    exponent: int
    samples: int
    features: int
    trace: float
    square: float  # squared Frobenius norm of gram
    fourth: float  # sum of the samples' norms to the fourth

    @property
    def is_wide(self):
        return self.samples < self.features


def _means(y):
    """Of features, and the exponent of the largest number."""
    sums, peaks, bits = np.zeros(y.shape[1]), [], len(y).bit_length()
    for _, block in row_blocks(y, "y"):
        sums += np.ldexp(block, -bits).sum(axis=0)  # which does not overflow
        peaks.append(np.abs(block).max())
    return sums * (2**bits / len(y)), exponent_of(peaks)


def scatter_of(y, least=0.0):
    """Of samples, times a power of two that makes neither them nor `least` large."""
    n, p = y.shape
    mean, exponent = _means(y)
    exponent = max(exponent, exponent_of(least)) if least else exponent
    gram = np.zeros((min(n, p),) * 2)
    norms = np.zeros(n)
    if n < p:
        for columns, block in column_blocks(y, "y"):
            _core.gram_add(np.ldexp(block - mean[columns], -exponent), False, gram)
        norms = gram.diagonal().copy()
    else:
        for rows, block in row_blocks(y, "y"):
            centred = np.ldexp(block - mean, -exponent)
            norms[rows] = np.einsum("ij,ij->i", centred, centred)
            _core.gram_add(centred, True, gram)
    square = 2 * (np.tril(gram, -1) ** 2).sum() + (gram.diagonal() ** 2).sum()
    return Scatter(gram, mean, exponent, n, p, norms.sum(), square, (norms**2).sum())


def ledoit_wolf(samples, features, trace, square, fourth):
    """Ledoit and Wolf's rho, from sums over the scatter; 1 for a multiple of the identity."""
    variance = trace / (samples * features)
    distance = square / (samples**2 * features) - variance**2
    noise = (fourth / samples**2 - square / samples**3) / features
    return 1.0 if distance <= noise else max(noise / distance, 0.0)


# ---- By Cholesky


def cholesky_factor(scatter, scale, ridge):
    """Cholesky factor of scale * gram + ridge I, or None where that is singular."""
    shifted = scatter.gram * scale
    shifted[np.diag_indices_from(shifted)] += ridge
    least = LEAST_PIVOT * shifted.diagonal()
    try:
        _core.cholesky(shifted)
    except RdcodecError:
        return None
    return shifted if (shifted.diagonal() ** 2 > least).all() else None


def _log_det(scatter, shrinkage, ridge):
    """Natural log of det((1 - rho) S + (rho tr(S)/p + ridge) I), minus infinity where it is singular, and the factor."""
    n, p = scatter.samples, scatter.features
    added = shrinkage * scatter.trace / (n * p) + ridge
    scale = (1 - shrinkage) / n
    if scatter.is_wide and added <= LEAST_PIVOT * scatter.trace / (n * p):
        return -math.inf, None
    factor = cholesky_factor(scatter, scale / added, 1.0) if scatter.is_wide else cholesky_factor(scatter, scale, added)
    if factor is None:
        return -math.inf, None
    return 2 * np.log(factor.diagonal()).sum() + (p * math.log(added) if scatter.is_wide else 0.0), factor


def _influences(scatter, y, shrinkage, factor):
    """How much single samples move the log-determinant: (1 - rho) x^T M^-1 x for samples spread over y."""
    n = scatter.samples
    chosen = np.unique(np.linspace(0, n - 1, min(n, MOST_INFLUENCES)).astype(np.intp))
    if scatter.is_wide:  # 1 - the diagonal of (I + gram scale / added)^-1
        right = np.zeros((n, len(chosen)))
        right[chosen, np.arange(len(chosen))] = 1
        _core.solve_lower(factor, right)
        return n * (1 - (right * right).sum(axis=0))
    right = np.ascontiguousarray(np.ldexp(y[chosen].astype(np.float64) - scatter.mean, -scatter.exponent).T)
    _core.solve_lower(factor, right)
    return (1 - shrinkage) * (right * right).sum(axis=0)


def _exact(scatter, y, ridge=0.0):
    """The estimate in bits; the ridge is in the scatter's unit."""
    if scatter.trace == 0 and ridge == 0:
        raise RdcodecError("y: expected samples that differ, got the same one")
    n = scatter.samples
    shrinkage = ledoit_wolf(n, scatter.features, scatter.trace, scatter.square, scatter.fourth)
    value, factor = _log_det(scatter, shrinkage, ridge)
    if factor is None:
        raise RdcodecError("y: expected a covariance that is positive definite after shrinkage, got a singular one")
    unshrunk = value if shrinkage == 0 else _log_det(scatter, 0.0, ridge)[0]
    influences = _influences(scatter, y, shrinkage, factor)
    error, dimensions = influences.std() / math.sqrt(n), influences.mean()
    bias = dimensions * (dimensions + 1) / (2 * n)  # of a Gaussian's, to first order
    scale = 2 * scatter.exponent * scatter.features
    interval = float(min(value, unshrunk) - NORMAL_95 * error) / LN2 + scale, float(value + bias + NORMAL_95 * error) / LN2 + scale
    bits = float(value) / LN2 + scale
    terms = {"shrinkage": float(shrinkage), "per_feature": bits / scatter.features}
    return Estimate(bits, float(error) / LN2, interval, "bits", n, terms, 0.95)


# ---- By Lanczos quadrature


def _by_quadrature(y, probes, steps, seed):
    n, p = y.shape
    mean, exponent = _means(y)
    centred = np.ldexp(np.ascontiguousarray(y, np.float64) - mean, -exponent)
    norms = (centred * centred).sum(axis=1)
    size = min(n, p)

    def gram_times(vectors):
        inner = _core.matrix_vectors(centred, vectors, n < p)
        return _core.matrix_vectors(centred, inner, n >= p)

    diagonal, beside, _ = tridiagonalise(gram_times, random_signs(seed, probes, size), min(steps, size))
    spectra = [_weighted_eigenvalues(a, b) for a, b in zip(diagonal, beside)]
    values, weights = (np.array(part) for part in zip(*spectra))
    squares = size * (diagonal[:, 0] ** 2 + beside[:, 0] ** 2)  # |gram z|^2 is that of gram, on average over z

    def estimate(chosen):
        shrinkage = ledoit_wolf(n, p, norms.sum(), squares[chosen].mean(), (norms**2).sum())
        added, scale = shrinkage * norms.sum() / (n * p), (1 - shrinkage) / n
        if added == 0:
            raise RdcodecError("y: expected a covariance that shrinkage makes positive definite, got one that it leaves as it is")
        logs = (weights[chosen] * np.log1p(values[chosen] * (scale / added))).sum(axis=1)
        return (size * logs.mean() + p * math.log(added)) / LN2 + 2 * exponent * p, shrinkage

    value, shrinkage = estimate(np.full(probes, True))
    without = np.array([estimate(np.arange(probes) != i)[0] for i in range(probes)])
    error = math.sqrt((probes - 1) * without.var())  # the jackknife's
    return Estimate.normal(value, error, "bits", n, shrinkage=shrinkage, per_feature=value / p)


def _weighted_eigenvalues(diagonal, beside):
    """Eigenvalues of a start's form, and the weights that the start gives to them."""
    values, vectors = ritz(diagonal, beside)
    return np.maximum(values, 0), vectors[0] ** 2
