"""The picture of a run: speed over entropy, number of symbols and number of tables, for encoding and decoding."""

from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from .results import Results

AXES = {"bits": "bits a symbol", "count": "symbols", "tables": "tables"}
COLOURS = {
    "rdcodec": "#c1272d",
    "torch_ans": "#0000a7",
    "constriction": "#008176",
    "CompressAI": "#b8860b",
    "torchac": "#7b3fa0",
    "zstd": "#555555",
    "memcpy": "#999999",
}
KERNEL_COLOURS = {"avx2": "#f28e2b", "scalar": "#e377c2"}  # where they are not rdcodec's best


def draw(result):
    results = Results(result)
    figure = Figure(figsize=(15, 9.5), dpi=130, layout="constrained")
    panels = figure.subplots(2, len(AXES), sharex="col", sharey=True)
    for row, direction in zip(panels, ("encode", "decode")):
        for panel, varied in zip(row, AXES):
            _panel(panel, results, direction, varied)
        row[0].set_ylabel(f"{direction}: million symbols a second")
    for panel, (varied, label) in zip(panels[-1], AXES.items()):
        panel.set_xlabel(label)
    figure.legend(handles=panels[0][0].get_lines()[::-1], loc="outside lower center", ncols=6, frameon=False)
    return figure


def _panel(panel, results, direction, varied):
    panel.set_xscale("log")
    panel.set_yscale("log")
    for line in reversed(results.lines()):
        points = results.points(direction, line, varied)
        if points:
            panel.plot(*zip(*points), label=_label(*line), **_style(results, *line))
    panel.grid(which="major", alpha=0.35)
    panel.grid(which="minor", alpha=0.12)
    fixed = {"bits": f"{results.size:,} symbols, 64 tables", "count": "1 bit, 64 tables", "tables": f"1 bit, {results.size:,} symbols"}
    panel.set_title(f"{direction}: {fixed[varied]}", loc="left", fontsize=10)
    ticks = sorted({value for line in results.lines() for value, _ in results.points(direction, line, varied)})
    if varied != "count":
        panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        panel.xaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")


def _label(coder, threads, kernels):
    return f"{' '.join(filter(None, (coder, kernels)))}, {threads} thread{'s' * (threads > 1)}"


def _style(results, coder, threads, kernels):
    ours = coder == "rdcodec"
    lesser = ours and kernels != results.kernels
    return {
        "color": KERNEL_COLOURS.get(kernels, COLOURS[coder]) if lesser else COLOURS[coder],
        "linestyle": ":" if coder in ("memcpy", "zstd") else "--" if threads > 1 else "-",
        "linewidth": 2.2 if ours and not lesser else 1.4,
        "marker": "s" if threads > 1 else "o",
        "markersize": 5 if ours and not lesser else 3.5,
        "zorder": 4 if ours and not lesser else 3,
    }
