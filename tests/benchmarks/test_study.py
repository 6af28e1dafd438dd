"""The study takes models that another benchmark has trained and rows that were kept, and makes the one that is missing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
LAYERS = {"ViT": range(1, 4), "ResNet": range(1, 6)}
NUMBERS = ("gaussian_entropy", "symbol_entropy", "log_det", "complexity", "complexity_l2", "head_norm", "analysis_norm", "certificate")


def run(program, *arguments):
    command = [sys.executable, BENCHMARKS / program, *arguments]
    done = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def kept_row(model, layer):
    row = {"model": model, "task": "images", "codec": "transform", "layer": layer, "quality": 0, "channels": 8}
    row |= {
        "windows": 4,
        "tokens": 64,
        "rate": 10.0 * layer,
        "rate_error": 1.0,
        "token_entropy": None,
        "gap_low": 0.0,
        "gap_high": 99.0,
        "level_slope": 1.0,
    }
    return row | {name: 20.0 + layer**2 for name in NUMBERS}


def test_rows_of_image_models(tmp_path):
    pytest.importorskip("sklearn")
    models, rows, out, text = (tmp_path / name for name in ("models", "rows", "out", "text.txt"))
    text.write_text("Not read by the image models.\n")
    images = ("--only", "ViT", "--only", "ResNet", "--image-minutes", 0.03, "--images", 8, "--family", "int4")
    run("bench_architectures.py", *images, "--out", models)
    rows.mkdir()
    for model, layers in LAYERS.items():
        for layer in layers:
            (rows / f"{model} {layer} transform.json").write_text(json.dumps(kept_row(model, layer)))
    missing = rows / "ResNet 3 transform.json"
    missing.unlink()
    folders = ("--text", text, "--measured", text, "--models", models, "--rows", rows, "--out", out)
    report = run("study.py", "--only", "images", "--family", "transform", *folders)
    found = json.loads((out / "rows.json").read_text())
    made = json.loads(missing.read_text())
    assert len(found) == 8 and made in found and kept_row("ViT", 2) in found
    assert made["windows"] == 96 and made["rate"] <= made["certificate"] and 0 <= made["gap_low"] <= made["gap_high"]
    assert "| ViT (3) |" in report and (out / "study.png").stat().st_size > 10_000
