"""Certificates: bounds on the rate of a fixed codec, from blocks that nothing was fitted to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rdcodec.arguments import MOST, integer
from rdcodec.errors import RdcodecError
from rdcodec.estimators.estimate import Estimate
from rdcodec.estimators.samples import DELTA, between, vector

if TYPE_CHECKING:
    from rdcodec.types import ArrayLike

__all__ = ["certify"]

# Share of the largest bet that is safe against any single sample.
BOLDEST_BET = 0.9

# Halvings that find a bound to double precision.
HALVINGS = 60

# Sums of a population's samples may be off by this share.
ROUNDING = 1e-12

METHODS = ("hoeffding", "empirical-bernstein", "betting")


def certify(rates: ArrayLike, upper: float, delta: float = DELTA, method: str = "betting", population: int | None = None) -> Estimate:
    """Upper confidence bound on a fixed codec's true rate, from its rates on blocks that nothing was fitted to.

    The blocks are independent and of one law, of which the true rate is the mean; or they were drawn at random, without
    replacement, from a population of blocks, and stand in the order in which they were drawn: then the true rate is the mean over
    the population, and how its blocks depend on each other does not matter.

    Parameters
    ----------
    rates : array_like of float, [blocks]
        Of each block, such as bits a token of a window; 0 to upper.
    upper : float
        What no block's rate can exceed. The certificate is the tighter the smaller it is, so it should be what the codec
        guarantees.
    delta : float
        Probability that the bound fails, between 0 and 1. Of several certificates that are to hold at once each needs its share.
    method : str
        "hoeffding" [1]_; "empirical-bernstein" [2]_, tighter for small variance and many blocks, for independent ones alone;
        "betting" [3]_, the tightest: the capital of a gambler who bets that the rate is below m grows beyond 1/delta at any time
        with a probability of at most delta if it is not. Bets hang on nothing but the blocks before, so one may look after every
        block and stop whenever one likes; the others hold for a number of blocks that was settled before.
    population : int, optional
        Blocks that these were drawn from; without it they are independent.

    Returns
    -------
    Estimate
        The bound as value, in bits; as interval (0, bound), which holds the true rate with probability 1 - delta. terms: "mean"
        of the rates, "margin" of the bound over it, as a share of it.

    Raises
    ------
    RdcodecError
        There are no rates (fewer than 2 for "empirical-bernstein"), one is not finite or not in 0 to upper, the population is
        smaller than they are many, or an option is out of range.

    References
    ----------
    .. [1] W. Hoeffding, Probability inequalities for sums of bounded random variables, 1963; without replacement: section 6.
    .. [2] A. Maurer, M. Pontil, Empirical Bernstein bounds and sample variance penalization, 2009, theorem 4.
    .. [3] I. Waudby-Smith, A. Ramdas, Estimating means of bounded random variables by betting, 2024, sections 4 and 5.

    Examples
    --------
    >>> import numpy as np
    >>> from rdcodec.estimators import certify
    >>> rates = np.random.default_rng(0).normal(900, 30, 600)
    >>> [f"{certify(rates, 1800, method=m).value:.0f}" for m in ("hoeffding", "empirical-bernstein", "betting")]
    ['1011', '940', '907']
    >>> [f"{certify(rates, 1800, population=n).value:.0f}" for n in (None, 1200, 600)]
    ['907', '905', '899']
    """
    if method not in METHODS:
        raise RdcodecError(f"method: expected {', '.join(METHODS)}, got {method!r}")
    rates = vector(rates, "rates", 2 if method == "empirical-bernstein" else 1)
    upper, delta = between(upper, "upper", 0, math.inf), between(delta, "delta", 0, 1)
    if rates.min() < 0 or rates.max() > upper:
        raise RdcodecError(f"rates: expected 0 to upper, {upper:g}, got {rates.min():g} to {rates.max():g}")
    if population is not None:
        population = integer("population", population, len(rates), MOST, f"at least the {len(rates)} blocks drawn from it")
    mean = float(rates.mean())
    value = min(float(_margin(rates / upper, delta, method, population)) * upper, upper)
    terms = {"mean": mean, "margin": value / mean - 1 if mean > 0 else math.inf}
    return Estimate(value, None, (0.0, value), "bits", len(rates), terms, 1 - delta)


def _margin(x, delta, method, population):
    """The bound on the mean of what x, in 0 to 1, is from."""
    if method == "hoeffding":
        return x.mean() + math.sqrt(math.log(1 / delta) / (2 * len(x)))
    if method == "betting":
        return _least_ruled_out(_Game(x, delta, population))
    if population is not None:
        raise RdcodecError("method: expected hoeffding or betting for blocks from a population, got 'empirical-bernstein'")
    logarithm, n = math.log(2 / delta), len(x)
    return x.mean() + math.sqrt(2 * x.var(ddof=1) * logarithm / n) + 7 * logarithm / (3 * (n - 1))


class _Game:
    """Bets that the mean is below m, on x one after the other."""

    def __init__(self, x, delta, population):
        seen = np.arange(1, len(x) + 1)
        means = (0.5 + np.cumsum(x)) / (seen + 1)
        variances = (0.25 + np.cumsum((x - means) ** 2)) / (seen + 1)
        # a bet may depend on samples before it alone
        before = np.concatenate([[0.25], variances[:-1]])
        self._x, self._goal, self._population = x, math.log(1 / delta), population
        self._bets = np.sqrt(2 * self._goal / (before * seen * np.log1p(seen)))
        self._sums = np.concatenate([[0.0], np.cumsum(x)])

    def rules_out(self, m):
        """Whether the capital has passed 1/delta at some time, were the mean m."""
        expected = self._expected(m)
        if (expected > 1 + ROUNDING).any():
            return True
        expected = expected[: len(self._x)]
        with np.errstate(divide="ignore"):
            safe = np.minimum(self._bets, BOLDEST_BET / np.maximum(1 - expected, 0))
        return np.cumsum(np.log1p(safe * (expected - self._x))).max() >= self._goal

    def _expected(self, m):
        """Of each sample, given those before it; of a population what is left of it decides, and the mean of what was not drawn
        comes last."""
        if self._population is None:
            return np.full(len(self._x), m)
        left = self._population - np.arange(len(self._sums))
        return (self._population * m - self._sums) / np.maximum(left, ROUNDING)


def _least_ruled_out(game):
    """Each factor of the capital grows with m, so those ruled out lie above those that are not."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if middle == 1 or game.rules_out(middle) else (middle, high)
    return high
