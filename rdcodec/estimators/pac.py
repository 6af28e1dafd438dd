"""Bounds that hold for whole families of codecs at once, before one is chosen: by Rademacher complexity, by description length."""

from __future__ import annotations

import math

from rdcodec.arguments import MOST, integer
from rdcodec.errors import RdcodecError
from rdcodec.estimators.estimate import Estimate
from rdcodec.estimators.samples import DELTA, between

__all__ = ["occam_bound", "pac_bound"]

# Halvings that find a bound to double precision.
HALVINGS = 60

# A bound that has gone less than this share of the way from the trivial one to the measured rate says nothing.
NOTHING = 0.01


def pac_bound(
    complexity: Estimate | float,
    bound: float,
    samples: int,
    delta: float = DELTA,
    lipschitz: float = 1.0,
    vector: bool = False,
    expected: bool = False,
) -> Estimate:
    """How far the true mean of any loss of a family may be from its mean over samples, on either side.

    *Family*: losses clip(l(f(x)), 0, B), f of the class whose complexity is given, l Lipschitz. *Assumption*: independent samples
    of one law. With probability 1 - delta, for all f at once, the distance is at most 2 c L R_n + 3 B sqrt(ln(4/delta) / 2n), or
    with the expected complexity 2 c L R_n + B sqrt(ln(2/delta) / 2n) [1]_; delta/2 is for each side.

    Parameters
    ----------
    complexity : Estimate or float
        Rademacher complexity R_n of the class, at least 0: of these samples, or the expected one.
    bound : float
        B, to which losses are clipped from above, in bits.
    samples : int
        n, at least 1.
    delta : float
        Probability that the bound fails; between 0 and 1.
    lipschitz : float
        L, of the loss in what the functions give: in its magnitude, or for vectors in their Euclidean norm.
    vector : bool
        Functions give vectors, and the complexity is that with a sign for each coordinate: c is sqrt(2) [2]_; it is 1 for numbers
        [3]_. Where each coordinate has a function of its own and the loss is a sum over them, numbers are the better way: the
        complexity of a sum is at most the sum of complexities.
    expected : bool
        The complexity is the expected one. Otherwise it is that of these samples, which fluctuates with them.

    Returns
    -------
    Estimate
        In bits, at most B, beyond which nothing can be; as interval (0, bound); the error is that of the complexity. terms:
        "complexity" 2 c L R_n, "deviation" the rest, "raw" their sum, "vacuous" 1 where that is B or more.

    Raises
    ------
    RdcodecError
        An argument is out of range.

    References
    ----------
    .. [1] M. Mohri, A. Rostamizadeh, A. Talwalkar, Foundations of Machine Learning, 2018, theorem 3.3.
    .. [2] A. Maurer, A vector-contraction inequality for Rademacher complexities, 2016, corollary 4.
    .. [3] M. Ledoux, M. Talagrand, Probability in Banach Spaces, 1991, theorem 4.12.

    Examples
    --------
    >>> from rdcodec.estimators import pac_bound
    >>> found = pac_bound(0.02, bound=10, samples=10_000)
    >>> print(f"{found.value:.3f} = {found.terms['complexity']:.3f} + {found.terms['deviation']:.3f}")
    0.559 = 0.040 + 0.519
    """
    radius, error = (complexity.value, complexity.error) if isinstance(complexity, Estimate) else (float(complexity), 0.0)
    bound, lipschitz = between(bound, "bound", 0, math.inf), between(lipschitz, "lipschitz", 0, math.inf)
    delta, samples = between(delta, "delta", 0, 1), integer("samples", samples, 1, MOST, "at least 1")
    if not 0 <= radius < math.inf:
        raise RdcodecError(f"complexity: expected a finite number of at least 0, got {radius}")
    contraction = 2 * lipschitz * (math.sqrt(2) if vector else 1)
    times, sides = (1, 2) if expected else (3, 4)
    deviation = times * bound * math.sqrt(math.log(sides / delta) / (2 * samples))
    raw = contraction * radius + deviation
    terms = {"complexity": contraction * radius, "deviation": deviation, "raw": raw, "vacuous": float(raw >= bound)}
    value = min(raw, bound)
    return Estimate(value, None if error is None else contraction * error, (0.0, value), "bits", samples, terms, 1 - delta)


def occam_bound(rate: float, bound: float, description: float, samples: int, delta: float = DELTA) -> Estimate:
    """Bound on the true rate of any codec that can be described in so many bits, chosen with the samples in hand.

    *Family*: everything that a prefix-free code describes, such as all checkpoints, compressed. *Assumption*: independent samples
    of one law, or drawn from a population without replacement; rates clipped to B. With probability 1 - delta, for all codecs at
    once, kl(rate/B, true/B) <= (description ln 2 + ln(1/delta)) / n [1]_, kl the divergence of two coins [2]_: the bound of
    PAC-Bayes for a prior of 2^-description and a posterior that is one codec.

    Parameters
    ----------
    rate : float
        Mean over the samples, 0 to B.
    bound : float
        B, what no sample's rate exceeds, in bits.
    description : float
        Bits, at least 0.
    samples : int
        n, such as windows, at least 1.
    delta : float
        Probability that the bound fails; between 0 and 1.

    Returns
    -------
    Estimate
        In bits; as interval (0, bound). terms: "description"; "vacuous", 1 where it lies less than 1% of the way from B to the
        rate; "needed", how many samples it takes at this rate for the bound to be half way between rate and B.

    Raises
    ------
    RdcodecError
        An argument is out of range.

    References
    ----------
    .. [1] J. Langford, Tutorial on practical prediction theory for classification, 2005, corollary 3.3 and theorem 4.1.
    .. [2] W. Hoeffding, Probability inequalities for sums of bounded random variables, 1963, theorem 1 and section 6.

    Examples
    --------
    >>> from rdcodec.estimators import occam_bound
    >>> [f"{occam_bound(760, 2320, 3e7, n).value:.0f}" for n in (600, 10**7, 10**9)]
    ['2320', '2279', '991']
    """
    bound = between(bound, "bound", 0, math.inf)
    delta, samples = between(delta, "delta", 0, 1), integer("samples", samples, 1, MOST, "at least 1")
    rate, description = float(rate), float(description)
    if not 0 <= rate <= bound:
        raise RdcodecError(f"rate: expected 0 to bound, {bound:g}, got {rate:g}")
    if not 0 <= description < math.inf:
        raise RdcodecError(f"description: expected a finite number of bits, at least 0, got {description:g}")
    nats = description * math.log(2) + math.log(1 / delta)
    share = rate / bound
    value = bound * _farthest(share, nats / samples)
    needed = nats / _divergence(share, (1 + share) / 2) if share < 1 else math.inf
    terms = {"description": description, "vacuous": float(value >= bound - NOTHING * (bound - rate)), "needed": needed}
    return Estimate(value, None, (0.0, value), "bits", samples, terms, 1 - delta)


def _divergence(p, q):
    """Of two coins, in nats; q within (0, 1)."""
    parts = [(p, q), (1 - p, 1 - q)]
    return sum(a * math.log(a / b) for a, b in parts if a > 0)


def _farthest(p, nats):
    """The largest q whose divergence from p is at most so many nats."""
    low, high = p, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if middle == 1 or _divergence(p, middle) > nats else (middle, high)
    return high
