"""calibrate and eval on a model that nothing here was tuned to."""

import copy
import json
import re
import subprocess
import sys
from html import unescape

import pytest

from rdcodec.cli.app import run
from rdcodec.codecs import Codec
from rdcodec.evaluation import Setting, cut_text, evaluate
from rdcodec.models import load_model

pytestmark = pytest.mark.slow

KEYS = {
    "method",
    "layer",
    "quality",
    "bits_per_token",
    "bits_per_element",
    "kl",
    "delta_nll",
    "perplexity",
    "base_perplexity",
    "tokens",
}
SIZE = ("--window", "64", "--windows", "3")


def rdcodec(*arguments):
    return run([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def calibrated(model_dir, text_files, tmp_path_factory):
    """Folder and finished process of the command as users start it, for layer 2."""
    out = tmp_path_factory.mktemp("calibrated")
    command = [sys.executable, "-m", "rdcodec.cli", "calibrate", "--model", model_dir, "--layer", 2, "--text", text_files[0]]
    command += ["--tokens", 500, "--target-kl", 0.05, "--out", out / "codec", "--json", out / "r.json"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return out, done


def test_calibrate_in_a_process_of_its_own(calibrated):
    out, done = calibrated
    codec = Codec.from_pretrained(out / "codec")
    result = json.loads((out / "r.json").read_text())
    assert (codec.layer, result["layer"], result["codec_id"]) == (2, 2, codec.codec_id.hex())
    assert result["default_quality"] == codec.default_quality
    assert codec.codec_id.hex() in done.stdout
    assert codec.origin.model_type == "qwen2"


def test_eval_with_another_model_says_so(model_dir, text_files, codec, tmp_path, capsys):
    """In a line, and goes on."""
    codec = copy.copy(codec)
    codec.origin = codec.origin._replace(fingerprint="0" * 16)
    codec.save_pretrained(tmp_path)
    capsys.readouterr()
    assert rdcodec("eval", "--model", model_dir, "--text", text_files[1], *SIZE, "--codec", tmp_path) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "was fitted to" in line]
    assert len(lines) == 1 and lines[0].startswith("rdcodec: the codec ") and "qwen2 0000000000000000" in lines[0]


@pytest.fixture(scope="module")
def result(model_dir, text_files, codec_dir, tmp_path_factory):
    """JSON of an eval with two qualities and the baselines, its picture, and its page."""
    out = tmp_path_factory.mktemp("eval")
    arguments = ("--codec", codec_dir, "--quality", "0,8", "--baselines")
    written = ("--json", out / "r.json", "--plot", out / "p.png", "--html", out / "p.html")
    assert rdcodec("eval", "--model", model_dir, "--text", text_files[1], *SIZE, *arguments, *written) == 0
    return json.loads((out / "r.json").read_text()), (out / "p.png").read_bytes(), (out / "p.html").read_text(encoding="utf-8")


def test_eval_rows(result):
    rows = result[0]["rows"]
    assert all(set(row) >= KEYS for row in rows)
    assert all(row["layer"] == 1 and row["tokens"] == 192 for row in rows)
    assert len({row["base_perplexity"] for row in rows}) == 1
    assert [row["quality"] for row in rows if row["method"] == "transform"] == [0, 8]
    assert {row["method"] for row in rows} >= {"fp16", "bf16 + zstd", "int4 in groups of 32", "MXFP4", "global step + rANS"}


def test_eval_finer_costs_more_and_loses_less(result):
    coarse, fine = (row for row in result[0]["rows"] if row["method"] == "transform")
    assert fine["bits_per_token"] > coarse["bits_per_token"]
    assert 0 < fine["kl"] < coarse["kl"]


def test_eval_is_what_the_library_measures(result, model_dir, texts, codec):
    model, tokenizer = load_model(str(model_dir))
    measured = cut_text(tokenizer, texts[1], 64, 3).measured
    (row,) = evaluate(model, measured, [Setting("transform", codec, 8, layer=1)])
    shown = next(row for row in result[0]["rows"] if row["quality"] == 8)
    assert shown["bits_per_token"] == row.bits_per_token
    assert shown["kl"] == pytest.approx(row.kl, rel=1e-4)


def test_eval_says_what_generation_takes(model_dir, text_files, codec_dir, capsys):
    rates = []
    for frames in ((), ("--frame-tokens", "1")):
        arguments = ("--window", "64", "--windows", "1", "--codec", codec_dir, "--quality", "8", *frames)
        assert rdcodec("eval", "--model", model_dir, "--text", text_files[1], *arguments) == 0
        out = capsys.readouterr().out
        rates.append(float(re.search(r"transform, quality 8 +│ +([\d,.]+)", out)[1].replace(",", "")))
    said = (
        "transform, quality 8, layer 1: the first window takes {:,.0f} bits a token, and {:,.0f} in frames of one token, as in generation"
    )
    assert said.format(*rates) in out


def test_eval_draws(result):
    assert result[1].startswith(b"\x89PNG")


def test_eval_writes_a_page(result, texts):
    """Of all rows, and the first window, in bytes here, coloured by what the first setting takes."""
    page = result[2]
    assert all(f"{row['bits_per_token']:,.1f}" in page for row in result[0]["rows"])
    assert "as transform codes it at layer 1, quality 0" in page
    assert page.count(' bits">') == 64
    pieces = re.findall(r'<span[^>]* bits">([^<]*)</span>', page)
    assert unescape("".join(pieces)) == texts[1][:64]


def test_eval_of_baselines_compares_them(model_dir, text_files, codec_dir, capsys):
    """A line a method, each at its best settings, with what the codec takes beside it; the settings of a method above."""
    pytest.importorskip("bjontegaard")
    arguments = ("--codec", codec_dir, "--quality=-8,0,8", "--baselines", "--fit-text", text_files[0])
    assert rdcodec("eval", "--model", model_dir, "--text", text_files[1], *SIZE, *arguments) == 0
    settings, comparisons = capsys.readouterr().out.split("bits/token at best settings")
    assert "bits of transform at equal KL" in comparisons and "KL 0.02" in comparisons
    for method in ("transform", "Hadamard + Lloyd-Max + rANS", "PCA + bits by DP + deflate (KVTC)", "hivemind quantile 8 bit"):
        assert method in comparisons
    assert settings.count("low-pass") > 3 and comparisons.count("low-pass") == 1


def test_eval_says_which_baselines_are_left_out(model_dir, tmp_path, text_files, monkeypatch, capsys):
    """Those whose packages are missing, and those that there is no text to fit to."""
    for package in ("zipnn", "zfpy"):
        monkeypatch.setitem(sys.modules, package, None)
    short = tmp_path / "short.txt"
    short.write_text(text_files[1].read_text(encoding="utf-8")[:200], encoding="utf-8")
    arguments = ("--baselines", "--layer", 1, "--json", tmp_path / "r.json")
    assert rdcodec("eval", "--model", model_dir, "--text", short, "--window", 64, "--windows", 3, *arguments) == 0
    said = capsys.readouterr().err
    assert "left out: this baseline needs the package zipnn: pip install 'rdcodec[baselines]'" in said
    assert "no windows left to fit baselines to, give --fit-text" in said and "KVTC are left out" in said
    methods = {row["method"] for row in json.loads((tmp_path / "r.json").read_text())["rows"]}
    assert "FFT low-pass" in methods and not {"fp16 + ZipNN", "zfp", "global step + rANS"} & methods


def test_eval_prints_one_table(model_dir, text_files, codec_dir, capsys):
    arguments = ("--codec", codec_dir, "--frame-tokens", "1")
    assert rdcodec("eval", "--model", model_dir, "--text", text_files[1], *SIZE, *arguments) == 0
    printed = capsys.readouterr().out
    for heading in ("method", "bits/token", "bits/element", "ratio", "KL", "change of NLL", "perplexity"):
        assert printed.count(heading) >= 1


def test_eval_of_codecs_of_two_layers(model_dir, text_files, codec_dir, calibrated, tmp_path):
    """Each is measured at its own layer, the baselines at both."""
    codecs = ("--codec", codec_dir, "--codec", calibrated[0] / "codec")
    arguments = ("--baselines", "--json", tmp_path / "r.json")
    assert rdcodec("eval", "--model", model_dir, "--text", text_files[1], *SIZE, *codecs, *arguments) == 0
    rows = json.loads((tmp_path / "r.json").read_text())["rows"]
    assert sorted(row["layer"] for row in rows if row["method"] == "transform") == [1, 2]
    assert sorted(row["layer"] for row in rows if row["method"] == "MXFP4") == [1, 2]
    assert len({row["base_perplexity"] for row in rows}) == 1


def test_eval_of_baselines_alone(model_dir, text_files, tmp_path):
    arguments = ("--baselines", "--layer", "2", "--json", tmp_path / "r.json")
    assert rdcodec("eval", "--model", model_dir, "--text", text_files[1], *SIZE, *arguments) == 0
    rows = json.loads((tmp_path / "r.json").read_text())["rows"]
    assert {row["layer"] for row in rows} == {2}
    assert all(row["quality"] is None for row in rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--codec", "none"), "none"),
        ((), "nothing to measure"),
        (("--baselines",), "--layer"),
        (("--codec", "CODEC", "--quality", "1,x"), "--quality"),
        (("--codec", "CODEC", "--quality", "1000"), "quality"),
        (("--codec", "CODEC", "--windows", "100000"), "100000 windows"),
        (("--codec", "CODEC", "--window", "1000"), "128"),
        (("--codec", "CODEC", "--frame-tokens", "0"), "frame_tokens"),
        (("--codec", "CODEC", "--plot", "none/p.png"), "none"),
        (("--codec", "CODEC", "--html", "none/p.html"), "none"),
        (("--baselines", "--layer", "4"), "layer"),
    ],
)
def test_eval_refuses(model_dir, text_files, codec_dir, arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = [codec_dir if argument == "CODEC" else argument for argument in arguments]
    size = ("--windows", 2) if "--windows" not in arguments else ()
    size += ("--window", 64) if "--window" not in arguments else ()
    capsys.readouterr()
    assert rdcodec("eval", "--model", model_dir, "--text", text_files[1], *size, *arguments) == 1
    assert message in last_line(capsys)


def test_text_that_is_none(model_dir, tmp_path, capsys):
    (tmp_path / "t").write_bytes(b"abc\xff")
    arguments = ("--layer", 1, "--tokens", 100, "--out", tmp_path / "codec")
    assert rdcodec("calibrate", "--model", model_dir, "--text", tmp_path / "t", *arguments) == 1
    assert "byte 3" in last_line(capsys)
    assert rdcodec("calibrate", "--model", model_dir, "--text", tmp_path / "none", *arguments) == 1
    assert "none" in last_line(capsys)
    (tmp_path / "t").write_text("too short")
    assert rdcodec("calibrate", "--model", model_dir, "--text", tmp_path / "t", *arguments) == 1
    assert "tokens" in last_line(capsys)
    assert not (tmp_path / "codec").exists()


def test_calibrate_from_a_codec(model_dir, text_files, codec_dir, codec, tmp_path, capsys):
    """The layer is that of the codec; what comes out is one of its family."""
    arguments = ("--text", text_files[1], "--tokens", 300, "--out", tmp_path / "codec", "--json", tmp_path / "r.json")
    assert rdcodec("calibrate", "--model", model_dir, "--start", codec_dir, *arguments) == 0
    found, result = Codec.from_pretrained(tmp_path / "codec"), json.loads((tmp_path / "r.json").read_text())
    assert (found.family, found.layer, result["start"]) == (codec.family, codec.layer, str(codec_dir))
    capsys.readouterr()
    assert rdcodec("calibrate", "--model", model_dir, "--layer", 2, "--start", codec_dir, *arguments) == 1
    assert "--layer: expected 1" in last_line(capsys)
    assert rdcodec("calibrate", "--model", model_dir, *arguments) == 1
    assert "give --layer K, or --start DIR" in last_line(capsys)


@pytest.mark.parametrize("model", ["./none", "/none/model.gguf"])
def test_model_that_is_none(model, text_files, capsys, tmp_path):
    arguments = ("--layer", 1, "--tokens", 100, "--out", tmp_path / "codec")
    assert rdcodec("calibrate", "--model", model, "--text", text_files[0], *arguments) == 1
    assert "none" in last_line(capsys)


def test_folder_without_a_model(text_files, capsys, tmp_path):
    assert rdcodec("eval", "--model", tmp_path, "--text", text_files[1], "--baselines", "--layer", 1) == 1
    assert str(tmp_path) in last_line(capsys)


def last_line(capsys):
    """Of stderr, where progress bars may have stood before it."""
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("rdcodec: ")
    return line
