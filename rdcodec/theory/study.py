"""Do rates follow the bounds? Models, layers and codecs side by side: correlations with intervals, and the scatter plots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rdcodec.errors import RdcodecError
from rdcodec.estimators import Estimate
from rdcodec.evaluation.drawing import new_figure, plain_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from rdcodec.theory.bounds import LayerBounds
    from rdcodec.types import ArrayLike, Seed

__all__ = ["BOUNDS", "StudyRow", "correlation", "plot_study", "study_row"]

RESAMPLES = 2000
SEED = 0
COLUMNS = 3
COLOURS = ("#c1272d", "#0000a7", "#008176", "#b8860b", "#7b3fa0", "#444444", "#d8572a", "#5a7d2a", "#2aa8c8", "#c86fa8")
MARKERS = "osD^vPX"


@dataclass(frozen=True)
class StudyRow:
    """A codec at a layer of a model. Rates, entropies and log det are in bits a token.

    Attributes
    ----------
    model, task, codec : str
    layer, quality, seed, channels, windows, tokens : int
        seed: of the draw of windows.
    rate, rate_error : float
        Real bytes; standard error over windows.
    certificate, gaussian_entropy, log_det, state_log_det : float
    clipped : int
        Windows that took more than the certificate's fallback: its rate may be below the codec's own.
    symbol_entropy, token_entropy : float or None
    gap_low, gap_high : float
    complexity, complexity_l2 : float
        For one window: times the root of how many there are.
    analysis_norm, head_norm, entropy_norm, level_slope : float
    """

    model: str
    task: str
    codec: str
    layer: int
    quality: int
    seed: int
    channels: int
    windows: int
    tokens: int
    rate: float
    rate_error: float
    certificate: float
    clipped: int
    gaussian_entropy: float
    symbol_entropy: float | None
    token_entropy: float | None
    gap_low: float
    gap_high: float
    log_det: float
    state_log_det: float
    complexity: float
    complexity_l2: float
    analysis_norm: float
    head_norm: float
    entropy_norm: float
    level_slope: float


# What rates are compared with; what grows with the state's size is divided by it, as the rate is.
BOUNDS = {
    "Gaussian estimate of the symbols' entropy, bits/element": lambda row: row.gaussian_entropy / row.channels,
    "log-determinant of the levels' covariance, bits/element": lambda row: row.log_det / row.channels,
    "log-determinant of the states' covariance, bits/element": lambda row: row.state_log_det / row.channels,
    "Rademacher complexity, l2-ball, a level": lambda row: row.complexity_l2 / np.sqrt(row.tokens / row.windows * row.channels),
    "Rademacher complexity, l1-ball": lambda row: row.complexity,
    "spectral norm of the head": lambda row: row.head_norm,
    "spectral norm of the entropy model, bits a half step": lambda row: row.entropy_norm,
}


def study_row(model: str, task: str, channels: int, bounds: LayerBounds, seed: int = 0) -> StudyRow:
    """The row of a `LayerBounds`.

    Parameters
    ----------
    model, task : str
    channels : int
        Of the state.
    bounds : LayerBounds
    seed : int
        Of the draw of windows.
    """
    root = np.sqrt(bounds.windows)
    return StudyRow(
        model=model,
        task=task,
        codec=bounds.method,
        layer=bounds.layer,
        quality=bounds.quality,
        seed=seed,
        channels=channels,
        windows=bounds.windows,
        tokens=bounds.tokens,
        rate=bounds.rate.value,
        rate_error=bounds.rate.error,
        certificate=bounds.certificate.value,
        clipped=bounds.clipped,
        gaussian_entropy=bounds.gaussian_entropy.value,
        symbol_entropy=bounds.symbol_entropy.value,
        token_entropy=bounds.token_entropy.value if bounds.token_entropy else None,
        gap_low=bounds.gap.interval[0],
        gap_high=bounds.gap.interval[1],
        log_det=bounds.log_det.value,
        state_log_det=bounds.state_log_det.value,
        complexity=float(bounds.complexity.value * root),
        complexity_l2=float(bounds.complexity_l2.value * root),
        analysis_norm=bounds.analysis_norm.value,
        head_norm=bounds.head_norm.value,
        entropy_norm=bounds.entropy_norm.value,
        level_slope=bounds.level_slope,
    )


def correlation(x: ArrayLike, y: ArrayLike, resamples: int = RESAMPLES, seed: Seed = SEED) -> tuple[Estimate, Estimate]:
    """Pearson's and Spearman's correlation, with intervals for 95% by bootstrap over the pairs.

    Parameters
    ----------
    x, y : array_like of float, [pairs]
        At least 3, neither of them constant.
    resamples : int
    seed : int

    Returns
    -------
    (Estimate, Estimate)
        The interval is that of percentiles; resamples in which x or y is constant are left out.

    Raises
    ------
    RdcodecError
        There are fewer than 3 pairs, their numbers differ, one is not finite, or all are the same.

    Examples
    --------
    >>> pearson, spearman = correlation([1, 2, 3, 4], [1, 4, 9, 16])
    >>> round(pearson.value, 3), spearman.value
    (0.984, 1.0)
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 3 or not np.isfinite([x, y]).all():
        raise RdcodecError(f"x, y: expected as many finite numbers, 3 or more, got shapes {x.shape} and {y.shape}")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        raise RdcodecError("x, y: expected different numbers, got all the same")
    drawn = np.random.default_rng(seed).integers(0, len(x), (resamples, len(x)))
    drawn = [pairs for pairs in drawn if np.ptp(x[pairs]) > 0 and np.ptp(y[pairs]) > 0]
    return tuple(
        Estimate(
            _pearson(of(x), of(y)),
            None,
            tuple(float(end) for end in np.percentile([_pearson(of(x[p]), of(y[p])) for p in drawn], [2.5, 97.5])),
            "correlation",
            len(x),
            confidence=0.95,
        )
        for of in (np.asarray, _ranks)
    )


