"""The picture of rate and loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rdcodec.errors import RdcodecError
from rdcodec.evaluation.comparison import best_settings
from rdcodec.evaluation.drawing import COLOURS, FLOOR, curves, new_figure, plain_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from rdcodec.evaluation.rows import Row

__all__ = ["plot_rows"]

POINT_COLOUR = "#444444"
NEAR_RATE, NEAR_LOSS = 1.3, 2.0  # ratios within which a name would run into the next point ...
SAME_RATE, SAME_LOSS = 1.04, 1.2  # ... and two points are one in the picture


def plot_rows(rows: Sequence[Row], title: str = "Loss against rate") -> Figure:
    """Draw KL against bits a token, both on logarithmic axes, a panel a layer.

    Methods with a quality are solid lines, other methods with several rows dashed ones through their best settings; the rest are
    points with their names beside them. Error bars are one standard error over the windows. Losses below 1e-4 nats are drawn as
    triangles at the lower edge.

    Parameters
    ----------
    rows : list of Row
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        matplotlib is not installed.
    RdcodecError
        There are no rows.
    """
    if not rows:
        raise RdcodecError("rows: there is nothing to draw")
    layers = sorted({row.layer for row in rows})
    figure = new_figure(1.5 + 6.5 * len(layers), 5.2)
    panels = figure.subplots(1, len(layers), squeeze=False, sharey=True)[0]
    for panel, layer in zip(panels, layers):
        _draw(panel, [row for row in rows if row.layer == layer])
        panel.set_title(f"{title}, layer {layer}", loc="left")
    panels[0].set_ylabel("loss: KL(uncompressed ‖ compressed), nats a token")
    return figure


def _draw(panel, rows):
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_xlabel("rate: real bits a token, headers included")
    plain_ticks(panel.xaxis)
    panel.grid(which="both", alpha=0.2)
    points, colours = [], iter(COLOURS * len(rows))
    for method, curve in curves(rows):
        if len(curve) > 1 or curve[0].quality is not None:
            best = best_settings([row.bits_per_token for row in curve], [row.kl for row in curve])
            _draw_curve(panel, method, [curve[i] for i in best], next(colours))
        else:
            points += curve
    _draw_points(panel, points)
    panel.set_ylim(bottom=min(FLOOR / 1.3, *panel.get_ylim()) if min(row.kl for row in rows) < FLOOR else None)
    if panel.get_legend_handles_labels()[0]:
        panel.legend(loc="lower left", fontsize=8)


def _draw_curve(panel, method, curve, colour):
    coded = curve[0].quality is not None
    panel.errorbar(
        [row.bits_per_token for row in curve],
        [max(row.kl, FLOOR) for row in curve],
        yerr=[row.kl_stderr or 0 for row in curve],
        label=method,
        color=colour,
        linestyle="-" if coded else "--",
        linewidth=2 if coded else 1.2,
        marker="o" if coded else "s",
        markersize=6 if coded else 4,
        capsize=2,
        zorder=3 if coded else 2,
    )


def _draw_points(panel, rows):
    """Points and their names: one name where points coincide, on the left where another point or the edge is in the way."""
    rows = sorted(rows, key=lambda row: row.bits_per_token)
    middle = rows[-1].bits_per_token / 2.5 if rows else 0
    while rows:
        near = [row for row in rows if _within(rows[0], row, SAME_RATE, SAME_LOSS)]
        rows = [row for row in rows if row not in near]
        full = near[-1].bits_per_token > middle or any(_within(near[-1], row, NEAR_RATE, NEAR_LOSS) for row in rows)
        for row in near:
            _draw_point(panel, row)
        _write_name(panel, near[-1], ", ".join(row.method for row in near), full)


def _draw_point(panel, row):
    if row.kl < FLOOR:
        panel.plot(row.bits_per_token, FLOOR, marker="v", markersize=5, color=POINT_COLOUR)
    else:
        error = row.kl_stderr or 0
        panel.errorbar(row.bits_per_token, row.kl, yerr=error, marker="s", markersize=4, capsize=2, color=POINT_COLOUR)


def _write_name(panel, row, name, on_the_left):
    at = row.bits_per_token, max(row.kl, FLOOR)
    style = {"textcoords": "offset points", "fontsize": 8, "color": POINT_COLOUR}
    if row.kl < FLOOR:
        panel.annotate(name, at, xytext=(0, 7), rotation=90, ha="center", va="bottom", **style)
    elif on_the_left:
        panel.annotate(name, at, xytext=(-6, 0), ha="right", va="center", **style)
    else:
        panel.annotate(name, at, xytext=(6, 0), ha="left", va="center", **style)


def _within(row, other, rate, loss):
    rates = sorted((row.bits_per_token, other.bits_per_token))
    losses = sorted((max(row.kl, FLOOR), max(other.kl, FLOOR)))
    return rates[1] <= rate * rates[0] and losses[1] <= loss * losses[0]
