"""The benchmark of architectures runs, for seconds; what models learn in them is not judged."""

import json
import subprocess
import sys
from pathlib import Path
from pydoc_data.topics import topics

import pytest

ROOT = Path(__file__).parents[2]


def run(folder, *arguments):
    command = [sys.executable, ROOT / "benchmarks" / "bench_architectures.py", "--out", folder, "--json", folder / "rows.json"]
    done = subprocess.run(list(map(str, [*command, *arguments])), check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "rows.json").read_text(encoding="utf-8"))["rows"], done.stdout


def check(rows, report, architectures):
    assert {row["architecture"] for row in rows} == architectures
    for architecture in architectures:
        own = [row for row in rows if row["architecture"] == architecture]
        coded = {row["quality"]: row["bits_per_token"] for row in own if row["method"] == "transform"}
        assert 1 <= len(coded) <= 3 and [coded[quality] for quality in sorted(coded)] == sorted(coded.values())
        (int4,) = (row for row in own if row["method"] == "int4 a token")
        assert 4 < int4["bits_per_element"] < 5 and int4["kl"] > 0
    assert len(report.splitlines()) > len(rows)


def test_models_of_images(tmp_path):
    pytest.importorskip("sklearn")
    rows, report = run(tmp_path, "--image-minutes", 0.03, "--images", 20)
    check(rows, report, {"ViT", "ResNet"})
    assert "accuracy" in report
    again, _ = run(tmp_path, "--images", 20, "--only", "ViT", "--family", "int4")
    assert again[0]["kl"] == next(row["kl"] for row in rows if row["method"] == "int4 a token")  # of the model that was kept


def test_models_of_text(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(topics.values())[:400_000], encoding="utf-8")
    only = ("--only", "GPT-2", "--only", "GPT-NeoX")
    rows, report = run(tmp_path, "--text", text, "--minutes", 0.03, "--windows", 2, *only)
    check(rows, report, {"GPT-2", "GPT-NeoX"})
    assert "perplexity" in report
