"""Bounds, certificates and intervals fail no more often than they say: the benchmark's simulations, at its small size."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "bench_coverage.py"


def test_nothing_fails_more_often_than_it_may(tmp_path):
    np.save(tmp_path / "rates.npy", np.random.default_rng(0).normal(700, 40, 609))
    command = [sys.executable, BENCHMARK, "--quick", "--json", tmp_path / "rows.json", "--rates", tmp_path / "rates.npy"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert len(rows) > 90 and all(row["holds"] and row["repeats"] == 20 for row in rows)
    assert all(f"| {row['case']} |" in done.stdout for row in rows) and "design effect" in done.stdout
    for words in ("drawn, AR(1) 0.9", "n < p", "heavy tail", "cross_entropy_bound, words", "d = 8", "stopped"):
        assert any(words in row["case"] for row in rows)
