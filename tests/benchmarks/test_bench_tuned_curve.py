"""The curve of tuned models, on a model that hardly learned: rows are kept, and a run goes on from them."""

import subprocess
import sys
from pathlib import Path
from pydoc_data.topics import topics

import pytest

from rdcodec.evaluation import read_runs

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "bench_tuned_curve.py"
SIZE = {"--channels": 32, "--layers": 2, "--splits": 1, "--minutes": 0.05, "--windows": 4, "--passages": 4, "--steps": 2}
WHAT = {"--families": "transform", "--lambdas": "1e-4", "--seeds": 1}


@pytest.mark.slow
def test_rows_are_kept(tmp_path):
    pytest.importorskip("accelerate")
    paragraphs = "\n\n".join(topics.values()).split("\n\n")
    for name, part in (("fit", paragraphs[:400]), ("measured", paragraphs[400:])):
        (tmp_path / name).write_text("\n\n".join(part), encoding="utf-8")
    options = {"--text": tmp_path / "fit", "--measured": tmp_path / "measured", "--out": tmp_path / "out", **SIZE, **WHAT}
    command = [sys.executable, BENCHMARK, *(part for pair in options.items() for part in pair)]

    def run():
        done = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        return done.stdout

    said = run()
    assert "| 4 windows of 128 tokens | 1 | transform, tuned, lambda 0.0001 | 1 |" in said and "| 4 passages | 1 |" in said
    runs = read_runs([tmp_path / "out" / "rows"])
    assert [len(kept.rows) for kept in runs] == [7, 7] and all(kept.rows[-1].untuned == "transform" for kept in runs)
    assert run() == said
