"""bounds: from folders of codecs to a table and JSON."""

import json
import shutil

import pytest

from rdcodec.cli.app import run

pytestmark = pytest.mark.slow


def test_table_and_json_agree(model_dir, codec_dir, text_files, tmp_path, capsys):
    out = tmp_path / "bounds.json"
    options = ["--window", "64", "--windows", "4", "--likelihoods", "2", "--json", str(out)]
    status = run(["bounds", "--model", str(model_dir), "--codec", str(codec_dir), "--text", str(text_files[1]), *options])
    assert status == 0, capsys.readouterr().err
    (row,) = json.loads(out.read_text())["rows"]
    assert row["windows"] == 4 and row["token_entropy"]["samples"] == 2
    assert row["gap"]["interval"][0] < row["gap"]["interval"][1] < 1.5 * row["rate"]["value"]
    assert row["rate"]["value"] <= row["certificate"]["value"] or row["certificate"]["terms"]["mean"] < row["rate"]["value"]
    out = capsys.readouterr().out
    assert "layer 1" in out and "vacuous" in out


def test_certificates_of_several_codecs_share_delta(model_dir, codec_dir, text_files, tmp_path, capsys):
    twin = tmp_path / "twin"
    shutil.copytree(codec_dir, twin)
    out = tmp_path / "bounds.json"
    options = ["--window", "64", "--windows", "4", "--likelihoods", "2", "--json", str(out)]
    folders = ["--codec", str(codec_dir), "--codec", str(twin)]
    assert run(["bounds", "--model", str(model_dir), *folders, "--text", str(text_files[1]), *options]) == 0, capsys.readouterr().err
    found = json.loads(out.read_text())
    first, second = found["rows"]
    assert first["certificate"] == second["certificate"] and found["delta"] == 0.01 and found["population"] >= 4
    assert first["certificate"]["confidence"] == 0.995
    assert "for all columns at once" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--codec", "x", "--layers", "1"], "--codec: expected {layer} in it"),
        (["--codec", "x{layer}", "--layers", "one"], "--layers: expected integers"),
        (["--codec", "x{layer}", "--layers", "7"], "x7 holds no codec"),
    ],
)
def test_wrong_options_are_named(options, message, text_files, capsys):
    assert run(["bounds", "--model", "nowhere", "--text", str(text_files[1]), *options]) == 1
    assert message in capsys.readouterr().err
