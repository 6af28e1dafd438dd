"""Times over a link from rates and costs; what people write of links; what evaluations wrote."""

import json
import math

import numpy as np
import pytest

from rdcodec import RdcodecError

pytest.importorskip("grpc", reason="the ends that are timed are those of the extra serve")
from rdcodec.planning import (
    CodecCosts,
    Link,
    PartCosts,
    RatePoint,
    best_options,
    parse_bandwidth,
    parse_seconds,
    plan,
    plot_plan,
    read_rows,
)
from rdcodec.planning.costs import smoothed

CHANNELS = 500
PARTS = [PartCosts(5, 0.4, 0.02, 0.6, 0.03), PartCosts(9, 0.8, 0.04, 0.2, 0.01)]
LINK = Link(1e6, 0.05, message_bytes=0, header_bytes=0)


def point(layer=5, method="transform", quality=0, bits=1000.0, kl=0.02, single=False):
    return RatePoint(layer, method, quality, CHANNELS, bits, kl, 1e-4, 3e-4, single)


def test_times_are_sums():
    (option,) = plan([point()], PARTS, prompt_tokens=100)
    assert option.first_token(LINK) == pytest.approx(0.4 + 0.6 + 100 * 4e-4 + 0.05 + 100 * 1000 / 1e6)
    assert option.next_token(LINK) == pytest.approx(0.02 + 0.03 + 4e-4 + 0.05 + (1000 + 40) / 1e6)
    assert option.raw.first_token(LINK) == pytest.approx(0.4 + 0.6 + 0.05 + 100 * 16 * CHANNELS / 1e6)
    assert Link(1e6, 0.05).seconds(0) == pytest.approx(0.05 + 2 * 8 * 100 / 1e6)


def test_a_codec_that_was_timed_and_faster_machines():
    costs = CodecCosts(5, "transform", 0, 0.1, 0.3, 0.001, 0.002, 1.25)
    (option,) = plan([point()], PARTS, [costs], 100, head_speed=2, tail_speed=4)
    assert option.prompt_compute == pytest.approx(0.4 / 2 + 0.6 / 4) and option.step_compute == pytest.approx(0.02 / 2 + 0.03 / 4)
    assert option.prompt_coding == pytest.approx(0.1 / 2 + 0.3 / 4) and option.step_coding == pytest.approx(0.001 / 2 + 0.002 / 4)
    assert option.prompt_bits == 1000 and option.step_bits == 1250
    (single,) = plan([point(single=True)], PARTS, [costs], 100)
    assert single.step_bits == 1000, "measured a token a frame"


def test_compression_pays_below_where_the_times_are_equal():
    (option,) = plan([point()], PARTS, prompt_tokens=100)
    even = Link(option.prompt_pays_below(0.01), 0.01)
    assert option.first_token(even) == pytest.approx(option.raw.first_token(even))
    even = Link(option.step_pays_below(0.05), 0.05)
    assert option.next_token(even) == pytest.approx(option.raw.next_token(even))
    assert option.prompt_pays_below(0.05) == math.inf, "TCP's slow start saves as much on a link without limit"
    (wide,) = plan([point(bits=16.0 * CHANNELS + 1)], PARTS)
    assert wide.prompt_pays_below(0.05) == wide.step_pays_below(0.05) == 0
    free = RatePoint(5, "free", None, CHANNELS, 1000.0, 0.0, 0.0, 0.0, True)
    assert plan([free], PARTS)[0].step_pays_below(0.05) == math.inf


def test_connections_begin_slowly():
    """Ten packets of 1,500 bytes in the first round trip, twice as many in each that follows, until they fill the link."""
    link = Link(12e6, 0.05)  # a packet in a millisecond
    packet = 8 * 1448
    assert link.first_seconds(9 * packet) == pytest.approx(link.seconds(9 * packet)), "within the first round trip"
    assert link.first_seconds(25 * packet) == pytest.approx(link.seconds(25 * packet) + 0.04)
    waits = 0.04 + 0.03 + 0.01  # behind 10, 20 and 40 packets; 80 fill the round trip
    assert link.first_seconds(500 * packet) == pytest.approx(link.seconds(500 * packet) + waits)
    assert link.seconds(500 * packet) == pytest.approx(0.05 + (500 + 48 / 1448) * 1e-3 + 8 * 100 / 12e6)


