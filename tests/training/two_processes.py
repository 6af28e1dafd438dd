"""Programs run by two processes, and what trainings write."""

import json
import os
import subprocess
import sys

__all__ = ["losses", "run_by_two"]


def losses(out):
    """Of each step that the log in a folder has."""
    entries = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [entry["loss"] for entry in entries if "loss" in entry]


def run_by_two(*program):
    """What a program prints, run as `accelerate launch` would; it finds what tests find."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *program]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "1"}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout
