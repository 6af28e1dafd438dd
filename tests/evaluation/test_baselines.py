"""The baselines measured: what is known of them beforehand must come out."""

import pytest

from rdcodec.evaluation import baseline_settings, evaluate


@pytest.fixture(scope="module")
def rows(model, windows):
    settings = baseline_settings(model, 2, windows[3:])
    return {setting.method: row for setting, row in zip(settings, evaluate(model, windows[:3], settings), strict=True)}


def test_all_of_them(rows):
    expected = {"fp16", "bf16", "fp16 + zlib", "bf16 + zlib", "MXFP4", "global step + rANS"}
    expected |= {f"int{bits} {scope}" for bits in (8, 6, 4) for scope in ("a token", "in groups of 32")}
    assert set(rows) >= expected


@pytest.mark.parametrize(
    ("method", "bits"), [("fp16", 16), ("bf16", 16), ("int8 a token", 8.5), ("int4 in groups of 32", 4.5), ("MXFP4", 4.25)]
)
def test_rates(rows, method, bits):
    """Bits an element with 32 channels: elements and scales, and a frame's header."""
    assert bits < rows[method].bits_per_element < bits + 0.12


def test_losses_are_ordered(rows):
    order = ["fp16", "bf16", "int8 a token", "int6 a token", "int4 a token"]
    losses = [rows[method].kl for method in order]
    assert losses == sorted(losses) and losses[0] > 0


def test_no_text_to_fit_leaves_the_fitted_one_out(model, windows):
    methods = {setting.method for setting in baseline_settings(model, 2, windows[:0])}
    assert "global step + rANS" not in methods and "fp16" in methods


def test_global_step_has_a_curve(model, windows):
    settings = [s for s in baseline_settings(model, 2, windows[3:]) if s.method == "global step + rANS"]
    rows = evaluate(model, windows[:3], settings)
    assert [row.bits_per_token for row in rows] == sorted((row.bits_per_token for row in rows), reverse=True)
    assert [row.kl for row in rows] == sorted(row.kl for row in rows)
