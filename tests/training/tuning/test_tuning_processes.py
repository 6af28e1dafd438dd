"""Two processes with a window each tune as one does with both windows."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import tune_in_two_processes

pytest.importorskip("peft")

SCRIPT = Path(tune_in_two_processes.__file__)


def losses(out):
    entries = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [entry["loss"] for entry in entries if "loss" in entry]


def test_two_processes_are_one_with_all_windows(tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", SCRIPT, tmp_path / "two"]
    path = os.pathsep.join([str(SCRIPT.parent), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "1"}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    tune_in_two_processes.tuned(2, tmp_path / "one")
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), rel=1e-3)
    one, two = (torch.load(tmp_path / name / "checkpoint.pt", weights_only=True) for name in ("one", "two"))
    assert two["step"] == one["step"] == 6
    torch.testing.assert_close(two["module"], one["module"], rtol=1e-2, atol=1e-4)
    assert (tmp_path / "two" / "tuned.json").read_text() == (tmp_path / "one" / "tuned.json").read_text()
