"""Errors and confidence intervals of what is measured on windows of one text, which depend on each other."""

import math
from typing import NamedTuple

import numpy as np

from rdcodec.arguments import integer

__all__ = ["MeanError", "block_interval", "block_length", "error_of", "independent_error", "mean_error"]

SEED = 0
MOST_PERSISTENCE = 0.98
LEAST_WINDOWS = 8  # fewer do not show how alike neighbours are


def block_length(windows):
    """Windows a block where nobody says: the cube root of their number, after Hall, Horowitz and Jing (1995)."""
    return max(1, round(windows ** (1 / 3)))


class MeanError(NamedTuple):
    """Standard error of a mean over windows, and its design effect: how many times larger the variance is than that of as many
    independent windows; None with a single one. An interval of Student's distribution has as many degrees of freedom as
    independent windows that would know as much, less one."""

    error: float | None
    design_effect: float | None
    freedom: int | None


def independent_error(values):
    """The `MeanError` of values that do not depend on each other, such as those of images, or of windows drawn at random."""
    values = np.asarray(values, np.float64)
    if len(values) < 2:
        return MeanError(None, None, None)
    return MeanError(float(values.std(ddof=1)) / math.sqrt(len(values)), 1.0, len(values) - 1)


def mean_error(values):
    """Standard error of the mean of values of consecutive windows: by blocks, and by what neighbours have in common.

    The variance is the largest of three: that of independent windows; that of the means of all blocks, which the circular block
    bootstrap has in the limit of many resamples; and, from 8 windows on, that of an autoregressive series whose neighbours are as
    alike as these, which short series need. What depends over longer stretches than that, such as the articles of a short text,
    is not in it: only windows that were drawn at random from a long text are free of it.

    Parameters
    ----------
    values : array_like of float, [windows]
        In the order of the text.

    Returns
    -------
    MeanError
    """
    values = np.asarray(values, np.float64)
    windows, plain = len(values), independent_error(values)
    if not plain.error:  # a single window, or no variance
        return plain
    centred = values - values.mean()
    persistence = float(centred[1:] @ centred[:-1]) / float(centred @ centred)
    effect = max(1.0, _effect_by_blocks(centred, persistence), _effect_of_series(windows, persistence))
    return MeanError(plain.error * math.sqrt(effect), effect, max(1, int(windows / effect) - 1))


def error_of(values, predicted):
    """The `MeanError` of a value of each input, by what is predicted of them, as rows name it: windows that follow each other are alike."""
    return mean_error(values) if predicted == "tokens" else independent_error(values)


def _effect_by_blocks(centred, persistence):
    """Blocks are longer where neighbours are more alike, after Carlstein (1986), up to a quarter of the windows."""
    windows, persistence = len(centred), min(max(persistence, 0.0), MOST_PERSISTENCE)
    longer = (math.sqrt(6) * persistence / (1 - persistence**2)) ** (2 / 3)
    block = min(round(max(1.0, longer) * windows ** (1 / 3)), max(1, windows // 4))
    sums = np.cumsum(np.concatenate([[0.0], centred, centred[: block - 1]]))
    return ((sums[block:] - sums[:-block]) ** 2).mean() / block / (1 - block / windows) / (centred @ centred / (windows - 1))


def _effect_of_series(windows, persistence):
    """Of an AR(1) series, whose correlation is larger than it shows in few windows (Marriott and Pope 1954), as is its variance."""
    if windows < LEAST_WINDOWS:
        return 1.0
    persistence = min(max((windows * persistence + 1) / (windows - 4), 0.0), MOST_PERSISTENCE)
    effect = min((1 + persistence) / (1 - persistence), windows / 2)
    return effect / (1 - (effect - 1) / (windows - 1))


def block_interval(statistic, windows, block, resamples=500, level=0.95):
    """Percentile interval by the circular block bootstrap (Politis and Romano 1992).

    Parameters
    ----------
    statistic : callable
        float of an int array of window numbers, [windows] of them, some several times; NaN where there is none.
    windows : int
        In the order of the text.
    block : int
        Windows that are drawn together, 1 to `windows`.
    resamples : int
    level : float
        Share of resamples within the interval.

    Returns
    -------
    tuple of float, or None
        Lower and upper end; None with fewer than 2 blocks of windows, or where half of the resamples have no statistic.

    Raises
    ------
    RdcodecError
        `block` is out of range.
    """
    block = integer("block", block, 1, windows, f"1 to {windows} windows")
    if windows < 2 * block:
        return None
    generator = np.random.default_rng(SEED)
    starts = generator.integers(windows, size=(resamples, -(-windows // block), 1))
    drawn = ((starts + np.arange(block)) % windows).reshape(resamples, -1)[:, :windows]
    values = np.array([statistic(numbers) for numbers in drawn])
    values = values[np.isfinite(values)]
    if len(values) < resamples / 2:
        return None
    return tuple(np.quantile(values, [(1 - level) / 2, (1 + level) / 2]).tolist())
