"""Methods beside each other: the rate of each at its best setting, and what one of them saves."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rdcodec.evaluation.bootstrap import block_interval, block_length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rdcodec.evaluation.rows import Row
    from rdcodec.types import ArrayLike

__all__ = ["Comparison", "bd_rate", "best_settings", "compare", "rate_at"]

TARGETS = (0.005, 0.01, 0.02, 0.05)  # nats a token
LOSSES = (0.005, 0.05)  # between which rates are compared
APART = 1e-6  # in ln KL: a polynomial through two points that are nearer says nothing


class Comparison(NamedTuple):
    """A method at a layer, each time at its best setting.

    Attributes
    ----------
    method : str
    layer : int
    rates : list
        Bits a token at each target loss; None where no setting loses so little.
    saved : float or None
        BD-rate of the reference method against this one, percent: negative where the reference needs fewer bits at equal loss.
        None for the reference itself, and where the curves have no losses in common.
    interval : tuple of float or None
        95% interval of it, from blocks of windows.
    """

    method: str
    layer: int
    rates: list
    saved: float | None
    interval: tuple | None


def compare(
    rows: Sequence[Row], reference: str | None = None, targets: Sequence[float] = TARGETS, losses: tuple[float, float] = LOSSES
) -> list[Comparison]:
    """Compare methods at each layer.

    Parameters
    ----------
    rows : list of Row
        Of one `evaluate`.
    reference : str, optional
        The method that BD-rates are of; without one there are none.
    targets : sequence of float
        Losses at which rates are wanted, nats a token.
    losses : tuple of float
        Range of losses that BD-rates are over.

    Returns
    -------
    list of Comparison
        By layer, in the order of the rows.

    Raises
    ------
    ImportError
        A BD-rate is wanted and the package `bjontegaard` is not installed.
    """
    groups: dict[tuple[int, str | None], list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.layer):
        groups.setdefault((row.layer, row.method), []).append(row)
    return [
        _comparison(method, layer, of_method, groups.get((layer, reference)) if method != reference else None, targets, losses)
        for (layer, method), of_method in groups.items()
    ]


def _comparison(method, layer, rows, reference, targets, losses):
    bits, kl = _windows(rows)
    rates = [rate_at(bits.mean(axis=1), kl.mean(axis=1), target) for target in targets]
    if reference is None:
        return Comparison(method, layer, rates, None, None)
    own_bits, own_kl = _windows(reference)

    def saved(numbers):
        chosen = (array[:, numbers].mean(axis=1) for array in (bits, kl, own_bits, own_kl))
        return bd_rate(*chosen, losses)

    windows = bits.shape[1]
    value = saved(np.arange(windows))
    if not np.isfinite(value):
        return Comparison(method, layer, rates, None, None)
    return Comparison(method, layer, rates, value, block_interval(saved, windows, block_length(windows)))


def _windows(rows):
    """Bits a token and KL, float64 [settings, windows] each."""
    return np.array([row.window_bits for row in rows]), np.array([row.window_kl for row in rows])


def best_settings(bits, kl):
    """Numbers of the settings on the lower convex hull of rate over loss, by falling loss.

    What is above the hull is beaten by a setting, or by taking turns between two.

    Parameters
    ----------
    bits, kl : array_like of float, [settings]

    Examples
    --------
    >>> best_settings([100, 200, 150, 210, 180], [0.4, 0.1, 0.5, 0.1, 0.2]).tolist()
    [0, 1]
    """
    bits, kl = np.asarray(bits, float), np.asarray(kl, float)
    order = np.lexsort((kl, bits))
    lowest = np.minimum.accumulate(np.concatenate([[np.inf], kl[order]]))[:-1]
    hull = []
    for i in order[kl[order] < lowest]:
        while len(hull) > 1 and _is_above(hull[-1], hull[-2], i, bits, kl):
            hull.pop()
        hull.append(i)
    return np.array(hull)


def _is_above(middle, first, last, bits, kl):
    """Whether a setting is on the line between two others, or above it."""
    share = (kl[first] - kl[middle]) / (kl[first] - kl[last])
    return bits[middle] >= bits[first] + share * (bits[last] - bits[first])


def _best_curve(bits, kl):
    """-ln KL, which rises, and ln bits of the best settings."""
    best = best_settings(bits, kl)
    return -np.log(np.maximum(np.asarray(kl, float)[best], np.finfo(float).tiny)), np.log(np.asarray(bits, float)[best])


def rate_at(bits: ArrayLike, kl: ArrayLike, target: float) -> float | None:
    """Bits a token at a loss: between best settings on a straight line of the logarithms, below all losses of the settings none.

    Where every setting loses less than the target it is the cheapest one's rate.

    Parameters
    ----------
    bits, kl : array_like of float, [settings]
    target : float
        Nats, above 0.

    Returns
    -------
    float or None

    Raises
    ------
    ValueError
        There are no settings, or not as many losses as rates.

    Examples
    --------
    >>> rate_at([100, 400], [0.04, 0.01], 0.02)
    200.0
    """
    quality, rate = _best_curve(bits, kl)
    if quality[-1] < -np.log(target):
        return None
    return round(float(np.exp(np.interp(-np.log(target), quality, rate))), 6)


def bd_rate(bits: ArrayLike, kl: ArrayLike, own_bits: ArrayLike, own_kl: ArrayLike, losses: tuple[float, float] = LOSSES) -> float:
    """Bjøntegaard's mean difference of rate at equal loss, in percent: of "own" settings against others.

    Curves go through the best settings of each, by piecewise cubic Hermite polynomials of the logarithm of the rate over that of
    the loss, and are cut at the losses.

    Parameters
    ----------
    bits, kl, own_bits, own_kl : array_like of float, [settings]
    losses : tuple of float
        Lowest and highest loss, nats.

    Returns
    -------
    float
        -50 where half of the bits are enough; NaN where one has fewer than 2 best settings, or no losses are common to both.

    Raises
    ------
    ImportError
        The package `bjontegaard` is not installed.
    """
    try:
        from bjontegaard import bd_rate as bjontegaard_rate
    except ImportError as error:
        raise ImportError("BD-rates need the package bjontegaard: pip install 'rdcodec[baselines]'") from error
    others, own = _curve(bits, kl, losses), _curve(own_bits, own_kl, losses)
    if others is None or own is None:
        return float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about curves that share a part of the losses only, which NaN and the table say
        return float(bjontegaard_rate(*others, *own, "pchip", require_matching_points=False, min_overlap=0))


def _curve(bits, kl, losses):
    """Rates and qualities (-ln KL, rising) of the best settings, cut at the losses; None without 2 points."""
    quality, rate = _best_curve(bits, kl)
    ends = -np.log(np.array(losses[::-1]))
    if len(quality) < 2 or quality[-1] <= ends[0] or quality[0] >= ends[1]:
        return None
    ends = np.clip(ends, quality[0], quality[-1])
    inside = (quality > ends[0] + APART) & (quality < ends[1] - APART)
    at_ends = np.interp(ends, quality, rate)
    rates = np.exp(np.concatenate([at_ends[:1], rate[inside], at_ends[1:]]))
    return rates, np.concatenate([ends[:1], quality[inside], ends[1:]])
