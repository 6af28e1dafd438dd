"""Both sides of what outputs cost, on a model that hardly learned: the order of the figures holds whatever it knows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "bench_two_sided.py"


@pytest.mark.slow
def test_bounds_are_below_what_is_measured(tmp_path):
    pytest.importorskip("sklearn")
    options = ("--only", "ResNet", "--image-minutes", "0.03", "--quick", "--json", tmp_path / "rows.json")
    command = [sys.executable, BENCHMARK, "--models", tmp_path, *options]
    done = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads((tmp_path / "rows.json").read_text())
    assert 0 <= row["first"] <= row["lower"] <= row["upper"] <= row["bits"] and "exemplars | " in done.stdout
