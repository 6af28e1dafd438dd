"""The baselines measured: what is known of them beforehand must come out."""

import pytest

from rdcodec.evaluation import baseline_settings, evaluate, published_settings


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


@pytest.fixture(scope="module")
def published(model, windows):
    settings = published_settings(model, 2, windows[3:])
    return list(zip(settings, evaluate(model, windows[:3], settings), strict=True))


def test_published_methods(published):
    methods = {setting.method for setting, _ in published}
    assert methods >= {"hivemind uniform 8 bit", "integers in groups", "FFT low-pass", "token-wise bits + rANS"}
    assert methods >= {"Hadamard + Lloyd-Max + rANS", "integers + CSR + rANS", "earlier token + integers (RAC)"}
    assert methods >= {"PCA + bits by DP + deflate (KVTC)"}


def test_variants_tell_settings_of_a_method_apart(published):
    names = [(setting.method, setting.variant) for setting, _ in published]
    assert len(set(names)) == len(names)
    assert names == [(row.method, row.variant) for _, row in published]


def test_rows_keep_what_each_window_costs(published):
    for _, row in published:
        assert sum(row.window_bits) / 3 == pytest.approx(row.bits_per_token) and sum(row.window_kl) / 3 == pytest.approx(row.kl)


def test_fitted_methods_depend_on_the_text_given_to_fit_alone(model, windows):
    """The codecs are those of their own text, whatever is measured, and other ones for another text."""
    ids = [[s.codec.codec_id for s in published_settings(model, 2, part)] for part in (windows[:2], windows[:2], windows[2:])]
    assert ids[0] == ids[1]
    settings = published_settings(model, 2, windows[:2])
    same = {setting.method for setting, a, b in zip(settings, ids[0], ids[2]) if a == b}
    assert same & {"Hadamard + Lloyd-Max + rANS", "PCA + bits by DP + deflate (KVTC)", "token-wise bits + rANS"} == set()
    assert same >= {"hivemind uniform 8 bit", "FFT low-pass", "integers + CSR + rANS"}


def test_no_text_to_fit_leaves_the_fitted_methods_out(model, windows):
    methods = {setting.method for setting in published_settings(model, 2, windows[:0])}
    assert "FFT low-pass" in methods and "PCA + bits by DP + deflate (KVTC)" not in methods


def test_missing_packages_are_named(model, windows, monkeypatch):
    for package in ("zipnn", "zfpy"):
        monkeypatch.setitem(__import__("sys").modules, package, None)
    lines = []
    methods = {setting.method for setting in published_settings(model, 2, windows[3:], lines.append)}
    assert not {"bf16 + ZipNN", "zfp"} & methods
    assert [line.split(": pip")[0] for line in lines] == [f"left out: this baseline needs the package {name}" for name in ("zipnn", "zfpy")]
