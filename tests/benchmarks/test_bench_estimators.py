"""The estimators' benchmark runs, at its small size, and every peer finds the same numbers; its times are not judged."""

import json
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "bench_estimators.py"


def test_benchmark_runs(tmp_path):
    command = [sys.executable, BENCHMARK, "--quick", "--rounds", "1", "--json", tmp_path / "rows.json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert {row["estimator"] for row in rows} == {"nsb", "knn", "log-det", "rademacher"}
    for row in rows:
        assert len(row["seconds"]) > 1 and all(seconds > 0 for seconds in row["seconds"].values())
        assert f"| {row['estimator']} | {row['case']} |" in done.stdout
