"""The symbols that all coders code: a mixture of Gaussians whose entropy is chosen.

The tables' indices are exponentially distributed, as those of latents are: most symbols are nearly certain.
"""

import math
from dataclasses import dataclass

import numpy as np

SMALLEST, LARGEST = 0.11, 64.0  # standard deviations


@dataclass(frozen=True)
class Case:
    """What is coded: so many symbols of so many bits of entropy each, under so many tables."""

    bits: float
    count: int
    tables: int


def gaussian_pmf(scale, reach):
    """Probabilities of the integers -reach..reach under a Gaussian integrated over unit intervals."""
    edges = (np.arange(reach + 2) - 0.5) / (scale * math.sqrt(2.0))
    above = np.array([0.5 * math.erfc(edge) for edge in edges.tolist()])
    half = above[:-1] - above[1:]
    return np.concatenate([half[:0:-1], half])


class Mixture:
    """The Gaussians of a case, its symbols, and the index of the Gaussian that each was drawn from."""

    def __init__(self, case, seed=0):
        self.scales = _scales(case)
        self._pmfs = [_whole_pmf(scale) for scale in self.scales.tolist()]
        rng = np.random.default_rng(seed)
        drawn = rng.exponential(_mean_index(case, self._pmfs), case.count)
        dtype = np.uint8 if case.tables <= 256 else np.uint16
        self.index = np.minimum(drawn * case.tables, case.tables - 1).astype(dtype)
        self.symbols = np.rint(rng.normal(size=case.count) * self.scales[self.index]).astype(np.int32)

    def ideal_bits(self, count):
        """Code length of the first symbols under the true Gaussians."""
        sizes = np.array([len(pmf) for pmf in self._pmfs])
        middles = np.cumsum(sizes) - sizes + sizes // 2
        at = middles[self.index[:count]] + self.symbols[:count]
        return float(-np.log2(np.concatenate(self._pmfs)[at]).sum())


def _whole_pmf(scale):
    return gaussian_pmf(scale, math.ceil(12 * scale))


def _entropy(pmf):
    return float(-(pmf[pmf > 0] * np.log2(pmf[pmf > 0])).sum())


def _scales(case):
    """Log-spaced; a single one has the entropy itself."""
    if case.tables > 1:
        return np.geomspace(SMALLEST, LARGEST, case.tables)
    return np.array([_solve(lambda scale: _entropy(_whole_pmf(scale)), case.bits, SMALLEST, 4 * LARGEST)])


def _mean_index(case, pmfs):
    """The mean of the exponential distribution of index / tables with which the mixture has its entropy; the last takes the rest."""
    if case.tables == 1:
        return 1.0
    entropies = np.array([_entropy(pmf) for pmf in pmfs])
    edges = np.arange(case.tables) / case.tables

    def entropy(mean):
        beyond = np.append(np.exp(-edges / mean), 0.0)
        return float((beyond[:-1] - beyond[1:]) @ entropies)

    return _solve(entropy, case.bits, 1e-4, 1e6)


def _solve(rising, target, low, high):
    """Where a rising function of a positive number has a value."""
    while high / low > 1 + 1e-9:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return high
