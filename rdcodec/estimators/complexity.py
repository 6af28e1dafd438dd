"""Rademacher complexity of linear functionals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rdcodec import _core
from rdcodec.arguments import MOST, integer
from rdcodec.errors import RdcodecError
from rdcodec.estimators.estimate import Estimate
from rdcodec.estimators.samples import column_blocks, exponent_of, matrix, seed_of

if TYPE_CHECKING:
    from rdcodec.types import ArrayLike, Seed

__all__ = ["rademacher_complexity"]

EXPONENTS = 1074  # of float64: none is below minus this


def rademacher_complexity(y: ArrayLike, ball: str = "l1", draws: int = 10_000, seed: Seed = 0) -> Estimate:
    """Empirical Rademacher complexity of a ball of linear functionals, E sup_w (1/n) sum_i sigma_i <w, y_i>, by Monte Carlo.

    The supremum over the l1-ball is the largest coordinate of (1/n) sum_i sigma_i y_i, over the l2-ball its norm. The signs
    sigma are the bits of Philox4x32-10 by draw and sample, so that results depend on the seed alone.

    Parameters
    ----------
    y : array_like of float, [samples, features]
        At least 1 sample. May be a memory map: columns are read in blocks.
    ball : str
        "l1" or "l2", of radius 1.
    draws : int
        Of all signs, at least 2.
    seed : int, numpy.random.Generator or None
        0 to 2**64 - 1, or what draws one; None for another each time.

    Returns
    -------
    Estimate
        In units of y, with the standard error over draws and an interval for 95%. terms of "l1": "massart", the bound
        max_j |y_j| sqrt(2 ln(2 p)) / n with column norms |y_j| [1]_, and "upper", which puts sqrt(n) times the largest entry
        for them. terms of "l2": "upper", sqrt(sum_i |y_i|^2) / n, and "lower", this over sqrt(2) (Khintchine's inequality [2]_).

    Raises
    ------
    RdcodecError
        y is empty or not finite, or an option is out of range.

    References
    ----------
    .. [1] P. Massart, Some applications of concentration inequalities to statistics, 2000, lemma 5.2.
    .. [2] R. Latala, K. Oleszkiewicz, On the best constant in the Khinchin-Kahane inequality, 1994.

    Examples
    --------
    >>> import numpy as np
    >>> from rdcodec.estimators import rademacher_complexity
    >>> y = np.random.default_rng(0).normal(size=(100, 50))
    >>> found = rademacher_complexity(y)
    >>> print(found, f"{found.terms['massart']:.3f}")
    0.2... ± 0.000... in units of y (n = 100) 0.3...
    """
    y = matrix(y, "y", rows=1)
    if ball not in ("l1", "l2"):
        raise RdcodecError(f"ball: expected l1 or l2, got {ball!r}")
    draws = integer("draws", draws, 2, MOST, "at least 2")
    suprema, terms = (_largest_coordinates if ball == "l1" else _norms)(y, draws, seed_of(seed))
    n = len(y)
    terms = {name: term / n for name, term in terms.items()}
    exponent = exponent_of(suprema)
    error = math.ldexp(np.ldexp(suprema, -exponent).std(ddof=1) / n / math.sqrt(draws), exponent)
    return Estimate.normal(suprema.mean() / n, error, "in units of y", n, **terms)


def _largest_coordinates(y, draws, seed):
    """Of sum_i sigma_i y_i for each draw, and upper bounds on their mean."""
    n, p = y.shape
    suprema = np.zeros(draws)
    largest_norm = largest = 0.0
    for _, block in column_blocks(y, "y"):
        peak = np.abs(block).max()
        # a power of two brings any float64 into the range of float32 and rounds nothing
        scale = math.ldexp(1.0, math.frexp(peak)[1])
        scaled = block / scale
        found = np.zeros(draws, np.float32)
        _core.rademacher_maxima(scaled.astype(np.float32), seed, found)
        suprema = np.maximum(suprema, found.astype(np.float64) * scale)
        largest_norm = max(largest_norm, math.sqrt((scaled * scaled).sum(axis=0).max()) * scale)
        largest = max(largest, peak)
    root = math.sqrt(2 * math.log(2 * p))
    return suprema, {"massart": largest_norm * root, "upper": largest * math.sqrt(n) * root}


def _norms(y, draws, seed):
    """Of sum_i sigma_i y_i for each draw, and bounds on their mean."""
    gram, exponent = np.zeros((len(y), len(y))), -EXPONENTS
    for _, block in column_blocks(y, "y"):
        largest = max(exponent, exponent_of(block))
        gram = np.ldexp(gram, 2 * (exponent - largest))
        _core.gram_add(np.ldexp(block, -largest), False, gram)
        exponent = largest
    upper = math.ldexp(math.sqrt(gram.diagonal().sum()), exponent)
    suprema = np.ldexp(np.sqrt(np.maximum(_core.rademacher_forms(gram, seed, draws), 0)), exponent)
    return suprema, {"upper": upper, "lower": upper / math.sqrt(2)}
