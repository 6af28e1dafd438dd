"""A bound on the entropy of integer vectors: the cross-entropy under models that were fitted to others."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rdcodec.errors import RdcodecError
from rdcodec.estimators.cells import TAILS, cell_masses
from rdcodec.estimators.chains import Chain, Frequencies, chunks
from rdcodec.estimators.estimate import Estimate, student_95
from rdcodec.estimators.samples import finite

if TYPE_CHECKING:
    from rdcodec.types import ArrayLike

__all__ = ["cross_entropy_bound"]

LEAST_WINDOWS = 4
MOST_TO_CHOOSE = 8192  # vectors: what a few numbers are fitted to needs no more


def cross_entropy_bound(y: ArrayLike) -> Estimate:
    """Upper bound, in expectation, on the entropy of integer vectors: what a model of them that was fitted to others pays.

    Cross-entropy under any distribution that was settled before is at least the entropy, so its mean over samples that neither
    fitted nor chose the model is an unbiased estimate of an upper bound. The first half of the windows fits the models, the next
    quarter (of at most 8,192 vectors) scales and weights in them, and, for each feature, which model is the best; the rest is
    measured.

    Models of a feature, given those before it in its vector: *gaussian*, conditional in a Gaussian of shrunk covariance;
    *mixture*, the same with a mixture of scales; *autoregressive*, this given the vector before as well; *frequencies*, how often
    each value was seen, for a feature on its own. Each puts a little on a Cauchy distribution, so that nothing is impossible.

    Parameters
    ----------
    y : array_like of int, [windows, vectors, features] or [windows, features]
        At least 4 windows, the independent units, in an order that their values have not chosen. Floats must be integers.

    Returns
    -------
    Estimate
        In bits a vector: of the entropy of a window over its vectors. Its error is over the measured windows and its interval, of
        Student's distribution and wider on the high side where tails are long [2]_, for 95%; the entropy is above the interval's
        high end about once in 40 times at most. samples: measured windows. terms: for each model, the share of features that it is the
        best for.

    Raises
    ------
    RdcodecError
        There are too few windows, no features, or numbers that are not integers.

    References
    ----------
    .. [1] T. Cover, J. Thomas, Elements of Information Theory, 2006, theorem 5.4.3.
    .. [2] N. Johnson, Modified t tests and confidence intervals for asymmetrical populations, 1978.

    Examples
    --------
    >>> import numpy as np
    >>> from rdcodec.estimators import cross_entropy_bound
    >>> y = np.rint(np.random.default_rng(0).normal(0, 10, (400, 3)))  # entropy: 3 * 5.37 = 16.11 bits
    >>> print(cross_entropy_bound(y))
    16... ± 0... bits (n = 100)
    """
    y = _windows(y)
    fitting, choosing, measured = _parts(*y.shape[:2])
    models = [Frequencies(y[fitting]), *_linear(y[fitting], y[choosing])]
    paid = np.array([sum(model.bits(part).sum(axis=(0, 1)) for part in chunks(y[choosing])) for model in models])
    best = paid.argmin(axis=0)
    used = [(model, best == number) for number, model in enumerate(models) if (best == number).any()]
    bits = [sum(model.bits(part)[..., chosen].sum(axis=2) for model, chosen in used).mean(axis=1) for part in chunks(y[measured])]
    terms = {model.name: (best == number).mean() for number, model in enumerate(models)}
    return _mean(np.concatenate(bits), terms)


def _mean(bits, terms):
    """With Student's interval, its high end moved by Johnson's term for what has a long tail on that side."""
    n, deviation = len(bits), bits.std(ddof=1)
    found = Estimate.student(bits.mean(), deviation / math.sqrt(n), n - 1, "bits", n, **terms)
    if not deviation > 0:
        return found
    skewness = max(float((((bits - bits.mean()) / deviation) ** 3).mean()), 0.0)
    low, high = found.interval
    moved = found.error * skewness * (1 + 2 * student_95(n - 1) ** 2) / (6 * math.sqrt(n))
    return replace(found, interval=(low, high + moved))


def _windows(y):
    """[windows, vectors, features] of integers, in whatever type."""
    y = np.asarray(y)
    if y.ndim == 2:
        y = y[:, None]
    if y.ndim != 3 or y.dtype.kind not in "fiu" or not y[:1].size:
        raise RdcodecError(f"y: expected integers [windows, vectors, features], got {y.dtype} of shape {y.shape}")
    if len(y) < LEAST_WINDOWS:
        raise RdcodecError(f"y: expected at least {LEAST_WINDOWS} windows, for parts that fit, choose and measure, got {len(y)}")
    if y.dtype.kind == "f" and any((finite(one, "y") != np.rint(one)).any() for one in y):
        raise RdcodecError("y: expected integers, got fractions")
    return y


def _parts(windows, vectors):
    """What fits, what chooses, and at least 2 that are measured."""
    choosing = max(1, min(windows // 4, MOST_TO_CHOOSE // vectors))
    fitting = max(1, min(windows // 2, windows - choosing - 2))
    return slice(0, fitting), slice(fitting, fitting + choosing), slice(fitting + choosing, windows)


def _linear(fitting, choosing):
    """The models by linear prediction: each pays what it says, in what it was calibrated to."""
    here, back = Chain(fitting, uses_context=False), Chain(fitting, uses_context=True)
    return [
        Predicted("gaussian", here, choosing, is_mixture=False),
        Predicted("mixture", here, choosing, is_mixture=True),
        Predicted("autoregressive", back, choosing, is_mixture=True),
    ]


class Predicted:
    """Cells of a distribution around a chain's predictions, whose scales and weights are those of other windows."""

    SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)
    OUTLIERS = 1e-3  # of a Cauchy distribution
    PRIOR = 32  # vectors that the scale of all features counts for in each one's
    ROUNDS = 20
    MOST_CELLS = 200_000  # that weights are found from

    def __init__(self, name, chain, choosing, is_mixture):
        self.name, self._chain = name, chain
        errors, deviations = chain.predict(choosing)
        errors = errors.reshape(-1, errors.shape[2])
        squares = ((errors / deviations) ** 2).mean(axis=0)
        self._widen = np.sqrt((len(errors) * squares + self.PRIOR * squares.mean()) / (len(errors) + self.PRIOR)) + 1e-9
        self._scales = self.SCALES if is_mixture else (1.0,)
        self._weights = np.full(len(self._scales), (1 - self.OUTLIERS) / len(self._scales))
        if is_mixture:
            self._find_weights(errors, deviations * self._widen)

    def _find_weights(self, errors, deviations):
        """By expectation and maximisation, those of outliers apart."""
        step = max(1, errors.size // self.MOST_CELLS)
        masses = self._masses(errors.ravel()[::step], np.broadcast_to(deviations, errors.shape).ravel()[::step])
        for _ in range(self.ROUNDS):
            shares = masses[:-1] * self._weights[:, None]
            found = (shares / (shares.sum(axis=0) + self.OUTLIERS * masses[-1])).sum(axis=1)
            self._weights = (1 - self.OUTLIERS) * (found + 1) / (found + 1).sum()

    def _masses(self, errors, deviations):
        """Of each scale's cells, the outliers' last."""
        normal = [cell_masses(errors, deviations * scale, TAILS["normal"]) for scale in self._scales]
        return np.stack([*normal, cell_masses(errors, deviations, TAILS["cauchy"])])

    def bits(self, windows):
        """[windows, vectors, features]"""
        errors, deviations = self._chain.predict(windows)
        masses = self._masses(errors, deviations * self._widen)
        return -np.log2(np.tensordot(np.append(self._weights, self.OUTLIERS), masses, 1))
