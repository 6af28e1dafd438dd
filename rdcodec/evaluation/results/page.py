"""A page of results: tables in Markdown, and the pictures that it shows."""

from __future__ import annotations

import importlib.util
import math
import re
from typing import TYPE_CHECKING

from rdcodec.evaluation.comparison import LOSSES, TARGETS, compare
from rdcodec.evaluation.figures import accuracy_of, columns_of, figures_of, name_of, octaves, saved_of, with_error
from rdcodec.evaluation.results.paper import DIFFERENCES, PAPER
from rdcodec.evaluation.results.pictures import draw_losses, draw_positions, draw_words
from rdcodec.evaluation.results.tuned import gains

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from rdcodec.evaluation.results.runs import Run

__all__ = ["results_page"]

HEAD = """# Results from stored rows

Written by `rdcodec report` from {rows} rows that `rdcodec eval --json` wrote. Rates are real bits of coded frames, heads and checksums included;
losses are against the untuned, uncompressed model, ± one standard error over windows or passages; what they are is in docs/evaluating.md.

"""
EQUAL_LOSS = 0.02  # nats a token


def results_page(runs: Sequence[Run]) -> tuple[str, dict[str, Figure]]:
    """Tables and pictures of runs.

    Rates at equal loss of all of them; then each run: its pictures, its rows, methods at their best settings with BD-rates and their
    intervals by blocks of windows, tuned models beside untuned ones; of last words the points of the paper beside those here.

    Parameters
    ----------
    runs : list of Run

    Returns
    -------
    page : str
        Markdown.
    pictures : dict of str to matplotlib.figure.Figure
        By the file name that the page has for each.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    pictures: dict[str, Figure] = {}
    parts = [HEAD.format(rows=sum(len(run.rows) for run in runs)), *_overview(runs)]
    for run in runs:
        parts += ["\n", f"## {run.title}\n\n", *(_words if run.rows[0].predicted == "last words" else _windows)(run, pictures)]
    return "".join(parts), pictures


def _overview(runs):
    yield f"## Rates at a KL of {EQUAL_LOSS}\n\n"
    yield (
        "Between measured settings on a straight line of the logarithms; where every setting loses less, the rate of the cheapest;"
        " where none loses so little, nothing.\n\n"
    )
    yield _table(
        ("model", "text", "inputs", "layer", "method", "bits/token"),
        [
            (run.model, run.text, run.inputs, found.layer, found.method, _rate(found.rates[0]))
            for run in runs
            for found in compare(run.rows, targets=[EQUAL_LOSS])
        ],
    )


def _windows(run, pictures):
    yield _picture(run, "loss", draw_losses(run.rows), pictures)
    yield _rows_table(run.rows, [("most likely token kept", _agreement), ("next token right", accuracy_of)])
    yield from _compared(run.rows)
    yield from _tuned(run.rows, "accuracy of next tokens")
    yield from _positions(run, pictures)


def _words(run, pictures):
    yield _picture(run, "words", draw_words(run.rows), pictures)
    right = run.rows[0].base_accuracy
    yield f"The uncompressed model has {right:.1%} of the words right; in brackets the relative change, by paired differences.\n\n"
    yield _rows_table(run.rows, [])
    yield "\nPer element, beside the paper:\n\n"
    yield _table(
        ("who", "bits/element", "last words right, relative"),
        [("the paper: GPT-2 small, split 6, tuned", point.bits_per_element, f"{point.change:+.1f}%") for point in PAPER]
        + [(name_of(row, True), f"{row.bits_per_element:.3f}", accuracy_of(row)) for row in run.rows],
    )
    yield f"\n{DIFFERENCES}\n"
    yield from _tuned(run.rows, "accuracy of last words")
    yield from _positions(run, pictures)


def _rows_table(rows, more):
    names, values = [name for name, _ in more], [value for _, value in more]
    lines = [(name_of(row, True), *figures_of(row), *(value(row) for value in values)) for row in rows]
    return _table(("method", *columns_of(rows), *names), lines)


def _compared(rows):
    """Rates of methods at their best settings, and BD-rates of the first against each."""
    reference = rows[0].method if importlib.util.find_spec("bjontegaard") is not None else None
    found = compare(rows, reference)
    if len(found) < 2:
        return
    low, high = LOSSES
    yield (
        f"\nBits a token at equal loss, at each method's best settings; BD-rate over {low} to {high} nats, 95% interval by blocks"
        " of windows:\n\n"
    )
    names = ("method", "layer", *(f"KL {target}" for target in TARGETS), f"bits of {rows[0].method} at equal KL")
    yield _table(names, [(each.method, each.layer, *map(_rate, each.rates), saved_of(each)) for each in found])


def _tuned(rows, accuracy):
    found = gains(rows)
    if not found:
        return
    yield (
        "\nTuned models against the same codec and quality in the untuned one, by paired differences, and against the bits that it"
        " takes there to lose as little:\n\n"
    )
    yield _table(
        ("method", "bits/token, untuned", "bits/token, tuned", "change of KL", f"change of {accuracy}", "bits at equal KL"),
        [
            (
                name_of(gain.row, True),
                f"{gain.frozen.bits_per_token:,.1f}",
                f"{gain.row.bits_per_token:,.1f}",
                with_error(gain.kl, gain.kl_stderr, "+"),
                with_error(gain.accuracy, gain.accuracy_stderr, "+"),
                saved_of(gain),
            )
            for gain in found
        ],
    )


def _positions(run, pictures):
    rows = [row for row in run.rows if row.position_bits]
    if not rows:
        return
    yield "\nBits by position:\n\n"
    yield _picture(run, "positions", draw_positions(rows), pictures)
    count = max(len(row.position_bits) for row in rows)
    yield _table(("method", *octaves(count)), [(name_of(row, True), *(f"{bits:,.0f}" for bits in row.position_bits)) for row in rows])


def _picture(run, name, figure, pictures):
    words = re.sub(r"[^a-z0-9]+", "-", run.title.lower()).strip("-")
    file = f"{words}-{name}.png"
    pictures[file] = figure
    return f"![{run.title}: {name}]({file})\n\n"


def _table(names, lines):
    rows = [names, ["---"] * len(names), *lines]
    width = len(names)
    return "".join("| " + " | ".join(map(_cell, [*row, *[""] * (width - len(row))])) + " |\n" for row in rows)


def _cell(value):
    return str(value).replace("|", "\\|")


def _agreement(row):
    return "" if math.isnan(row.agreement) else f"{row.agreement:.1%}"


def _rate(rate):
    return "" if rate is None else f"{rate:,.0f}"
