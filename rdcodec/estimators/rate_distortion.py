"""Rate-distortion references: what no codec can beat, and what simple ones reach."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rdcodec import _core
from rdcodec.arguments import MOST, integer
from rdcodec.errors import RdcodecError
from rdcodec.estimators.covariance import LN2
from rdcodec.estimators.estimate import Estimate
from rdcodec.estimators.samples import between, finite, vector

if TYPE_CHECKING:
    from rdcodec.types import ArrayLike

__all__ = ["rate_distortion", "reverse_water_filling", "scalar_quantisation", "shannon_lower_bound"]

# Levels may miss the least possible one by this share of the largest distortion.
ROUNDING = 1e-12

# A slope of this many nats over the smallest difference of distortions is as good as infinite.
STEEPEST = 700.0

# Halvings of the slope's logarithm.
HALVINGS = 100


def rate_distortion(p: ArrayLike, distortion: ArrayLike, level: float, tolerance: float = 1e-9, iterations: int = 10_000) -> Estimate:
    """Rate-distortion function of a discrete source at a level, by the algorithm of Blahut and Arimoto [1]_.

    Parameters
    ----------
    p : array_like of float, [sources]
        Probabilities of the source's symbols; they are divided by their sum.
    distortion : array_like of float, [sources, outputs]
        What each reproduction of each symbol costs; finite.
    level : float
        Allowed mean distortion, at least the least possible, sum_i p_i min_j distortion_ij.
    tolerance : float
        In bits, between bounds; iterations end when it is met.
    iterations : int
        At most, for each slope.

    Returns
    -------
    Estimate
        In bits a symbol: the rate of a channel that was found, or of two that take turns, so an upper bound; the interval
        reaches from Blahut's lower bound to it. terms: "slope", bits that a unit of distortion less costs.

    Raises
    ------
    RdcodecError
        Probabilities are negative or all zero, something is not finite, shapes do not match, or the level cannot be reached.

    References
    ----------
    .. [1] R. Blahut, Computation of channel capacity and rate-distortion functions, 1972, theorem 6.

    Examples
    --------
    >>> from rdcodec.estimators import rate_distortion
    >>> print(rate_distortion([0.5, 0.5], [[0, 1], [1, 0]], level=0.11))  # 1 - h(0.11)
    0.500084 in [0.500084, 0.500084] bits (n = 2)
    """
    p, distortion = _source(p, distortion)
    least, most = float((p * distortion.min(axis=1)).sum()), float((p[:, None] * distortion).sum(axis=0).min())
    level, iterations = float(level), integer("iterations", iterations, 1, MOST, "at least 1")
    if not level >= least - ROUNDING * np.abs(distortion).max():
        raise RdcodecError(f"level: expected at least {least:g}, the least possible distortion, got {level:g}")
    if level >= most:
        return Estimate(0.0, None, (0.0, 0.0), "bits", len(p), {"slope": 0.0}, 1.0)
    return _bisect(p, distortion, level, (most, 0.0), tolerance * LN2, iterations)


def _bisect(p, distortion, level, above, tolerance, iterations):
    """Narrows the slopes whose channels lie on both sides of the level, of which `above` has rate 0; tolerance in nats."""
    steps = distortion - distortion.min(axis=1, keepdims=True)
    flattest, steepest = 1e-6 / steps.max(), STEEPEST / steps[steps > 0].min()
    q = np.full(distortion.shape[1], 1.0 / distortion.shape[1])
    below, slope, lowest = None, steepest, 0.0
    for _ in range(HALVINGS):
        reached, rate, intercept = _core.blahut_arimoto(p, distortion, slope, tolerance / 4, iterations, q)
        lowest = max(lowest, intercept - slope * level)
        if below is None or reached <= level:
            below, steepest = (reached, rate), slope
        else:
            above, flattest = (reached, rate), slope
        highest = _taking_turns(below, above, level)
        if highest - lowest <= tolerance:
            break
        slope = math.sqrt(flattest * steepest)
        q = 0.999 * q + 0.001 / len(q)  # so that every output can come back
    interval = min(lowest, highest) / LN2, highest / LN2
    return Estimate(highest / LN2, None, interval, "bits", len(p), {"slope": slope / LN2}, 1.0)


def _source(p, distortion):
    """Probabilities that sum to 1, of symbols that occur, and their distortions."""
    p, distortion = vector(p, "p"), finite(np.ascontiguousarray(distortion, np.float64), "distortion")
    if distortion.ndim != 2 or len(distortion) != len(p) or not distortion.size:
        raise RdcodecError(f"distortion: expected [{len(p)}, outputs], not empty, got shape {distortion.shape}")
    if p.min() < 0 or not 0 < p.sum() < math.inf:
        raise RdcodecError("p: expected numbers of at least 0 with a sum above 0, got others")
    occurs = p > 0
    return p[occurs] / p.sum(), np.ascontiguousarray(distortion[occurs])


def _taking_turns(below, above, level):
    """Rate of two channels that take turns such that the level is met; each is (distortion, rate)."""
    if below[0] >= level:
        return below[1]
    share = (above[0] - level) / (above[0] - below[0])
    return share * below[1] + (1 - share) * above[1]


def shannon_lower_bound(entropy: Estimate | float, level: float, dimensions: int = 1, covariance: ArrayLike | None = None) -> Estimate:
    """Shannon's lower bound on the rate at a mean squared error: h - d/2 log2(2 pi e D / d), and never below 0.

    With the source's covariance it follows reverse water-filling: h - 1/2 sum_i log2(2 pi e min(v_i, w)) with its variances v
    along principal axes and the water w, sum_i min(v_i, w) = D. The error of a reproduction that is the mean given what was sent
    has a covariance no larger than the source's, and of those with a trace of at most D this has the largest determinant [1]_.
    Both are exact for a Gaussian, the first only while D / d is at most its least variance.

    Parameters
    ----------
    entropy : Estimate or float
        Differential entropy of the source, bits.
    level : float
        D, mean squared error summed over dimensions, above 0.
    dimensions : int
        d, at least 1; that of the covariance where there is one.
    covariance : array_like of float, [dimensions, dimensions] or [dimensions], optional
        Of the source, or its variances along principal axes.

    Returns
    -------
    Estimate
        In bits a vector, with the error of the entropy.

    Raises
    ------
    RdcodecError
        An argument is out of range, or a variance is 0: there is no entropy then.

    References
    ----------
    .. [1] T. Cover, J. Thomas, Elements of Information Theory, 2006, theorems 8.6.5 and 10.3.3.

    Examples
    --------
    >>> import math
    >>> from rdcodec.estimators import shannon_lower_bound
    >>> print(shannon_lower_bound(0.5 * math.log2(2 * math.pi * math.e), level=0.25))  # a Gaussian's is exact: log2(1 / 0.5)
    1 ± 0 bits (n = 0)
    """
    level = between(level, "level", 0, math.inf)
    dimensions = integer("dimensions", dimensions, 1, MOST, "at least 1")
    errors = np.full(dimensions, level / dimensions)
    if covariance is not None:
        variances = _variances(covariance)
        if not variances.min() > 0:
            raise RdcodecError("covariance: expected variances above 0 for a source with a density, got 0")
        if dimensions not in (1, len(variances)):
            raise RdcodecError(f"dimensions: expected the covariance's {len(variances)}, got {dimensions}")
        errors = np.minimum(variances, _water(variances, level)[0])
    given = entropy if isinstance(entropy, Estimate) else Estimate.normal(float(entropy), 0.0, "bits", 0)
    value = max(given.value - np.log2(2 * math.pi * math.e * errors).sum() / 2, 0.0)
    return Estimate.normal(value, given.error or 0.0, "bits", given.samples)


def reverse_water_filling(covariance: ArrayLike, level: float) -> Estimate:
    """Rate-distortion function of a Gaussian vector at a mean squared error, by reverse water-filling [1]_.

    Parameters
    ----------
    covariance : array_like of float, [dimensions, dimensions] or [dimensions]
        A covariance, of which the lower and upper halves agree, or variances along principal axes.
    level : float
        Mean squared error summed over dimensions, above 0.

    Returns
    -------
    Estimate
        In bits a vector. terms: "water", the error that is allowed each component that gets bits; "components" that do.

    Raises
    ------
    RdcodecError
        A variance is negative beyond rounding, something is not finite, or the level is not above 0.

    References
    ----------
    .. [1] T. Cover, J. Thomas, Elements of Information Theory, 2006, theorem 10.3.3.

    Examples
    --------
    >>> from rdcodec.estimators import reverse_water_filling
    >>> print(reverse_water_filling([4.0, 1.0, 0.1], level=0.6))
    3 ± 0 bits (n = 3)
    """
    level = between(level, "level", 0, math.inf)
    variances = _variances(covariance)
    height, drowned = _water(variances, level)
    rate = np.log2(variances[drowned:] / height).sum() / 2
    return Estimate.normal(rate, 0.0, "bits", len(variances), water=height, components=len(variances) - drowned)


def _water(variances, level):
    """Its height over rising variances, and how many of these it covers."""
    # with k components above the water, water = (level - what the others have) / k
    rest = np.concatenate([[0.0], np.cumsum(variances)])[:-1]
    water = (level - rest) / np.arange(len(variances), 0, -1)
    drowned = int((water > variances).sum())
    return (variances[-1] if drowned == len(variances) else water[drowned]), drowned


def _variances(covariance):
    """Eigenvalues, rising."""
    covariance = finite(np.array(covariance, np.float64), "covariance")
    if covariance.ndim == 2 and covariance.shape[0] == covariance.shape[1] and np.allclose(covariance, covariance.T):
        values, beside = _core.tridiagonal_form(covariance)
        _core.tridiagonal_eigen(values, beside)
    elif covariance.ndim == 1:
        values = covariance
    else:
        raise RdcodecError(f"covariance: expected a symmetric matrix or variances, got shape {covariance.shape}")
    if not values.size or values.min() < -1e-9 * np.abs(values).max():
        raise RdcodecError(f"covariance: expected variances of at least 0, got {values.min() if values.size else 'none'}")
    return np.sort(np.maximum(values, 0))


def scalar_quantisation(step: float, deviation: float = 1.0) -> Estimate:
    """Rate of a Gaussian after uniform scalar quantisation with ideal entropy coding, beside what is possible.

    Parameters
    ----------
    step : float
        Quantisation step, at least deviation / 10,000; zero is the middle of a cell.
    deviation : float
        Standard deviation of the source.

    Returns
    -------
    Estimate
        The entropy of the symbols in bits. terms: "distortion", mean squared error with each cell's mean as its reconstruction;
        "gap", bits above the rate-distortion function there, log2(2 pi e / 12) / 2 = 0.2546 for small steps.

    Raises
    ------
    RdcodecError
        An argument is out of range.

    Examples
    --------
    >>> from rdcodec.estimators import scalar_quantisation
    >>> found = scalar_quantisation(0.1)
    >>> print(f"{found.value:.4f} bits, {found.terms['gap']:.4f} above the limit")
    5.3696 bits, 0.2546 above the limit
    """
    deviation = between(deviation, "deviation", 0, math.inf)
    width = between(step, "step", 0, math.inf) / deviation
    if width < 1e-4:
        raise RdcodecError(f"step: expected at least deviation / 10,000, got {width:g} deviations")
    cells = math.ceil(9 / width) + 1  # what is further out has less probability than doubles resolve
    low = (np.arange(cells) - 0.5) * width  # cell 0 and the positive ones: the others are their mirror images
    tails = np.array([0.5 * math.erfc(x / math.sqrt(2)) for x in (*low, low[-1] + width)])
    p = tails[:-1] - tails[1:]
    density = np.exp(-(np.append(low, low[-1] + width) ** 2) / 2) / math.sqrt(2 * math.pi)
    moments, copies = density[:-1] - density[1:], np.where(np.arange(cells) > 0, 2, 1)
    seen = p > 0
    p, moments, copies = p[seen], moments[seen], copies[seen]
    rate = float(-(copies * p * np.log2(p)).sum())
    distortion = 1 - float((copies * moments**2 / p).sum())
    limit = max(-math.log2(distortion) / 2, 0.0)
    return Estimate.normal(rate, 0.0, "bits", 0, distortion=distortion * deviation**2, gap=rate - limit)
