"""The study takes models that another benchmark has trained and rows that were kept, and makes the one that is missing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(program, *arguments):
    command = [sys.executable, BENCHMARKS / program, *arguments]
    done = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_rows_of_image_models(tmp_path):
    pytest.importorskip("sklearn")
    pytest.importorskip("statsmodels")
    models, rows, out, text = (tmp_path / name for name in ("models", "rows", "out", "text.txt"))
    text.write_text("Not read by the image models.\n")
    images = ("--only", "ViT", "--only", "ResNet", "--image-minutes", 0.03, "--images", 8, "--family", "int4")
    run("bench_architectures.py", *images, "--out", models)
    folders = ("--text", text, "--measured", text, "--models", models, "--rows", rows, "--out", out)
    options = ("--only", "images", "--family", "transform", "--windows", 12, "--seeds", 2, "--qualities=40,48")
    run("study.py", *options, *folders)
    found = json.loads((out / "rows.json").read_text())
    made = sorted(rows.glob("ResNet 3 transform *.json"))
    assert len(found) == 2 * 2 * 8 and len(made) == 4
    for row in found:
        assert row["windows"] == 12 and (row["clipped"] or row["rate"] <= row["certificate"]) and 0 <= row["gap_low"] <= row["gap_high"]
    drawn = [row for row in found if (row["model"], row["layer"]) == ("ResNet", 3)]
    assert len({row["rate"] for row in drawn}) == 4 and {row["seed"] for row in drawn} == {0, 1}
    report = (out / "README.md").read_text()
    assert (
        "Models: ViT, ResNet. 32 rows" in report and "| ResNet | 3 | transform |" in report and (out / "study.png").stat().st_size > 10_000
    )
    kept = {path: path.stat().st_mtime_ns for path in rows.glob("*.json")}
    made[0].unlink()
    run("study.py", *options, *folders)
    assert json.loads((out / "rows.json").read_text()) == found and (out / "README.md").read_text() == report
    assert all(path.stat().st_mtime_ns == kept[path] for path in kept if path != made[0])
