"""Entropy of a discrete distribution from counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rdcodec import _core
from rdcodec.arguments import MOST, integer
from rdcodec.errors import RdcodecError
from rdcodec.estimators.estimate import Estimate

if TYPE_CHECKING:
    from rdcodec.types import ArrayLike

__all__ = ["entropy"]


def entropy(counts: ArrayLike, method: str = "nsb", alphabet: int | None = None) -> Estimate:
    """Entropy of the distribution that counts were drawn from.

    Parameters
    ----------
    counts : array_like of int, [classes]
        How often each class was seen, zeros included; at least 2 samples and at most 2**53. Floats must be integers.
    method : str
        "plugin": entropy of the observed frequencies; too low by about (classes seen - 1) / (2 samples) nats.
        "miller-madow" [1]_: with this added. "grassberger" [2]_: the bias removed for each count on its own. "chao-shen" [3]_:
        frequencies shrunk by the coverage that Good and Turing estimate, for many unseen classes. "nsb" [4]_: mean of the
        posterior under a mixture of Dirichlet priors that makes all entropies equally likely beforehand.
    alphabet : int, optional
        Number of classes there are, seen or not; only "nsb" uses it. As many as counts by default, which is refused where no
        count is 0 and those of 1 say that classes are missing: counts of what was seen, as `numpy.unique` gives them, do not say
        how many there are.

    Returns
    -------
    Estimate
        In bits. The error of "nsb" is the standard deviation of the posterior, that of the others the jackknife's, with the
        bias of "plugin" and "chao-shen" added in quadrature. The interval is for 95%; it presumes a distribution like the
        prior's ("nsb"), or that nearly all probability belongs to classes which were seen several times (the others).

    Raises
    ------
    RdcodecError
        A count is negative or not an integer, samples are fewer than 2 or more than 2**53, the alphabet is smaller than the
        number of classes seen or cannot be guessed, or the method is unknown.

    References
    ----------
    .. [1] G. Miller, Note on the bias of information estimates, 1955.
    .. [2] P. Grassberger, Entropy estimates from insufficient samplings, arXiv:physics/0307138, 2003.
    .. [3] A. Chao, T.-J. Shen, Nonparametric estimation of Shannon's index of diversity, 2003.
    .. [4] I. Nemenman, F. Shafee, W. Bialek, Entropy and inference, revisited, 2002; variance after D. Wolpert, D. Wolf, 1995.
    .. [5] A. Chao, Nonparametric estimation of the number of classes in a population, 1984; without bias: 2005.

    Examples
    --------
    >>> from rdcodec.estimators import entropy
    >>> print(entropy([4, 2, 3, 0, 2, 4, 0, 0, 2]))
    2.79976 ± 0.225 bits (n = 17)
    """
    counts = _checked(np.asarray(counts))
    if alphabet is None:
        if method == "nsb":
            _check_complete(counts)
        alphabet = counts.size
    value, error = _core.entropy_of_counts(counts, method, integer("alphabet", alphabet, -MOST, MOST))
    return Estimate.normal(value, error, "bits", int(counts.sum()))


def _checked(counts):
    """As int64."""
    if counts.ndim != 1 or (counts.size and counts.dtype.kind not in "iuf"):
        raise RdcodecError(f"counts: expected integers [classes], got {counts.dtype} of {counts.ndim} axes")
    if counts.size and counts.max() > np.iinfo(np.int64).max:  # a float or uint64
        raise RdcodecError(f"counts: expected a sum of at most 2^53, got a count of {counts.max()}")
    if counts.dtype.kind == "f":
        wrong = counts[~(counts == np.rint(counts))]
        if wrong.size:
            raise RdcodecError(f"counts: expected integers [classes], got {wrong[0]:g}")
    return np.ascontiguousarray(counts, np.int64)


def _check_complete(counts):
    """Refuses counts without a 0 by which, after Chao, a class or more is missing."""
    once, twice = (int((counts == times).sum()) for times in (1, 2))
    missing = once * (once - 1) / (2 * (twice + 1))
    if counts.size and counts.min() > 0 and missing >= 1:
        raise RdcodecError(
            f"alphabet: expected how many classes there are, or counts with zeros: {once} of the {counts.size} that were seen were"
            f" so once, as if {missing:.0f} others were not; method='chao-shen' needs no number"
        )
