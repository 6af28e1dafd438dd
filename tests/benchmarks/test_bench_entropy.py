"""The entropy coder's benchmark runs, at its small size; its times are not judged."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARK = ROOT / "benchmarks" / "bench_entropy.py"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("benchmark")
    command = [sys.executable, BENCHMARK, "--quick", "--json", folder / "rows.json", "--plot", folder / "speed.png"]
    done = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "rows.json").read_text(encoding="utf-8")), (folder / "speed.png").read_bytes(), done.stdout


def test_rows(run):
    result, _, _ = run
    rows = [row for row in result["rows"] if row["coder"] == "rdcodec"]
    assert {row["threads"] for row in rows} == {1, 2}
    assert {row["bits"] for row in rows} >= set(result["preset"]["asked"])
    assert {row["asked_count"] for row in rows} >= {64, 576}
    assert {row["tables"] for row in rows} == {1, 64, 300}
    assert "scalar" in {row["kernels"] for row in rows}
    assert {"rdcodec", "memcpy"} <= {row["coder"] for row in result["rows"]}


def test_symbols_came_back(run):
    result, _, _ = run
    assert all(row["came_back"] for row in result["rows"] + result["figures"])
    assert not any(name == "rdcodec" or name.startswith("rdcodec,") for name in result["left_out"])


def test_figures_of_rdcodec_alone(run):
    result, _, _ = run
    assert {row["what"] for row in result["figures"]} == {"rate", "token", "floats"}
    rates = [row for row in result["figures"] if row["what"] == "rate"]
    assert {row["precision"] for row in rates} == {12, 13, 14}
    assert all(8 * row["bytes"] > row["table_bits"] > 0 for row in rates)


def test_picture_and_report(run):
    _, picture, report = run
    assert picture.startswith(b"\x89PNG") and len(picture) > 50_000
    assert report.index("| asked | got |") < report.index("all settings")
    assert "not measured" not in "".join(line for line in report.splitlines() if "kernels" in line or "float32" in line)
