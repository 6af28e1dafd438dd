"""The benchmark of architectures runs, for seconds; what models learn in them is not judged."""

import json
import subprocess
import sys
from pathlib import Path
from pydoc_data.topics import topics

import pytest

ROOT = Path(__file__).parents[2]
PLAIN = ("--family", "transform", "--family", "int4")


def run(folder, *arguments):
    command = [sys.executable, ROOT / "benchmarks" / "bench_architectures.py", "--out", folder, "--json", folder / "rows.json"]
    done = subprocess.run(list(map(str, [*command, *arguments])), check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "rows.json").read_text(encoding="utf-8"))["rows"], done.stdout


def check(rows, report, families):
    """Rows of one architecture: finer costs more."""
    for family in families:
        coded = {row["quality"]: row["bits_per_token"] for row in rows if row["method"] == family}
        assert 1 <= len(coded) <= 3 and [coded[quality] for quality in sorted(coded)] == sorted(coded.values())
    (int4,) = (row for row in rows if row["method"] == "int4 a token")
    assert 4 < int4["bits_per_element"] < 5 and int4["kl"] > 0
    assert len(report.splitlines()) > len(rows)


def test_models_of_images(tmp_path):
    pytest.importorskip("sklearn")
    rows, report = run(tmp_path, "--only", "ViT", "--image-minutes", 0.02, "--images", 20, *PLAIN)
    check(rows, report, ["transform"])
    again, _ = run(tmp_path, "--only", "ViT", "--images", 20, "--family", "int4")
    assert [row["kl"] for row in again] == [rows[-1]["kl"]]  # of the model that was kept


def test_a_learned_codec(tmp_path):
    pytest.importorskip("sklearn")
    learned = ("--family", "context", "--family", "int4", "--codec-minutes", 0.01)
    rows, report = run(tmp_path, "--only", "ResNet", "--image-minutes", 0.05, "--images", 20, *learned)
    check(rows, report, ["context"])
    assert "accuracy" in report


def test_a_model_of_text(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(topics.values())[:200_000], encoding="utf-8")
    rows, report = run(tmp_path, "--text", text, "--only", "GPT-NeoX", "--minutes", 0.02, "--windows", 2, *PLAIN)
    check(rows, report, ["transform"])
    assert "perplexity" in report
