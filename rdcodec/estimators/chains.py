"""Models of integer vectors, feature by feature: predictions by those before, and frequencies."""

import numpy as np

from rdcodec import _core
from rdcodec.estimators.cells import TAILS, cell_masses
from rdcodec.estimators.covariance import ROUNDING, ledoit_wolf

__all__ = ["Chain", "Frequencies", "chunks"]

CHUNK = 1 << 20  # numbers at a time


def chunks(windows):
    """Parts of windows [windows, vectors, features] that are not large."""
    step = max(1, CHUNK // windows[0].size)
    return (windows[start : start + step] for start in range(0, len(windows), step))


class Chain:
    """Each feature's linear prediction from those before it in the vector and, where it uses context, from the vector before.

    In a Gaussian of the shrunk covariance: with the Cholesky factor L, the solution r of L r = z is what each coordinate has that
    those before do not tell, in units of L's diagonal.
    """

    def __init__(self, windows, uses_context):
        self._uses_context, self._features = uses_context, windows.shape[2]
        self._mean = windows.mean(axis=(0, 1))
        variance = sum(((part - self._mean) ** 2).mean(axis=1).sum(axis=0) for part in chunks(windows)) / len(windows)
        self._deviation = np.sqrt(variance + ROUNDING)  # a feature that never changed may yet
        side = self._features * (1 + uses_context)
        gram, trace, fourth, count = np.zeros((side, side)), 0.0, 0.0, 0
        for part in chunks(windows):
            rows = self._rows(part)
            _core.gram_add(rows, True, gram)
            norms = np.einsum("ij,ij->i", rows, rows)
            trace, fourth, count = trace + norms.sum(), fourth + (norms**2).sum(), count + len(rows)
        square = 2 * (np.tril(gram, -1) ** 2).sum() + (gram.diagonal() ** 2).sum()
        shrinkage = max(ledoit_wolf(count, side, trace, square, fourth), 1 / (1 + count)) if trace > 0 else 1.0
        self._factor = gram * ((1 - shrinkage) / count)
        self._factor[np.diag_indices(side)] += shrinkage * max(trace / (count * side), 1 / (1 + count))
        _core.cholesky(self._factor)

    def _rows(self, windows):
        """Standardised vectors [windows x vectors, ...], those before them first: zero before the first one of a window."""
        rows = (windows - self._mean) / self._deviation
        if self._uses_context:
            before = np.concatenate([np.zeros_like(rows[:, :1]), rows[:, :-1]], axis=1)
            rows = np.concatenate([before, rows], axis=2)
        return np.ascontiguousarray(rows.reshape(-1, rows.shape[2]))

    def predict(self, windows):
        """What predictions miss, [windows, vectors, features], and their standard deviations [features], in units of the windows."""
        columns = np.ascontiguousarray(self._rows(windows).T)
        _core.solve_lower(self._factor, columns)
        deviations = self._factor.diagonal()[-self._features :] * self._deviation
        return (columns[-self._features :].T * deviations).reshape(windows.shape), deviations


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

    def bits(self, windows):
        """[windows, vectors, features]"""
        others = cell_masses(windows - self._middle, self._spread, TAILS["cauchy"])
        bits = np.empty(windows.shape)
        for feature, (values, counts) in enumerate(self._tables):
            one = windows[..., feature]
            place = np.minimum(np.searchsorted(values, one), len(values) - 1)
            known = np.where(values[place] == one, counts[place], 0)
            paid = (known + len(values) * others[..., feature]) / (self._samples + len(values))
            bits[..., feature] = -np.log2(paid)
        return bits
