"""Scalar quantisers of least distortion: Lloyd's and Max's, and those that weigh the rate of an entropy code besides."""

from typing import NamedTuple

import numpy as np

__all__ = ["ScalarQuantiser", "fit_quantiser"]

ROUNDS = 3000
TAIL = 1e-4  # of the values, on either side of where points start
SETTLED = 1e-7  # largest move of a threshold, in standard deviations


class ScalarQuantiser(NamedTuple):
    """Intervals of the real line and the value that stands for each.

    Attributes
    ----------
    points : ndarray
        float64 [levels], rising.
    thresholds : ndarray
        float64 [levels - 1]: what is above the i-th belongs to a point beyond the i-th.
    probabilities : ndarray
        float64 [levels], of the values that it was fitted to.
    """

    points: np.ndarray
    thresholds: np.ndarray
    probabilities: np.ndarray

    def quantise(self, values):
        """Indices of points, int32, of the shape of `values`."""
        return np.searchsorted(self.thresholds, values).astype(np.int32)


def fit_quantiser(values, levels, price=0.0):
    """The quantiser of least mean squared error + price * entropy of the indices, a local optimum.

    Without a price it is Lloyd's and Max's (Lloyd 1982, Max 1960); with one, that of Chou, Lookabaugh and Gray (1989), which
    drops points that do not pay.

    Parameters
    ----------
    values : ndarray
        To fit, any shape, not all equal.
    levels : int
        Points at most, 2 or more.
    price : float
        Of a bit, in squared units of the values.

    Returns
    -------
    ScalarQuantiser
    """
    ordered = np.sort(np.asarray(values, np.float64), axis=None)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    spread = ordered.std()
    low, high = np.quantile(ordered, [TAIL, 1 - TAIL])
    if price:  # the spacing that is best at high rate: a finer start has cells that pay too little to stay and too much to be dropped
        levels = int(np.clip(np.ceil((high - low) / np.sqrt(6 * price / np.log(2))), 2, levels))
    thresholds = np.linspace(low, high, levels + 1)[1:-1]
    for _ in range(ROUNDS):
        points, probabilities = _cells(ordered, sums, thresholds)
        lengths = -np.log2(probabilities)
        moved = (points[1:] + points[:-1]) / 2 + price * np.diff(lengths) / (2 * np.diff(points))
        moved = np.maximum.accumulate(moved)  # where they cross, the cell between them is empty, and is dropped next
        if len(moved) == len(thresholds) and np.abs(moved - thresholds).max(initial=0) <= SETTLED * spread:
            break
        thresholds = moved
    return ScalarQuantiser(points, moved, probabilities)


def _cells(ordered, sums, thresholds):
    """Means and probabilities of the cells that hold any values."""
    edges = np.concatenate([[0], np.searchsorted(ordered, thresholds, side="right"), [len(ordered)]])
    counts = np.diff(edges)
    means = np.diff(sums[edges])[counts > 0] / counts[counts > 0]
    return means, counts[counts > 0] / len(ordered)
