"""Draws the pictures of docs/concepts.md: python docs/images/draw_concepts.py [FOLDER]."""

import sys
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from rdcodec.entropy import FrequencyTables

RED, BLUE, GREEN, GOLD, GREY = "#c1272d", "#0000a7", "#008176", "#b8860b", "#777777"
NEXT_STATE = [[0, 2], [5, 7], [1, 3], [4, 6], [2, 0], [7, 5], [3, 1], [6, 4]]  # docs/format.md, section 9: [state][parity of the level]


def canvas(width, height, columns=1):
    """A figure in inches with panels side by side, without axes."""
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    panels = figure.subplots(1, columns, squeeze=False)[0]
    for panel in panels:
        panel.set_axis_off()
    return figure, panels


def box(panel, x, y, width, height, text, colour, size=9):
    panel.add_patch(FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0.02", facecolor=colour + "22", edgecolor=colour))
    panel.text(x + width / 2, y + height / 2, text, ha="center", va="center", size=size)


def arrow(panel, start, end, colour="black"):
    panel.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": colour, "shrinkA": 0, "shrinkB": 0})


def draw_split():
    figure, (panel,) = canvas(9, 2.6)
    panel.set(xlim=(0, 12.2), ylim=(-0.2, 3.1))
    names = [("tokens", GREY), ("embed", BLUE), ("block 0", BLUE), ("… block 9", BLUE), ("encode", RED)]
    for place, (name, colour) in enumerate(names):
        box(panel, 0.1 + 1.2 * place, 1.2, 0.95, 0.7, name, colour)
        arrow(panel, (1.1 + 1.2 * place, 1.55), (1.28 + 1.2 * place, 1.55))
    panel.text(6.55, 1.55, "01101…", ha="center", va="center", family="monospace", color=RED)
    for place, (name, colour) in enumerate([("decode", RED), ("block 10", GREEN), ("… block 29", GREEN), ("next token", GREY)]):
        arrow(panel, (7.1 + 1.25 * place, 1.55), (7.28 + 1.25 * place, 1.55))
        box(panel, 7.3 + 1.25 * place, 1.2, 1.0, 0.7, name, colour)
    panel.axvline(6.55, 0.08, 0.42, color=GREY, linestyle="--")
    panel.axvline(6.55, 0.6, 0.86, color=GREY, linestyle="--")
    panel.text(6.55, 2.75, "split point: layer 10", ha="center", color=GREY)
    panel.text(3.0, 2.4, "head, on one machine", ha="center", color=BLUE)
    panel.text(9.7, 2.4, "tail, on another, or later", ha="center", color=GREEN)
    panel.text(3.0, 0.5, "hidden states: 576 numbers a token,\n9,216 bits as float16", ha="center", color=GREY, size=9)
    panel.text(
        9.7, 0.5, "the same symbols on every machine;\nloss: how far the next-token distribution moves", ha="center", color=GREY, size=9
    )
    return figure


def draw_transform():
    figure, panels = canvas(9, 3.6, columns=3)
    rng = np.random.default_rng(3)
    h = rng.normal(size=(300, 2)) @ np.array([[1.7, 1.2], [-0.25, 0.45]])
    sensitivity = np.diag([0.5, 1.7])  # the output minds an error of channel 1 more
    metric = h @ sensitivity
    basis = np.linalg.svd(metric, full_matrices=False)[2]
    components = metric @ basis.T
    titles = ["channels of tokens", "in the metric of the output", "components"]
    labels = [("channel 0", "channel 1"), ("0, hardly minded", "1, much minded"), ("component 0", "component 1")]
    for panel, points, title, (x, y) in zip(panels, (h, metric, components), titles, labels):
        panel.set_axis_on()
        panel.scatter(*points.T, s=5, color=BLUE, alpha=0.5, linewidths=0)
        panel.set(title=title, xlabel=x, ylabel=y, xlim=(-5.2, 5.2), ylim=(-5.2, 5.2), aspect="equal", xticks=[], yticks=[])
    for direction, spread in zip(basis, components.std(axis=0)):
        panels[1].annotate("", direction * spread * 2, (0, 0), arrowprops={"arrowstyle": "->", "color": RED, "lw": 1.6})
    for axis, spread in enumerate(components.std(axis=0)):
        panels[2].annotate("", np.eye(2)[axis] * spread * 2, (0, 0), arrowprops={"arrowstyle": "->", "color": RED, "lw": 1.6})
    return figure


def draw_quantiser():
    figure, (points, trellis) = canvas(9, 3.4, columns=2)
    for y, name, colour in ((1, "even states", BLUE), (0, "odd states", GREEN)):
        places = [2 * k - (np.sign(k) if name == "odd states" else 0) for k in range(-3, 4)]
        points.plot([-7, 7], [y, y], color=GREY, linewidth=0.7)
        points.plot(places, [y] * 7, "o", color=colour)
        for place, k in zip(places, range(-3, 4)):
            points.text(place, y + 0.12, f"{k}", ha="center", color=colour)
        points.text(-7, y + 0.3, f"{name}: levels", color=colour)
    for half in range(-6, 7):
        points.plot([half, half], [-0.32, -0.25], color=GREY)
        if half % 2 == 0:
            points.text(half, -0.52, f"{half}", ha="center", color=GREY, size=8)
    points.text(0, -0.8, "value of the component, in half steps", ha="center", color=GREY)
    points.set(xlim=(-7.5, 7.5), ylim=(-0.9, 1.6))
    draw_trellis(trellis, levels=[1, 0, -1, 1, 2])
    return figure


def draw_trellis(panel, levels):
    """Eight states, all ways between them, and the way of `levels` from state 0."""
    for column in range(len(levels)):
        for state, following in enumerate(NEXT_STATE):
            for parity, to in enumerate(following):
                style = "--" if parity else "-"
                panel.plot([column, column + 1], [-state, -to], style, color=GREY, linewidth=0.5, alpha=0.6)
    state = 0
    for column, level in enumerate(levels):
        to = NEXT_STATE[state][level % 2]
        panel.plot([column, column + 1], [-state, -to], "--" if level % 2 else "-", color=RED, linewidth=2)
        panel.text(
            column + 0.5,
            -(state + to) / 2 + 0.25,
            f"{level}",
            color=RED,
            ha="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )
        state = to
    for state in range(8):
        colour = GREEN if state % 2 else BLUE
        panel.plot(range(len(levels) + 1), [-state] * (len(levels) + 1), "o", color=colour, markersize=4)
        panel.text(-0.25, -state, f"{state}", ha="right", va="center", color=colour)
    panel.text(len(levels) / 2, 0.75, "state before each component; odd levels go the dashed way", ha="center", color=GREY, size=9)
    panel.set(xlim=(-0.6, len(levels) + 0.2), ylim=(-7.6, 1.1))


def draw_coder():
    figure, panels = canvas(9, 3, columns=3)
    scales = (0.4, 1.0, 3.0)
    arrays = FrequencyTables.gaussian(scales).to_arrays()
    whole = 2 ** int(arrays["precision"])
    begins = np.cumsum([0, *arrays["counts"]])
    for panel, scale, colour, begin, end, offset in zip(panels, scales, (BLUE, GREEN, GOLD), begins, begins[1:], arrays["offsets"]):
        share = arrays["frequencies"][begin : end - 1] / whole  # without the escape
        levels = np.arange(len(share)) + offset
        seen = abs(levels) <= 6
        panel.set_axis_on()
        panel.bar(levels[seen], share[seen], width=0.85, color=colour + "66", edgecolor=colour)
        bits = [f"level {level}: {-np.log2(share[level - offset]):.1f} bits" for level in (0, 1, 2)]
        panel.text(6.3, 0.92, "\n".join(bits), ha="right", va="top", size=8)
        panel.set(title=f"scale {scale}", ylim=(0, 0.95), xlim=(-6.6, 6.6), xlabel="level", xticks=range(-6, 7, 2))
    panels[0].set_ylabel(f"frequency / {whole:,}")
    return figure


def draw_frame():
    figure, (panel,) = canvas(9, 3.2)
    panel.set(xlim=(0, 12), ylim=(0, 3.9))
    stream = [
        ("header:\ncodec, shape", 1.9, GREY),
        ("frame:\na prompt of 12 tokens", 4.2, RED),
        ("frame:\n1 token", 1.5, RED),
        ("frame:\n1 token", 1.5, RED),
    ]
    frame = [
        ("length", 1.0, GREY),
        ("tokens", 1.0, GREY),
        ("quality,\nif it changed", 1.5, GREY),
        ("payload: a block of rANS", 6.2, RED),
        ("checksum", 1.3, GREY),
    ]
    payload = [
        ("gains", BLUE),
        ("codewords", BLUE),
        ("steps", BLUE),
        ("hyper-\nlatents", BLUE),
        ("scales", BLUE),
        ("references", BLUE),
        ("levels", GREEN),
    ]
    starts = {}
    for y, row in ((2.9, stream), (1.5, frame)):
        x = 0.1
        for name, width, colour in row:
            box(panel, x, y, width, 0.8, name, colour, size=8.5)
            starts[name] = (x, x + width)
            x += width + 0.15
    panel.text(starts["frame:\n1 token"][1] + 0.3, 3.3, "…", va="center", size=14)
    x = 0.1
    for name, colour in payload:
        width = 3.9 if name == "levels" else 1.13
        box(panel, x, 0.1, width, 0.8, name, colour, size=8.5)
        x += width + 0.15
    fan(panel, starts["frame:\na prompt of 12 tokens"], 2.88, (0.1, starts["checksum"][1]), 2.35)
    fan(panel, starts["payload: a block of rANS"], 1.48, (0.1, x - 0.15), 0.95)
    return figure


def fan(panel, above, top, below, bottom):
    """Dashed lines from both ends of what is shown to those of what it holds."""
    for start, end in zip(above, below):
        panel.plot([start, end], [top, bottom], linestyle=":", color=GREY, linewidth=0.9)


PICTURES = {"split": draw_split, "transform": draw_transform, "quantiser": draw_quantiser, "coder": draw_coder, "frame": draw_frame}


def main(folder):
    matplotlib.rcParams.update({"svg.hashsalt": "rdcodec", "font.size": 10})
    for name, draw in PICTURES.items():
        draw().savefig(Path(folder) / f"concept-{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