def test_the_soonest_within_the_loss_of_each_method_and_layer():
    points = [point(bits=800, kl=0.03), point(bits=900, kl=0.019, quality=3), point(bits=1500, kl=0.01, quality=9), point(9, bits=950)]
    first, following = best_options(plan(points, PARTS), LINK, 0.02)
    assert [(option.layer, option.quality) for option in first] == [(5, 3), (9, 0)]
    assert [(option.layer, option.quality) for option in following] == [(5, 3), (9, 0)]
    with pytest.raises(RdcodecError, match=r"loss: expected 0.01 or more, which is the least of the rows, got 0.005"):
        best_options(plan(points, PARTS), LINK, 0.005)


def test_layers_that_were_not_timed_are_refused():
    with pytest.raises(RdcodecError, match=r"parts: expected times of layer 7, got layers \[5, 9\]"):
        plan([point(7)], PARTS)
    with pytest.raises(RdcodecError, match="head_speed: expected a number above 0, got 0"):
        plan([point()], PARTS, head_speed=0)


def test_links_as_people_write_them():
    assert [parse_bandwidth(text) for text in ("300bit", "2kbit/s", "1 gbit", "0.5Mbit")] == [300, 2e3, 1e9, 5e5]
    assert [parse_seconds(text) for text in ("30ms", "2 s", "0ms", "5us")] == pytest.approx([0.03, 2, 0, 5e-6])
    for text in ("20", "fast", "-1Mbit", "0Mbit", "20MB", "1e999Mbit", ""):
        with pytest.raises(RdcodecError, match="bandwidth: expected a number above 0 and bit, kbit"):
            parse_bandwidth(text)
    for text in ("30", "-1ms", "1h", "nan s"):
        with pytest.raises(RdcodecError, match="time: expected a number and us, ms or s"):
            parse_seconds(text)


ROW = {"method": "transform", "layer": 5, "quality": 0, "bits_per_token": 1000.0, "bits_per_element": 2.0, "kl": 0.02}
ROW |= {"encode_seconds": 0.0064, "decode_seconds": 0.0192, "variant": ""}


def test_rows_of_an_evaluation(tmp_path):
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"window": 64, "frame_tokens": None, "rows": [ROW, {**ROW, "variant": "a", "quality": None}]}))
    first, second = read_rows(path)
    assert first == point() and second.method == "transform, a" and second.quality is None
    path.write_text(json.dumps({"window": 64, "frame_tokens": 1, "rows": [ROW]}))
    assert read_rows(path)[0].single


@pytest.mark.parametrize(
    "run",
    [[], {}, {"window": 64}, {"window": 64, "rows": [{}]}, {"window": 64, "rows": [{**ROW, "quality": "x"}]}, {"window": 64, "rows": 3}],
    ids=str,
)
def test_other_files_are_refused(tmp_path, run):
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(run))
    with pytest.raises(RdcodecError, match="rows.json: expected what rdcodec eval --json writes, got something else"):
        read_rows(path)
    path.write_text("{")
    with pytest.raises(RdcodecError, match="got something else"):
        read_rows(path)


@pytest.mark.parametrize(("name", "value"), [("kl", "much"), ("bits_per_token", 0), ("encode_seconds", None), ("layer", True)])
def test_fields_that_are_no_numbers_are_refused(tmp_path, name, value):
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"window": 64, "rows": [{**ROW, name: value}]}))
    with pytest.raises(RdcodecError, match=f"rows.json: {name}: expected a number"):
        read_rows(path)


def test_times_of_layers_are_smoothed():
    layers, heads, tails = np.array([2, 5, 9]), np.array([1.2, 1.5, 1.9]), np.array([2.8, 2.5, 2.1])
    exact = smoothed(layers, 10, heads, tails)  # 1 and 0.1 a block before the cut, 2 and 0.1 a block behind it
    np.testing.assert_allclose(exact, [heads, tails])
    one = smoothed(layers[:1], 10, heads[:1], tails[:1])
    np.testing.assert_allclose(one, [heads[:1], tails[:1]], err_msg="one layer is what was measured")
    assert min(map(np.min, smoothed(layers, 10, heads - 1.3, tails))) >= 0


def test_picture():
    pytest.importorskip("matplotlib")
    first, following = best_options(plan([point(), point(9)], PARTS), LINK, 0.02)
    figure = plot_plan(first, following, LINK)
    assert [panel.get_ylabel() for panel in figure.axes] == ["seconds to the first token", "seconds a token"]
    assert [len(panel.get_lines()) for panel in figure.axes] == [4, 4]
