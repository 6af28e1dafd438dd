"""Laws whose entropy is known, and series whose neighbours are alike: what bounds and intervals are tried on."""

import numpy as np
from scipy import stats

__all__ = ["DENSITIES", "LAWS", "autoregressive", "entropy_bits", "rounded_entropy"]

DENSITIES = {
    "normal": stats.norm(1, 3),
    "uniform": stats.uniform(-5, 20),
    "exponential": stats.expon(0, 7),
    "laplace": stats.laplace(0, 0.1),
    "gamma": stats.gamma(3, scale=2),
    "t(3)": stats.t(3),
    "beta(1/2, 1/2)": stats.beta(0.5, 0.5),
    "gamma(1/2)": stats.gamma(0.5),
}


def entropy_bits(p):
    """Of probabilities."""
    p = p[p > 0]
    return float(-np.sum(p * np.log2(p)))


def rounded_entropy(density, most=400_000):
    """Bits that a sample, rounded to an integer, has; of its values so many from the lowest on count."""
    low, high = (int(np.floor(density.ppf(q))) for q in (1e-9, 1 - 1e-9))
    ends = np.arange(low, min(high, low + most) + 2) - 0.5
    return entropy_bits(np.diff(density.cdf(ends)))


def autoregressive(rng, windows, persistence):
    """AR(1) [windows] of mean 0 and variance 1, stationary from the start."""
    noise = rng.normal(size=windows) * np.sqrt(1 - persistence**2)
    values = np.empty(windows)
    values[0] = rng.normal()
    for i in range(1, windows):
        values[i] = persistence * values[i - 1] + noise[i]
    return values


# ---- laws of integer vectors: a draw of windows for a generator, and the entropy of a vector in bits

SAMPLES = 160
MIX = np.random.default_rng(1).normal(0, 12, (5, 5))
ZIPF = 1 / np.arange(1, 41) / np.sum(1 / np.arange(1, 41))


def _alike(density, features, samples=SAMPLES):
    """Independent features of one density."""
    return lambda rng: np.rint(density.rvs((samples, features), random_state=rng)), features * rounded_entropy(density)


def _gaussian_bits(features, log_det):
    return features / 2 * np.log2(2 * np.pi * np.e) + log_det / 2 / np.log(2)


def _in_time(rng):
    """40 windows of 32 vectors, AR(1) of deviation 20 along them, neighbours' correlation 0.9."""
    series = [[autoregressive(rng, 32, 0.9) for _ in range(2)] for _ in range(40)]
    return np.rint(20 * np.array(series).transpose(0, 2, 1))


def _words(rng):
    """40 of 1,000, which ones is new each time."""
    return rng.choice(1000, 40, replace=False)[rng.choice(40, (SAMPLES, 1), p=ZIPF)]


LAWS = {
    "normal": _alike(stats.norm(3, 5), 3),
    "narrow": _alike(stats.norm(0, 0.3), 4),
    "uniform": _alike(stats.uniform(-10, 40), 2),
    "laplace": _alike(stats.laplace(0, 4), 3),
    "t(2)": _alike(stats.t(2, 0, 3), 3),
    "exponential": _alike(stats.expon(0, 8), 3),
    "50 samples of 120 features": _alike(stats.norm(0, 9), 120, samples=50),
    "correlated": (lambda rng: np.rint(rng.normal(size=(SAMPLES, 5)) @ MIX), _gaussian_bits(5, np.linalg.slogdet(MIX.T @ MIX)[1])),
    "in time": (_in_time, _gaussian_bits(2, 2 * (np.log(400) + 31 / 32 * np.log(1 - 0.81)))),
    "words": (_words, entropy_bits(ZIPF)),
}
