"""Scripts of trainings, run by two processes."""

import json
import os
import subprocess
import sys

__all__ = ["losses", "run_by_two"]


def losses(out):
    """Of each step that the log in a folder has."""
    entries = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [entry["loss"] for entry in entries if "loss" in entry]


def run_by_two(script, out):
    """What a script prints, which takes a folder, run as `accelerate launch` would."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", script, out]
    path = os.pathsep.join([str(script.parent), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "1"}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout
