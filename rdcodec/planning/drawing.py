"""The picture of a plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rdcodec.evaluation.drawing import new_figure, plain_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from rdcodec.planning.link import Link
    from rdcodec.planning.times import Option

__all__ = ["plot_plan"]

DECADES = 2  # to both sides of the link's own bandwidth
POINTS = 121
COLOURS = "#c1272d", "#0000a7", "#008176", "#b8860b", "#7b3fa0", "#5a9bd4", "#d8572a", "#5a7d2a"


def plot_plan(first: Sequence[Option], following: Sequence[Option], link: Link, most: int = 6) -> Figure:
    """Draw times against bandwidth: to the first token, and a token behind it.

    Parameters
    ----------
    first, following : list of Option
        As of `best_options`; the first few of each are drawn, and what is not compressed dashed.
    link : Link
        Whose bandwidth is in the middle.
    most : int
        How many.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    figure = new_figure(12.5, 5.0)
    panels = figure.subplots(1, 2)
    _draw(panels[0], first[:most], link, lambda option, at: option.first_token(at), "seconds to the first token")
    _draw(panels[1], following[:most], link, lambda option, at: option.next_token(at), "seconds a token")
    return figure


def _draw(panel, options, link, seconds, label):
    bandwidths = link.bits_per_second * np.logspace(-DECADES, DECADES, POINTS)
    links = [replace(link, bits_per_second=bandwidth) for bandwidth in bandwidths]
    for i, option in enumerate(options):
        times = [seconds(option, at) for at in links]
        panel.plot(bandwidths / 1e6, times, label=_name(option), color=COLOURS[i % len(COLOURS)], linewidth=2 if i == 0 else 1.2)
    raw = options[0].raw
    panel.plot(
        bandwidths / 1e6, [seconds(raw, at) for at in links], label=f"{raw.method}, layer {raw.layer}", color="#444444", linestyle="--"
    )
    panel.axvline(link.bits_per_second / 1e6, color="#444444", linewidth=0.8, linestyle=":")
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_xlabel(f"Mbit/s, round trip {1e3 * link.round_trip:g} ms")
    panel.set_ylabel(label)
    plain_ticks(panel.xaxis)
    plain_ticks(panel.yaxis)
    panel.grid(which="both", alpha=0.2)
    panel.legend(fontsize=8)


def _name(option):
    quality = "" if option.quality is None else f", quality {option.quality}"
    return f"{option.method}{quality}, layer {option.layer}"
