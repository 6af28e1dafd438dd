"""Correlations over models: what holds within each of them, and what between them, which are two questions."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from rdcodec.errors import RdcodecError
from rdcodec.estimators import Estimate
from rdcodec.extras import need

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rdcodec.types import ArrayLike, Seed

__all__ = ["mixed_slope", "within_between"]

RESAMPLES = 2000
LEAST_MODELS = 3


def within_between(
    models: Sequence[str], x: ArrayLike, y: ArrayLike, resamples: int = RESAMPLES, seed: Seed = 0
) -> tuple[Estimate, Estimate]:
    """Pearson's correlation of what differs within models, and of models' means, with intervals for 95% by bootstrap over models.

    Rows of one model share its states, so models are the independent units: each resample draws models, with all their rows.

    Parameters
    ----------
    models : list of str, [rows]
        Which model a row is of; at least 3 different ones.
    x, y : array_like of float, [rows]
    resamples : int
    seed : int, numpy.random.Generator or None

    Returns
    -------
    (Estimate, Estimate)
        Within, of differences from the models' means, and between, of the means. Resamples in which x or y do not differ are left
        out.

    Raises
    ------
    RdcodecError
        There are fewer than 3 models, numbers differ in length or are not finite, or x or y does not differ within models or
        between them.

    Examples
    --------
    >>> within, between = within_between(["a", "a", "b", "b", "c", "c"], [1, 2, 11, 12, 21, 22], [9, 10, 5, 6, 1, 2])
    >>> round(within.value, 9), round(between.value, 9)  # rises in each, falls from one to the next
    (1.0, -1.0)
    """
    groups, x, y = _grouped(models, x, y)
    means = np.array([[values[group].mean() for values in (x, y)] for group in groups])
    centred = [np.stack([x[group], y[group]], axis=1) - mean for group, mean in zip(groups, means, strict=True)]
    found = [_pearson(np.concatenate(centred)), _pearson(means)]
    if None in found:
        raise RdcodecError("x, y: expected numbers that differ within models and between them, got all the same")
    drawn = np.random.default_rng(seed).integers(0, len(groups), (resamples, len(groups)))
    of_draws = ([_pearson(np.concatenate([centred[i] for i in which])) for which in drawn], [_pearson(means[which]) for which in drawn])
    return tuple(
        Estimate(value, None, _middle(values), "correlation", samples, confidence=0.95)
        for value, values, samples in zip(found, of_draws, (len(x), len(groups)), strict=True)
    )


def _grouped(models, x, y):
    """Numbers of the rows of each model, and x and y."""
    x, y, models = np.asarray(x, np.float64), np.asarray(y, np.float64), np.asarray(models)
    if x.ndim != 1 or not x.shape == y.shape == models.shape or not np.isfinite([x, y]).all():
        raise RdcodecError(f"models, x, y: expected as many of each, finite, got shapes {models.shape}, {x.shape} and {y.shape}")
    groups = [np.flatnonzero(models == name) for name in dict.fromkeys(models.tolist())]
    if len(groups) < LEAST_MODELS:
        raise RdcodecError(f"models: expected at least {LEAST_MODELS} different ones, the independent units, got {len(groups)}")
    return groups, x, y


def _pearson(pairs):
    """None where one of the two does not differ."""
    if (np.ptp(pairs, axis=0) <= 1e-12 * np.abs(pairs).max(axis=0)).any():
        return None
    return float(np.corrcoef(pairs.T)[0, 1])


def _middle(values):
    known = [value for value in values if value is not None]
    return tuple(float(end) for end in np.percentile(known, [2.5, 97.5]))


def mixed_slope(models: Sequence[str], x: ArrayLike, y: ArrayLike) -> Estimate:
    """By how many of its deviations y rises with a deviation of x, in a mixed-effects model with an intercept of its own for each model.

    Fitted by restricted maximum likelihood, by statsmodels. Deviations are over all rows.

    Parameters
    ----------
    models : list of str, [rows]
        As `within_between` takes them.
    x, y : array_like of float, [rows]

    Returns
    -------
    Estimate
        terms: "models", by how many deviations of y intercepts differ; "rest", the deviation of what is left.

    Raises
    ------
    ImportError
        statsmodels is not installed.
    RdcodecError
        As `within_between`.
    """
    need("study", "statsmodels")
    from statsmodels.regression.mixed_linear_model import MixedLM

    _, x, y = _grouped(models, x, y)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        raise RdcodecError("x, y: expected different numbers, got all the same")
    x, y = ((values - values.mean()) / values.std() for values in (x, y))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of intercepts that do not differ, which `terms` say
        fitted = MixedLM(y, np.stack([np.ones_like(x), x], axis=1), groups=np.asarray(models)).fit()
    spread = float(np.sqrt(max(fitted.cov_re[0][0] if isinstance(fitted.cov_re, np.ndarray) else fitted.cov_re.iloc[0, 0], 0)))
    return Estimate.normal(fitted.params[1], fitted.bse[1], "deviations", len(x), models=spread, rest=float(np.sqrt(fitted.scale)))
