"""Two processes with a window each make the steps that one makes with both windows."""

import dataclasses
from pathlib import Path

import pytest
import run_two_processes
import torch
from two_processes import losses, run_by_two

pytestmark = pytest.mark.slow

SCRIPT = Path(run_two_processes.__file__)


def test_two_processes_are_one_with_all_windows(tmp_path):
    printed = run_by_two(SCRIPT, tmp_path / "two")
    points = run_two_processes.trained(dataclasses.replace(run_two_processes.SETTINGS, windows=2), tmp_path / "one")
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"))
    one, two = (torch.load(tmp_path / name / "checkpoint.pt", weights_only=True) for name in ("one", "two"))
    assert two["step"] == one["step"] == 6
    torch.testing.assert_close(two["module"], one["module"])
    assert printed.count("Point(quality=-4") == 2 and len(points) == 3
