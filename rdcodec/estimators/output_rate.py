"""What keeping the outputs of a model costs at least, whatever the codec: both sides of it, from the outputs alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rdcodec.arguments import MOST, integer
from rdcodec.errors import RdcodecError
from rdcodec.estimators.certificates import certify
from rdcodec.estimators.covariance import LN2
from rdcodec.estimators.estimate import Estimate
from rdcodec.estimators.samples import DELTA, between, finite, seed_of

if TYPE_CHECKING:
    from rdcodec.types import ArrayLike, Seed

__all__ = ["rate_at_divergence"]

TINY = 1e-300  # in the place of 0, whose logarithm is never used

# Probabilities may miss a sum of 1 by this.
ROUNDING = 1e-4

# Numbers of trials, and the shares of a count that are left to chance, which are tried.
TRIALS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
SHARES = (0.25, 0.5, 1.0)

# Below it a probability's logarithm takes no more noise away: it is what bounds gains from below.
LEAST_WEIGHT = 0.01

# Draws that choose among them, beside those that are measured.
PILOT = 300

# More trials are not tried where their bound is this much below the best, nats: the level costs more than they tell.
GIVEN_UP = 0.5

# Channels that are tried: codewords to begin with, slopes (nats a nat), how often these are halved, turns of a channel.
CODEWORDS = 512
SLOPES = 1.0, 1000.0
HALVINGS = 10
TURNS = 40
LEAST_SHARE = 1e-7

# Bytes of an array at a time.
BLOCK = 1 << 26


def rate_at_divergence(p: ArrayLike, level: float, draws: int = 10_000, delta: float = DELTA, seed: Seed = 0) -> Estimate:
    """Bits a context that every codec takes whose decoded outputs are within a mean divergence of the model's own, and bits that
    suffice, for contexts that are drawn from these with equal probabilities.

    A codec sends bits for a context, or for many at once; the receiver makes of them an output distribution q for each. Whatever
    layer it codes and however it works, it takes no fewer than R(D), the least information between context and bits at which
    the mean of KL(p || q) is at most D [1]_. Let counts K of n trials depend on the context alone, with n p as their mean. Then

        R(D) >= H(K) + E ln(n! / prod K!) - n E H(p) - n D

    for every n and every law of K, as docs/estimators.md proves; n = 1 is I(context; output) - D. Drawn contexts with their
    counts make of it a mean, of which the lower confidence bound is taken.

    Parameters
    ----------
    p : array_like of float, [contexts, classes]
        Output distributions, at least 2 of them, each with the sum 1.
    level : float
        D, the mean divergence that is allowed, nats, at least 0.
    draws : int
        Contexts drawn for the lower bound, at least 2; arithmetic is draws times contexts times classes.
    delta : float
        Probability that the lower bound fails.
    seed : int, numpy.random.Generator or None
        As `rademacher_complexity` takes it.

    Returns
    -------
    Estimate
        In bits a context: the least information of a channel that was found, which long enough blocks reach; as interval the
        lower bound and it. terms: "expected", the lower bound without the margin that makes it hold with 1 - delta; "trials", n, and
        "chance", the share of counts that is drawn, the rest being fixed, of the best bound; "first", the bound of n = 1, which is
        exact; "most", log2(contexts), which no bound from so many contexts exceeds.

    Raises
    ------
    RdcodecError
        Rows are no distributions, or an argument is out of range.

    References
    ----------
    .. [1] C. Shannon, Coding theorems for a discrete source with a fidelity criterion, 1959.

    Examples
    --------
    >>> from rdcodec.estimators import rate_at_divergence
    >>> print(rate_at_divergence([[1, 0], [0, 1]], level=0.1))  # outputs without doubt: 1 - 0.1 / ln 2
    0.85... in [0.8557..., 0.85...] bits (n = 2)
    """
    p = distributions(p)
    entropies = np.array([_entropy(row) for row in p])
    if not 0 <= float(level) < math.inf:
        raise RdcodecError(f"level: expected a finite number of nats, at least 0, got {level}")
    level, delta, draws = float(level), between(delta, "delta", 0, 1), integer("draws", draws, 2, MOST, "at least 2")
    generator = np.random.default_rng(seed_of(seed))
    information = _entropy(p.mean(axis=0)) - float(entropies.mean())  # of context and output
    first = max(information - level, 0.0)
    law, most = _chosen(p, entropies, level, math.log(1 / delta) / draws, generator)
    gains = law.gains(generator.integers(len(p), size=draws), generator) - law.trials * level
    certified = _lower(gains, law.least - law.trials * level, most, delta)
    highest = _channel(p, level, information, generator)
    lowest = min(max(certified, first), highest)
    terms = {"expected": max(float(gains.mean()), first) / LN2, "trials": float(law.trials), "chance": law.chance}
    terms |= {"first": first / LN2, "most": math.log2(len(p))}
    return Estimate(highest / LN2, None, (lowest / LN2, highest / LN2), "bits", len(p), terms, 1 - delta)


def distributions(p, least=2):
    """Rows as float64 that sum to 1, at least so many."""
    p = finite(np.array(p, np.float64), "p")
    if p.ndim != 2 or p.shape[0] < least or p.shape[1] < 2:
        raise RdcodecError(f"p: expected [contexts, classes], at least {least} and 2 of them, got shape {p.shape}")
    sums = p.sum(axis=1, keepdims=True)
    if p.min() < 0 or np.abs(sums - 1).max() > ROUNDING:
        raise RdcodecError(f"p: expected rows of at least 0 with the sum 1, got {p.min():g} and sums of {sums.min():g} to {sums.max():g}")
    return p / sums


def _entropy(row):
    row = row[row > 0]
    return float(-(row * np.log(row)).sum())


# ---- the lower bound


class _Counts:
    """A law of counts given the context: `chance` of them are drawn, the others are fixed, and their mean is n p. No gain is
    below `least`."""

    def __init__(self, p, entropies, trials, chance):
        self.trials, self.chance = trials, chance
        # counts less their mean, times anything, have the mean 0: times ln p they take most of the noise away
        self._weights = np.log(np.maximum(p, LEAST_WEIGHT))
        self._offsets = trials * (entropies + (p * self._weights).sum(axis=1))
        self._fixed = np.floor((1 - chance) * trials * p).astype(np.int64)
        self._drawn = trials - self._fixed.sum(axis=1)
        rest = np.maximum(trials * p - self._fixed, 0)
        self._rest = rest / np.maximum(rest.sum(axis=1, keepdims=True), TINY)
        self._logs = np.log(np.maximum(self._rest, TINY))
        self._factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, trials + 1)))])
        # the part that counts on the context is concave in them, so least where all that is drawn is of one class
        every, classes = np.arange(len(p)), np.eye(p.shape[1], dtype=np.int64)
        self.least = float(min(self._told(every, self._fixed + self._drawn[:, None] * one).min() for one in classes))

    def gains(self, contexts, generator):
        """Of drawn contexts, what has the bound plus n D as its mean."""
        counts = self._fixed[contexts] + generator.multinomial(self._drawn[contexts], self._rest[contexts])
        return self._told(contexts, counts) - self._log_mean(counts)

    def _told(self, contexts, counts):
        """ln(n! / prod K!) - n H(p), but for noise; of counts [contexts, classes]."""
        arrangements = self._factorials[self.trials] - self._factorials[counts].sum(axis=1)
        return arrangements + (counts * self._weights[contexts]).sum(axis=1) - self._offsets[contexts]

    def _log_mean(self, counts):
        """ln of the probability of counts [draws, classes], over all contexts."""
        different, which = np.unique(counts, axis=0, return_inverse=True)
        step = max(1, BLOCK // (8 * len(self._fixed)))
        logs = [self._log_mean_of(different[start : start + step]) for start in range(0, len(different), step)]
        return np.concatenate(logs)[which.ravel()]

    def _log_mean_of(self, counts):
        logs = np.repeat(self._factorials[self._drawn][None], len(counts), axis=0)
        for of_class in np.flatnonzero(counts.any(axis=0) | self._fixed.any(axis=0)):
            logs += self._log_parts(of_class, counts[:, of_class].max())[counts[:, of_class]]
        most = logs.max(axis=1, keepdims=True)
        return most[:, 0] + np.log(np.exp(logs - most).mean(axis=1))

    def _log_parts(self, of_class, most):
        """[counts, contexts]: what a count of the class, up to the most, has in ln of the probability."""
        left = np.arange(most + 1)[:, None] - self._fixed[:, of_class]
        drawn = np.maximum(left, 0)
        return np.where(left < 0, -np.inf, drawn * self._logs[:, of_class] - self._factorials[drawn])


def _chosen(p, entropies, level, caution, generator):
    """The law of counts with the best bound on a few contexts, less about what makes it certain, and the largest gain there."""
    contexts, best = generator.integers(len(p), size=PILOT), (-math.inf,)
    for trials in TRIALS:
        found = []
        for chance in SHARES:
            law = _Counts(p, entropies, trials, chance)
            gains = law.gains(contexts, generator) - trials * level
            margin = 2 * gains.std() / math.sqrt(PILOT) + caution * (gains.max() - law.least + trials * level)
            found.append((gains.mean() - margin, law, gains.max()))
        top = max(found, key=lambda one: one[0])
        if top[0] < best[0] - GIVEN_UP:
            break
        best = max(best, top, key=lambda one: one[0])
    return best[1:]


def _lower(gains, least, most, delta):
    """Lower confidence bound on their mean: none is below `least`, and cut at `most` they have a smaller mean."""
    if most <= least:
        return most
    return most - certify(most - np.minimum(gains, most), most - least, delta).value


# ---- channels


def _channel(p, level, most, generator):
    """The least information, nats, of channels at the level: slopes are bisected, and two channels take turns. At the divergence
    `most` nothing has to be sent."""
    if level >= most:
        return 0.0
    below, above = (0.0, math.log(len(p))), (most, 0.0)
    flattest, steepest = SLOPES
    least = _taking_turns(below, above, level)
    for _ in range(HALVINGS):
        slope = math.sqrt(flattest * steepest)
        found = _turned(p, slope, generator)
        if found[0] <= level:
            below, steepest = found, slope
        else:
            above, flattest = found, slope
        least = min(least, _taking_turns(below, above, level))
    return least


def _taking_turns(below, above, level):
    """Information of two channels, each (divergence, information), that take turns such that the level is met."""
    share = (level - below[0]) / (above[0] - below[0])
    return below[1] + share * (above[1] - below[1])


def _turned(p, slope, generator):
    """(divergence, information) of a channel after some turns of the iteration of Tishby, Pereira and Bialek (1999)."""
    codewords = p[generator.permutation(len(p))[:CODEWORDS]]
    shares = np.full(len(codewords), 1 / len(codewords))
    for _ in range(TURNS):
        costs = slope * divergences(p, codewords) - np.log(shares)
        given = np.exp(costs.min(axis=1, keepdims=True) - costs)
        given /= given.sum(axis=1, keepdims=True)
        shares = given.mean(axis=0)
        kept = shares > LEAST_SHARE
        given = given[:, kept] / given[:, kept].sum(axis=1, keepdims=True)
        shares = given.mean(axis=0)
        codewords = given.T @ p / (len(p) * shares[:, None])
    information = float((given * np.log(np.maximum(given, TINY) / shares)).sum(axis=1).mean())
    divergence = float((given * divergences(p, codewords)).sum(axis=1).mean())
    return divergence, information


def divergences(p, codewords):
    """KL(p || codeword) [contexts, codewords], nats."""
    own = (p * np.log(np.maximum(p, TINY))).sum(axis=1)
    return np.maximum(own[:, None] - p @ np.log(np.maximum(codewords, TINY)).T, 0)
