"""Certificates: bounds on the rate of a fixed codec, from blocks that nothing was fitted to."""

import math

import numpy as np

from rdcodec.errors import RdcodecError
from rdcodec.estimators.estimate import Estimate
from rdcodec.estimators.samples import DELTA, between, vector

__all__ = ["certify"]

# Share of the largest bet that is safe against any single sample.
BOLDEST_BET = 0.9

# Halvings that find a bound to double precision.
HALVINGS = 60


def certify(rates, upper, delta=DELTA, method="betting"):
    """Upper confidence bound on a fixed codec's true rate, from its rates on independent blocks that nothing was fitted to.

    Parameters
    ----------
    rates : array_like of float, [blocks]
        Of each block, such as bits a token of a window; 0 to upper.
    upper : float
        What no block's rate can exceed. The certificate is the tighter the smaller it is, so it should be what the codec
        guarantees.
    delta : float
        Probability that the bound fails, between 0 and 1.
    method : str
        "hoeffding" [1]_; "empirical-bernstein" [2]_, tighter for small variance and many blocks; "betting" [3]_, the tightest:
        the capital of a gambler who bets that the rate is below m grows beyond 1/delta with a probability of at most delta if
        it is not.

    Returns
    -------
    Estimate
        The bound as value, in bits; as interval (0, bound), which holds the true rate with probability 1 - delta. terms: "mean"
        of the rates, "margin" of the bound over it, as a share of it.

    Raises
    ------
    RdcodecError
        There are no rates (fewer than 2 for "empirical-bernstein"), one is not finite or not in 0 to upper, or an option is out
        of range.

    References
    ----------
    .. [1] W. Hoeffding, Probability inequalities for sums of bounded random variables, 1963.
    .. [2] A. Maurer, M. Pontil, Empirical Bernstein bounds and sample variance penalization, 2009, theorem 4.
    .. [3] I. Waudby-Smith, A. Ramdas, Estimating means of bounded random variables by betting, 2024, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> from rdcodec.estimators import certify
    >>> rates = np.random.default_rng(0).normal(900, 30, 600)
    >>> [f"{certify(rates, 1800, method=m).value:.0f}" for m in ("hoeffding", "empirical-bernstein", "betting")]
    ['1011', '940', '908']
    """
    if method not in _MARGINS:
        raise RdcodecError(f"method: expected {', '.join(_MARGINS)}, got {method!r}")
    rates = vector(rates, "rates", 2 if method == "empirical-bernstein" else 1)
    upper, delta = between(upper, "upper", 0, math.inf), between(delta, "delta", 0, 1)
    if rates.min() < 0 or rates.max() > upper:
        raise RdcodecError(f"rates: expected 0 to upper, {upper:g}, got {rates.min():g} to {rates.max():g}")
    mean = float(rates.mean())
    value = min(float(_MARGINS[method](rates / upper, delta)) * upper, upper)
    terms = {"mean": mean, "margin": value / mean - 1 if mean > 0 else math.inf}
    return Estimate(value, None, (0.0, value), "bits", len(rates), terms)


def _hoeffding(x, delta):
    return x.mean() + math.sqrt(math.log(1 / delta) / (2 * len(x)))


def _empirical_bernstein(x, delta):
    logarithm, n = math.log(2 / delta), len(x)
    return x.mean() + math.sqrt(2 * x.var(ddof=1) * logarithm / n) + 7 * logarithm / (3 * (n - 1))


def _betting(x, delta):
    """The least m at which the capital of bets against a mean of m or more has passed 1/delta at some time."""
    n = len(x)
    seen = np.arange(1, n + 1)
    means = (0.5 + np.cumsum(x)) / (seen + 1)
    variances = (0.25 + np.cumsum((x - means) ** 2)) / (seen + 1)
    # a bet may depend on samples before it alone
    bets = np.sqrt(2 * math.log(1 / delta) / (n * np.concatenate([[0.25], variances[:-1]])))

    def is_ruled_out(m):
        safe = np.minimum(bets, BOLDEST_BET / (1 - m))
        return np.cumsum(np.log1p(safe * (m - x))).max() >= math.log(1 / delta)

    # each factor grows with m, so those ruled out lie above those that are not
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if middle == 1 or is_ruled_out(middle) else (middle, high)
    return high


_MARGINS = {"hoeffding": _hoeffding, "empirical-bernstein": _empirical_bernstein, "betting": _betting}
