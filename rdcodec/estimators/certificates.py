"""Bounds on a rate: of the PAC kind before it is measured, and certificates from blocks that nothing was fitted to."""

import math

import numpy as np

from rdcodec.errors import RdcodecError
from rdcodec.estimators.estimate import Estimate
from rdcodec.estimators.samples import between, vector

__all__ = ["certify", "pac_bound"]

# Share of the largest bet that is safe against any single sample.
BOLDEST_BET = 0.9

# Halvings that find a bound to double precision.
HALVINGS = 60


def pac_bound(complexity, bound, samples, delta=0.05, lipschitz=1.0):
    """How far the V-entropy may be from its empirical value: 2 L R_n + B sqrt(2 ln(1/delta) / n).

    Parameters
    ----------
    complexity : Estimate or float
        Rademacher complexity R_n of the functions before the loss, at least 0.
    bound : float
        B, that the loss never exceeds in magnitude, in bits.
    samples : int
        n, independent, at least 1.
    delta : float
        Probability that the bound fails, on each side; between 0 and 1.
    lipschitz : float
        L, of what is applied to the functions, such as the product of spectral norms; by Talagrand's contraction [1]_ the
        complexity is multiplied by it.

    Returns
    -------
    Estimate
        In bits; the error is that of the complexity. terms: "complexity" 2 L R_n; "deviation" B sqrt(2 ln(1/delta)/n), which
        holds where R_n is the expected complexity [2]_; "empirical", the whole bound if R_n is that of these very samples: 2 L
        R_n + 3 B sqrt(2 ln(2/delta)/n) [1]_.

    Raises
    ------
    RdcodecError
        An argument is out of range.

    References
    ----------
    .. [1] M. Mohri, A. Rostamizadeh, A. Talwalkar, Foundations of Machine Learning, 2018, theorem 3.3 and lemma 5.7.
    .. [2] P. Bartlett, S. Mendelson, Rademacher and Gaussian complexities, 2002.

    Examples
    --------
    >>> from rdcodec.estimators import pac_bound
    >>> found = pac_bound(0.02, bound=10, samples=10_000)
    >>> print(f"{found.value:.3f} = {found.terms['complexity']:.3f} + {found.terms['deviation']:.3f}")
    0.285 = 0.040 + 0.245
    """
    is_estimate = isinstance(complexity, Estimate)
    radius = complexity.value if is_estimate else float(complexity)
    bound, lipschitz = between(bound, "bound", 0, math.inf), between(lipschitz, "lipschitz", 0, math.inf)
    delta = between(delta, "delta", 0, 1)
    if not 0 <= radius < math.inf:
        raise RdcodecError(f"complexity: expected a finite number of at least 0, got {radius}")
    if samples < 1:
        raise RdcodecError(f"samples: expected at least 1, got {samples}")
    contracted = 2 * lipschitz * radius
    deviation = bound * math.sqrt(2 * math.log(1 / delta) / samples)
    empirical = contracted + 3 * bound * math.sqrt(2 * math.log(2 / delta) / samples)
    error = 2 * lipschitz * complexity.error if is_estimate else 0.0
    terms = {"complexity": contracted, "deviation": deviation, "empirical": empirical}
    return Estimate.normal(contracted + deviation, error, "bits", int(samples), **terms)


def certify(rates, upper, delta=0.01, method="betting"):
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
