"""The picture: everything measured is in it."""

import io

import pytest
from example_rows import ROWS, row

from rdcodec.errors import RdcodecError
from rdcodec.evaluation import plot_rows

pytest.importorskip("matplotlib")


def test_a_panel_a_layer():
    figure = plot_rows(ROWS, "a title")
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["a title, layer 10", "a title, layer 20"]
    assert all(panel.get_xscale() == panel.get_yscale() == "log" for panel in figure.axes)


def test_every_method_is_named():
    figure = plot_rows(ROWS)
    legends = [[text.get_text() for text in panel.get_legend().get_texts()] for panel in figure.axes]
    assert legends == [["transform"], ["transform", "step"]]
    names = {text.get_text() for panel in figure.axes for text in panel.texts}
    assert names == {"int4", "MXFP4", "fp16 + zlib, fp16"}


def test_every_value_is_drawn():
    first, second = plot_rows(ROWS).axes
    drawn = {float(x) for line in first.lines for x in line.get_xdata()}
    assert drawn >= {1200.0, 1700.0, 2592.0, 2448.0, 9216.0, 9200.0}
    assert {float(x) for line in second.lines for x in line.get_xdata()} >= {1300.0, 1400.0, 1500.0}


def test_settings_that_others_of_their_method_beat_are_left_out():
    (panel,) = plot_rows([row("step", 20, None, rate, kl) for rate, kl in ((1500, 0.03), (1400, 0.04), (1600, 0.035))]).axes
    assert [float(x) for x in panel.lines[0].get_xdata()] == [1400, 1500]


def test_it_can_be_saved():
    file = io.BytesIO()
    plot_rows(ROWS).savefig(file, format="png")
    assert len(file.getvalue()) > 10_000


def test_notebooks_show_it():
    """Without pyplot, which would show it twice."""
    formatters = pytest.importorskip("IPython.core.formatters")
    data, _ = formatters.DisplayFormatter().format(plot_rows(ROWS[:1]))
    assert data["image/png"].startswith(b"\x89PNG")


def test_nothing_to_draw():
    with pytest.raises(RdcodecError, match="rows"):
        plot_rows([])
