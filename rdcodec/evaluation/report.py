"""An evaluation as a page: charts, a text coloured by bits, the table, in one file that needs nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rdcodec.errors import RdcodecError
from rdcodec.evaluation.comparison import best_settings
from rdcodec.evaluation.drawing import COLOURS, FLOOR, curves
from rdcodec.evaluation.figures import figures_of, name_of, with_error
from rdcodec.evaluation.rows import Rows
from rdcodec.extras import need

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rdcodec.evaluation.rates_by_token import TokenRates
    from rdcodec.evaluation.rows import Row

__all__ = ["report_html"]

TEMPLATE = Path(__file__).with_name("report.html")
LOSS_SIZE, TOKENS_SIZE = (880, 460), (880, 220)  # pixels
PALEST, DARKEST = 5, 95  # percentiles of a text's bits, which have no colour and the whole of it
STRONGEST = 0.75  # opacity, behind black letters


def report_html(rows: Sequence[Row], title: str = "Loss against rate", tokens: TokenRates | None = None) -> str:
    """A page of an evaluation, which shows in any browser, offline.

    Loss against rate a chart a layer, where methods can be hidden and points say what they are; the text of a window, each token the
    darker the more bits it takes; the table.

    Parameters
    ----------
    rows : list of Row
    title : str
    tokens : TokenRates, optional
        What `token_rates` found for one of the settings; without it there is no text.

    Returns
    -------
    str
        HTML, with the scripts of Bokeh in it: 1.3 MB.

    Raises
    ------
    ImportError
        Bokeh is not installed.
    RdcodecError
        There are no rows.
    """
    if not rows:
        raise RdcodecError("rows: there is nothing to report")
    need("plot", "bokeh", "jinja2")
    from bokeh.embed import components
    from bokeh.resources import INLINE
    from jinja2 import Environment

    layers = sorted({row.layer for row in rows})
    charts = [_loss_chart([row for row in rows if row.layer == layer], f"Layer {layer}") for layer in layers]
    script, places = components([*charts, *([] if tokens is None else [_token_chart(tokens)])])
    page = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(TEMPLATE.read_text(encoding="utf-8"))
    return page.render(
        title=title,
        library=INLINE.clone(components=["bokeh"]).render(),
        script=script,
        charts=places[: len(charts)],
        row=rows[0],
        table=Rows(rows)._repr_html_(),
        text=None if tokens is None else {**_coloured(tokens), "chart": places[-1]},
    )


def _loss_chart(rows, title):
    from bokeh.models import HoverTool
    from bokeh.plotting import figure

    width, height = LOSS_SIZE
    chart = figure(
        width=width, height=height, x_axis_type="log", y_axis_type="log", title=title, tools="pan,wheel_zoom,box_zoom,reset,save"
    )
    chart.xaxis.axis_label = "rate: real bits a token, headers included"
    chart.yaxis.axis_label = "loss: KL(uncompressed ‖ compressed), nats a token"
    chart.xaxis.formatter.min_exponent = 7  # plain numbers up to there
    for (method, curve), colour in zip(curves(rows), COLOURS * len(rows)):
        _draw_curve(chart, method, curve, colour)
    chart.add_tools(HoverTool(tooltips=[("", "@name"), ("bits a token", "@rate"), ("KL", "@loss")], renderers=chart.select("points")))
    chart.add_layout(chart.legend[0], "right")
    chart.legend.click_policy = "hide"
    chart.legend.label_text_font_size = "8pt"
    return chart


def _draw_curve(chart, method, curve, colour):
    """All settings of a method as points with error bars, and a line through the best of them."""
    from bokeh.models import ColumnDataSource

    bits, kl = [row.bits_per_token for row in curve], np.maximum([row.kl for row in curve], FLOOR)
    errors = np.array([row.kl_stderr or 0 for row in curve])
    best = best_settings(bits, kl)
    source = ColumnDataSource(
        {
            "bits": bits,
            "kl": kl,
            "low": np.maximum(kl - errors, FLOOR),
            "high": kl + errors,
            "name": [name_of(row, False) for row in curve],
            "rate": [figures_of(row)[0] for row in curve],
            "loss": [with_error(row.kl, row.kl_stderr, "") for row in curve],
        }
    )
    style = {"legend_label": method, "color": colour}
    chart.line(np.take(bits, best), np.take(kl, best), line_dash="solid" if curve[0].quality is not None else "dashed", **style)
    chart.segment("bits", "low", "bits", "high", source=source, **style)
    chart.scatter("bits", "kl", size=7, source=source, name="points", **style)


def _token_chart(tokens):
    from bokeh.plotting import figure

    width, height = TOKENS_SIZE
    tooltips = [("", "@piece"), ("token", "@place"), ("bits", "@bits")]
    chart = figure(width=width, height=height, tools="xpan,xwheel_zoom,reset,save", tooltips=tooltips)
    chart.xaxis.axis_label, chart.yaxis.axis_label = "token of the window", "bits"
    place = np.arange(len(tokens.bits))
    source = {"place": place, "bits": tokens.bits, "piece": [repr(piece) for piece in tokens.pieces]}
    chart.vbar(x="place", top="bits", width=0.9, color=COLOURS[0], source=source)
    return chart


def _coloured(tokens):
    """What the template needs of a text: its pieces, with the opacity of their colour, and figures of the whole."""
    bits = np.array(tokens.bits)
    low, high = np.percentile(bits, (PALEST, DARKEST))
    shades = STRONGEST * np.clip((bits - low) / max(high - low, 1), 0, 1)
    return {
        "setting": tokens.setting,
        "pieces": [(piece, count, f"{shade:.2f}") for piece, count, shade in zip(tokens.pieces, tokens.bits, shades)],
        "legend": [(f"{low + (high - low) * part:,.0f}", f"{STRONGEST * part:.2f}") for part in (0, 0.25, 0.5, 0.75, 1)],
        "mean": bits.mean(),
        "window": tokens.window_bits,
    }
