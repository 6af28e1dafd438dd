"""The page of an evaluation: everything measured is in it, nothing else is needed, and a browser draws it."""

import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest
from example_rows import ROWS

from rdcodec.codecs import RawCodec
from rdcodec.errors import RdcodecError
from rdcodec.evaluation import Setting, TokenRates, report_html
from rdcodec.evaluation.drawing import COLOURS

pytest.importorskip("bokeh")

TITLE = "a <b>title</b> & </script>"
PIECES = ["Bits", " go", "", "\n", "<i>", "</script>"]
TOKENS = TokenRates(Setting("transform", RawCodec(4), layer=10), PIECES, [1600, 800, 80, 80, 400, 240], 512.5)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SHADE = re.compile(r"rgba\(216, 87, 42, ([\d.]+)\)")


class Page(HTMLParser):
    """What a page shows, and what it loads."""

    def __init__(self, html):
        super().__init__()
        self.text, self.spans, self.loaded, self.tags = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        found = dict(attributes)
        self.loaded += [found[name] for name in ("src", "href") if name in found]
        if tag == "span" and "title" in found:
            self.spans.append((found["title"], float(SHADE.search(found["style"])[1])))

    def handle_data(self, data):
        if self.tags[-1:] not in (["script"], ["style"]):
            self.text.append(data)

    def handle_endtag(self, tag):
        self.tags.append("/" + tag)


@pytest.fixture(scope="module")
def html():
    return report_html(ROWS, TITLE, TOKENS)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_nothing_is_loaded(page):
    assert page.loaded == []


def test_every_row_is_in_the_table(page):
    shown = "".join(page.text)
    assert shown.count("transform, quality 0") == 2  # layers 10 and 20
    for row in ROWS:
        assert row.method in shown and f"{row.bits_per_token:,.1f}" in shown


def test_texts_are_shown_as_they_are(page):
    assert TITLE in page.text
    assert not {"b", "i"} & set(page.tags)
    assert "".join(PIECES[:2]) in "".join(page.text) and "<i></script>" in "".join(page.text)


def test_tokens_are_the_darker_the_more_bits_they_take(page):
    assert [title for title, _ in page.spans] == [f"{count} bits" for count in TOKENS.bits]
    shades = [shade for _, shade in page.spans]
    assert np.argsort(shades, kind="stable").tolist() == np.argsort(TOKENS.bits, kind="stable").tolist()
    assert min(shades) == 0 and max(shades) == 0.75


def test_both_rates_of_the_text_are_said(page):
    assert "533 bits a token in frames of one" in " ".join("".join(page.text).split()) and "512 where the window" in "".join(page.text)


def test_without_a_text():
    page = Page(report_html(ROWS[:1]))
    assert "Where the bits go" not in "".join(page.text) and not page.spans


def test_no_rows():
    with pytest.raises(RdcodecError, match="rows: there is nothing to report"):
        report_html([])


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_a_browser_draws_it(html, tmp_path):
    """Without an error: the curves in their colours, and the darkest token in its own."""
    image = pytest.importorskip("matplotlib.image")
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    picture = tmp_path / "page.png"
    options = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--virtual-time-budget=5000",
        "--window-size=1000,2000",
    )
    command = [CHROMIUM, *options, f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={picture}", (tmp_path / "page.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "document idle" in done.stderr and "CONSOLE:ERROR" not in done.stderr and "Uncaught" not in done.stderr
    pixels = np.round(255 * image.imread(picture)[..., :3]).astype(int).reshape(-1, 3)
    darkest = tuple(round(255 + (part - 255) * 0.75) for part in (216, 87, 42))
    for colour in (*(tuple(bytes.fromhex(name[1:])) for name in COLOURS[:3]), darkest):
        assert (np.abs(pixels - colour).max(axis=1) <= 2).sum() > 40  # a point is 7 pixels wide
