"""Models of integer vectors, feature by feature: predictions by those before, and frequencies."""

import numpy as np

from rdcodec import _core
from rdcodec.estimators.cells import TAILS, cell_masses
from rdcodec.estimators.covariance import ROUNDING, _shrinkage

__all__ = ["Chain", "Frequencies"]


class Chain:
    """Each feature's linear prediction from those before it in the vector and, where it looks back, from the vector before.

    In a Gaussian of the shrunk covariance: with the Cholesky factor L, the solution r of L r = z is what each coordinate has that
    those before do not tell, in units of L's diagonal.
    """

    def __init__(self, windows, looks_back):
        self._looks_back, self._features = looks_back, windows.shape[2]
        self._mean = np.mean([one.mean(axis=0) for one in windows], axis=0)
        variance = np.mean([((one - self._mean) ** 2).mean(axis=0) for one in windows], axis=0)
        self._deviation = np.sqrt(variance + ROUNDING)  # a feature that never changed may yet
        side = self._features * (1 + looks_back)
        gram, trace, fourth, count = np.zeros((side, side)), 0.0, 0.0, 0
        for one in windows:
            rows = self._rows(one)
            _core.gram_add(rows, True, gram)
            norms = np.einsum("ij,ij->i", rows, rows)
            trace, fourth, count = trace + norms.sum(), fourth + (norms**2).sum(), count + len(rows)
        square = 2 * (np.tril(gram, -1) ** 2).sum() + (gram.diagonal() ** 2).sum()
        shrinkage = max(_shrinkage(count, side, trace, square, fourth), 1 / (1 + count)) if trace > 0 else 1.0
        self._factor = gram * ((1 - shrinkage) / count)
        self._factor[np.diag_indices(side)] += shrinkage * max(trace / (count * side), 1 / (1 + count))
        _core.cholesky(self._factor)

    def _rows(self, window):
        """Standardised, those of the vector before first: zero before the first one."""
        rows = (window - self._mean) / self._deviation
        if self._looks_back:
            rows = np.concatenate([np.concatenate([np.zeros_like(rows[:1]), rows[:-1]]), rows], axis=1)
        return np.ascontiguousarray(rows)

    def predict(self, window):
        """What predictions miss, [vectors, features], and their standard deviations [features], in units of the window."""
        columns = np.ascontiguousarray(self._rows(window).T)
        _core.solve_lower(self._factor, columns)
        deviations = self._factor.diagonal()[-self._features :] * self._deviation
        return columns[-self._features :].T * deviations, deviations


class Frequencies:
    """Each feature for itself: how often its values were seen, and for others a Cauchy distribution around their median, which as
    many samples speak for as different values were seen (Witten and Bell 1991)."""

    name = "frequencies"

    def __init__(self, windows):
        seen = windows.reshape(-1, windows.shape[2])
        self._samples = len(seen)
        self._tables = [np.unique(column, return_counts=True) for column in seen.T]
        self._middle = np.rint(np.median(seen, axis=0))
        self._spread = np.abs(seen - self._middle).mean(axis=0) + 0.1

    def bits(self, window):
        """[vectors, features]"""
        others = cell_masses(window - self._middle, self._spread, TAILS["cauchy"])
        bits = np.empty(window.shape)
        for feature, (values, counts) in enumerate(self._tables):
            place = np.minimum(np.searchsorted(values, window[:, feature]), len(values) - 1)
            known = np.where(values[place] == window[:, feature], counts[place], 0)
            paid = (known + len(values) * others[:, feature]) / (self._samples + len(values))
            bits[:, feature] = -np.log2(paid)
        return bits
