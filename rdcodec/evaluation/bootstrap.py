"""Confidence intervals of what is measured on windows of one text, which depend on each other."""

import numpy as np

from rdcodec.arguments import integer

__all__ = ["block_interval", "block_length"]

SEED = 0


def block_length(windows):
    """Windows a block where nobody says: the cube root of their number, after Hall, Horowitz and Jing (1995)."""
    return max(1, round(windows ** (1 / 3)))


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
