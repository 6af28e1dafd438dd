"""plan: from an evaluation's rows and a model to tables, JSON and a picture, and again from the times that it wrote."""

import json

import pytest

from rdcodec.cli.app import run

pytest.importorskip("grpc", reason="the ends that are timed are those of the extra serve")
LINK = ["--bandwidth", "20Mbit", "--rtt", "30ms"]


@pytest.fixture(scope="module")
def rows(model_dir, codec_dir, text_files, tmp_path_factory):
    path = tmp_path_factory.mktemp("plan") / "rows.json"
    options = ["--window", "32", "--windows", "3", "--quality", "0,8", "--json", str(path)]
    assert run(["eval", "--model", str(model_dir), "--codec", str(codec_dir), "--text", str(text_files[1]), *options]) == 0
    return path


def test_tables_json_and_picture(model_dir, codec_dir, rows, tmp_path, capsys):
    out, picture = tmp_path / "plan.json", tmp_path / "plan.png"
    options = [*LINK, "--loss", "5", "--prompt", "40", "--json", str(out), "--plot", str(picture)]
    status = run(["plan", "--rows", str(rows), "--model", str(model_dir), "--codec", str(codec_dir), *options])
    assert status == 0, capsys.readouterr().err
    printed = " ".join(capsys.readouterr().out.split())
    assert "time to the first token is least with" in printed and "time a token is least with" in printed
    assert picture.read_bytes().startswith(b"\x89PNG")
    found = json.loads(out.read_text())
    assert [part["layer"] for part in found["parts"]] == [1] and found["bandwidth"] == 20e6 and found["rtt"] == 0.03
    assert [codec["quality"] for codec in found["codecs"]] == [0, 8]
    (first,), (following,) = found["first_token"], found["next_token"]
    assert first["first_token_seconds"] > 0.03 and following["raw_next_token_seconds"] > 0.03
    again = tmp_path / "again.json"
    assert run(["plan", "--rows", str(rows), "--costs", str(out), *options[:-4], "--json", str(again)]) == 0
    assert json.loads(again.read_text())["first_token"] == found["first_token"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--bandwidth", "20", "--rtt", "30ms"], "bandwidth: expected a number above 0 and bit, kbit, Mbit or Gbit"),
        (LINK, "expected --model M to time, or --costs FILE"),
        ([*LINK, "--model", "{model}", "--prompt", "40", "--loss", "1e-9"], "loss: expected"),
        ([*LINK, "--costs", "{rows}"], "expected what rdcodec plan --json writes"),
    ],
)
def test_what_is_refused(model_dir, rows, capsys, options, message):
    options = [option.format(model=model_dir, rows=rows) for option in options]
    assert run(["plan", "--rows", str(rows), *options]) == 1
    assert message in capsys.readouterr().err
