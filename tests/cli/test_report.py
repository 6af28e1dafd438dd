"""report: from rows that eval kept to a page with pictures."""

import json

import pytest

from rdcodec.cli.app import run

pytest.importorskip("matplotlib")


def test_a_page_of_what_eval_kept(model_dir, codec_dir, text_files, tmp_path, capsys):
    given = ["--model", model_dir, "--codec", codec_dir, "--text", text_files[1], "--quality", "0,8"]
    kept = tmp_path / "rows"
    kept.mkdir()
    assert run(["eval", *map(str, [*given, "--window", 64, "--windows", 3, "--json", kept / "windows.json"])]) == 0
    assert run(["eval", *map(str, [*given, "--last-words", 4, "--frame-tokens", 1, "--json", kept / "words.json"])]) == 0
    assert "bits by position" in capsys.readouterr().out
    out = tmp_path / "results"
    assert run(["report", str(kept), "--out", str(out), "--json", str(tmp_path / "r.json")]) == 0
    page = (out / "README.md").read_text(encoding="utf-8")
    assert "3 windows of 64 tokens" in page and "4 passages, 1 a frame" in page and "the paper" in page
    assert len(list(out.glob("*.png"))) == 3 and all(path.name in page for path in out.glob("*.png"))
    assert [len(each["rows"]) for each in json.loads((tmp_path / "r.json").read_text())] == [2, 2]
    assert "4 rows of 2 runs, 3 pictures" in capsys.readouterr().out


def test_rows_that_are_none(tmp_path, capsys):
    (tmp_path / "a.json").write_text("{}")
    assert run(["report", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "a.json: expected what rdcodec eval --json writes" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