def _pearson(x, y):
    return float(np.corrcoef(x, y)[0, 1])


def _ranks(values):
    """Equal values share the mean of their ranks."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[which]


def plot_study(rows: Sequence[StudyRow]) -> Figure:
    """Draw the rate against each of `BOUNDS`, both for an element; colours are models, marks are codecs.

    Parameters
    ----------
    rows : list of StudyRow

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        matplotlib is not installed.
    RdcodecError
        There are fewer than 3 rows.
    """
    if len(rows) < 3:
        raise RdcodecError(f"rows: expected at least 3, got {len(rows)}")
    lines = -(-len(BOUNDS) // COLUMNS)
    figure = new_figure(4.6 * COLUMNS, 4 * lines + 0.8)
    panels = figure.subplots(lines, COLUMNS, sharey=True).ravel()
    for panel, (name, bound) in zip(panels, BOUNDS.items()):
        _draw(panel, rows, name, bound)
    for panel in panels[len(BOUNDS) :]:
        panel.remove()
    for panel in panels[::COLUMNS]:
        panel.set_ylabel("rate: real bits an element")
    labels = {label: handle for panel in panels for handle, label in zip(*panel.get_legend_handles_labels())}
    figure.legend(labels.values(), labels, loc="outside lower center", ncols=6, fontsize=8)
    return figure


def _draw(panel, rows, name, bound):
    models, codecs = (list(dict.fromkeys(getattr(row, of) for row in rows)) for of in ("model", "codec"))
    for i, model in enumerate(models):
        for j, codec in enumerate(codecs):
            chosen = [row for row in rows if (row.model, row.codec) == (model, codec)]
            if chosen:
                panel.errorbar(
                    [bound(row) for row in chosen],
                    [row.rate / row.channels for row in chosen],
                    yerr=[row.rate_error / row.channels for row in chosen],
                    label=f"{model}, {codec}",
                    color=COLOURS[i % len(COLOURS)],
                    marker=MARKERS[j % len(MARKERS)],
                    markersize=5,
                    linestyle="",
                    capsize=2,
                )
    pearson, spearman = correlation([bound(row) for row in rows], [row.rate / row.channels for row in rows])
    panel.set_title(f"r = {pearson.value:.2f}, rank correlation {spearman.value:.2f}", loc="left", fontsize=9)
    panel.set_xlabel(name, fontsize=9)
    panel.set_yscale("log")
    plain_ticks(panel.yaxis)
    if min(bound(row) for row in rows) > 0:
        panel.set_xscale("log")
        plain_ticks(panel.xaxis)
    panel.grid(alpha=0.2)
