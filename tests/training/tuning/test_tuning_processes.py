"""Two processes with a window each tune as one does with both windows."""

from pathlib import Path

import pytest
import torch
import tune_in_two_processes
from two_processes import losses, run_by_two

pytest.importorskip("peft")

pytestmark = pytest.mark.slow

SCRIPT = Path(tune_in_two_processes.__file__)


def test_two_processes_are_one_with_all_windows(tmp_path):
    run_by_two(SCRIPT, tmp_path / "two")
    tune_in_two_processes.tuned(2, tmp_path / "one")
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), rel=1e-3)
    one, two = (torch.load(tmp_path / name / "checkpoint.pt", weights_only=True) for name in ("one", "two"))
    assert two["step"] == one["step"] == 6
    torch.testing.assert_close(two["module"], one["module"], rtol=1e-2, atol=1e-4)
    assert (tmp_path / "two" / "tuned.json").read_text() == (tmp_path / "one" / "tuned.json").read_text()
