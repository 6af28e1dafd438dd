"""Arrays that another thread changes during a call make it fail or give anything, but never harm memory, nor what comes after."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from changed_arrays import ENTRIES

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ENTRIES)
def test_no_memory_is_harmed(name):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    program = [sys.executable, Path(__file__).with_name("changed_arrays.py"), name]
    done = subprocess.run(program, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr or f"ended with {done.returncode}"
    assert done.stdout.split()[0] == "same"
