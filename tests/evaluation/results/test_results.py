"""Rows that were kept become tables and pictures."""

import json
from dataclasses import replace

import pytest
from kept_rows import kept, write_run

from rdcodec.errors import RdcodecError
from rdcodec.evaluation.results import read_runs, results_page
from rdcodec.evaluation.results.tuned import gains

pytest.importorskip("matplotlib")


def cells(page, start):
    """Of the first line of a table that begins so."""
    line = next(line for line in page.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_rows_of_one_measuring_are_one_run(folder):
    windows, words = read_runs([folder])
    assert windows.title == "smollm2-135m on test.txt, 12 windows of 512 tokens"
    assert words.title == "smollm2-135m on test.txt, 2,000 passages, 1 a frame"
    assert [(row.method, row.quality) for row in windows.rows][-1] == ("context, tail tuned", -8)
    assert windows.rows[0] == kept("context", -16)


def test_what_was_measured_again_counts(folder):
    write_run(folder / "b2.json", [kept("context", -16, rate=2)])
    windows, _ = read_runs([folder])
    assert [row.bits_per_token for row in windows.rows if row.method == "context"] == pytest.approx([400, 400, 800])


def test_rows_without_the_later_columns(folder):
    run = json.loads((folder / "a.json").read_text())
    run["rows"] = [{name: value for name, value in row.items() if name not in ("agreement", "untuned", "predicted")} for row in run["rows"]]
    run["rows"][0]["delta_nll"] = None
    (folder / "old.json").write_text(json.dumps(run))
    page, _ = results_page(read_runs([folder / "old.json"]))
    assert cells(page, "context, quality -8")[1:3] == ["400.0", "0.694"]


def test_rates_at_equal_loss(folder):
    """KL is 8 / bits, so that 400 bits make a KL of 0.02."""
    page, _ = results_page(read_runs([folder]))
    assert cells(page, "smollm2-135m")[1:] == ["test.txt", "12 windows of 512 tokens", "10", "context", "400"]
    assert "| transform | 440 |" in page


def test_bd_rates_have_intervals(folder):
    pytest.importorskip("bjontegaard")
    page, _ = results_page(read_runs([folder]))
    found = next(line for line in page.splitlines() if line.startswith("| transform | 10 |"))
    assert "-9.1% (-9.1 to -9.1)" in found


def test_gains_of_tuning(folder):
    """Half of the loss at equal bits: as much as twice the bits would have brought."""
    windows, words = read_runs([folder])
    (gain,) = gains(windows.rows)
    assert gain.kl == pytest.approx(-0.01) and gain.kl_stderr > 0
    assert gain.saved == pytest.approx(-50) and gain.interval == pytest.approx((-50, -50))
    (gain,) = gains(words.rows)
    assert gain.accuracy == pytest.approx(1 / 12) and gain.accuracy_stderr == pytest.approx(1 / 12)


def test_gains_beyond_what_was_measured_are_not_guessed():
    rows = [
        kept("context", -8),
        kept("context, tail tuned", -8, untuned="context", loss=0.5),
        kept("context, head tuned", 0, untuned="context"),
    ]
    (gain,) = gains(rows)
    assert gain.saved is None and gain.interval is None


def test_last_words_stand_beside_the_paper(folder):
    page, pictures = results_page(read_runs([folder]))
    assert "| the paper: GPT-2 small, split 6, tuned | 0.705 | -0.5% |" in page
    assert "| context, quality -8, layer 10 | 0.694 | 41.7% (-16.7 ± 4.0%) |" in page
    assert "| method | 0 | 1-3 | 4-7 | 8-15 |" in page
    assert len(pictures) == 3 and all(f"]({name})" in page for name in pictures)


def test_other_texts_of_the_same_name_are_not_put_together(folder):
    write_run(folder / "d.json", [replace(kept("transform", 0), base_perplexity=19.5)])
    with pytest.raises(RdcodecError, match="perplexity of 19 over 12 inputs and of 19.5 over 12"):
        read_runs([folder])


def test_what_is_no_evaluation(tmp_path):
    with pytest.raises(FileNotFoundError, match="none does not exist"):
        read_runs([tmp_path / "none"])
    with pytest.raises(RdcodecError, match="found none"):
        read_runs([tmp_path])
    for text in ("[]", '{"rows": [{}]}', "x"):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(RdcodecError, match="a.json: expected what rdcodec eval --json writes"):
            read_runs([tmp_path])
