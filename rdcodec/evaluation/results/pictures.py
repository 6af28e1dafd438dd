"""Pictures of rows that were kept: what is lost against rate, last words, bits by position."""

import math

from rdcodec.evaluation.drawing import COLOURS, curves, new_figure, plain_ticks
from rdcodec.evaluation.figures import name_of, octaves
from rdcodec.evaluation.results.paper import PAPER

__all__ = ["draw_losses", "draw_positions", "draw_words"]

PANELS = (
    ("KL, nats a token", lambda row: row.kl, lambda row: row.kl_stderr),
    ("change of NLL, nats a token", lambda row: row.delta_nll, lambda row: row.delta_nll_stderr),
    ("most likely token changed, %", lambda row: 100 * (1 - row.agreement), lambda row: None),
)
WIDTH, HEIGHT = 4.6, 3.8  # inches, of a panel


def draw_losses(rows):
    """What the rows of windows lose against bits a token: three panels a layer."""
    layers = sorted({row.layer for row in rows})
    figure = new_figure(WIDTH * len(PANELS), HEIGHT * len(layers))
    for line, layer in zip(figure.subplots(len(layers), len(PANELS), squeeze=False), layers):
        for panel, (name, value, error) in zip(line, PANELS):
            of_layer = [row for row in rows if row.layer == layer]
            _draw_curves(panel, of_layer, lambda row: row.bits_per_token, value, error)
            panel.set_xlabel("real bits a token")
            panel.set_title(f"layer {layer}: {name}", loc="left", fontsize=10)
            if all(value(row) > 0 for row in of_layer):
                panel.set_yscale("log")
                plain_ticks(panel.yaxis)
        line[0].legend(fontsize=8)
    return figure


def draw_words(rows):
    """Relative change of the accuracy of last words against bits an element, with the paper's points."""
    figure = new_figure(6.5, 4.2)
    panel = figure.subplots()
    _draw_curves(panel, rows, lambda row: row.bits_per_element, _change, lambda row: _percent(row.delta_accuracy_stderr, row))
    panel.plot(*zip(*PAPER), marker="*", markersize=11, linestyle=":", color="black", label="the paper: GPT-2 small, tuned, LAMBADA")
    panel.axhline(0, color="black", linewidth=0.8)
    panel.set_xlabel("real bits an element")
    panel.set_ylabel("last words right: relative change, %")
    panel.legend(fontsize=8)
    return figure


def draw_positions(rows):
    """Bits of tokens by octaves of their position."""
    figure = new_figure(6.5, 4)
    panel = figure.subplots()
    for row, colour in zip(rows, COLOURS * len(rows)):
        panel.plot(range(len(row.position_bits)), row.position_bits, marker="o", markersize=4, color=colour, label=name_of(row, True))
    count = max(len(row.position_bits) for row in rows)
    panel.set_xticks(range(count), octaves(count))
    panel.set_xlabel("position in the document")
    panel.set_ylabel("real bits a token, one token a frame")
    panel.set_ylim(bottom=0)
    panel.grid(alpha=0.2)
    panel.legend(fontsize=8)
    return figure


def _draw_curves(panel, rows, rate, value, error):
    """A line with error bars a method, dashed where the model is tuned."""
    panel.set_xscale("log")
    panel.grid(which="both", alpha=0.2)
    for (method, curve), colour in zip(curves(rows), COLOURS * len(rows)):
        known = [row for row in curve if math.isfinite(value(row))]
        panel.errorbar(
            [rate(row) for row in known],
            [value(row) for row in known],
            yerr=[error(row) or 0 for row in known],
            label=method,
            color=colour,
            linestyle="--" if curve[0].untuned else "-",
            marker="s" if curve[0].untuned else "o",
            markersize=5,
            capsize=2,
        )
    plain_ticks(panel.xaxis)


def _change(row):
    return _percent(row.accuracy - row.base_accuracy, row) if row.base_accuracy else math.nan


def _percent(value, row):
    return None if value is None or not row.base_accuracy else 100 * value / row.base_accuracy
