"""The tests of coder, quantisers and networks once more with the kernels that this run does not use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rdcodec import _core

ROOT = Path(__file__).parents[2]
FOLDERS = ["tests/entropy", "tests/golden", "tests/quant", "tests/net", "tests/levels"]
LEFT_OUT = "--ignore=tests/entropy/test_near_entropy.py"  # of kernels that write the same bytes, rates are the same


def run(level, *arguments):
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, env={**os.environ, "RDCODEC_CPU": level})


@pytest.mark.parametrize("level", ["scalar", "neon", "avx2", "avx512"])
def test_with_other_kernels(level):
    named = run(level, "-c", "from rdcodec import _core; print(_core.info()['kernels'])")
    if named.returncode != 0:
        pytest.skip(f"this machine has no {level} kernels")
    if level == _core.info()["kernels"]:
        pytest.skip(f"the other tests run with the {level} kernels")
    assert named.stdout == f"{level}\n"
    done = run(level, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=short", LEFT_OUT, *FOLDERS)
    assert done.returncode == 0, done.stdout
