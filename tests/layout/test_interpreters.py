"""What the module says of interpreters without a lock, and of several in a process: it is built for one of them and imported there.

Skipped unless a free-threaded Python with NumPy and setuptools is found: RDCODEC_FREE_THREADED names it, or it is called python3.13t, ...
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

USE_FROM_THREADS = """
import sys, threading, warnings
warnings.simplefilter("ignore")
import numpy as np
from rdcodec import RdcodecError
from rdcodec.entropy import FrequencyTables
assert sys._is_gil_enabled(), "the module asks for the lock"
tables = FrequencyTables.builtin_gaussian()
index = np.arange(4000, dtype=np.uint8) % 64
symbols = (np.arange(4000, dtype=np.int32) * 7919) % 5 - 2
block, found = tables.encode(symbols, index), []
def work():
    for _ in range(50):
        assert tables.encode(symbols, index) == block
        assert np.array_equal(tables.decode(block, index), symbols)
    found.append(True)
threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(found) == 6
"""

IMPORT_IN_ANOTHER = """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
import rdcodec
path = [entry for entry in sys.path if entry]
error = interpreters.exec(interpreters.create(), f"import sys; sys.path[:0] = {path!r}; import rdcodec._core")
assert "does not support loading in subinterpreters" in error.msg
"""


def free_threaded():
    names = [os.environ.get("RDCODEC_FREE_THREADED", ""), "python3.13t", "python3.14t", "python3.15t"]
    found = next((path for path in map(shutil.which, filter(None, names)) if path), None)
    if not found:
        pytest.skip("there is no free-threaded Python")
    if subprocess.run([found, "-c", "import numpy, setuptools"], capture_output=True).returncode != 0:
        pytest.skip(f"{found} lacks NumPy or setuptools")
    return found


def run(python, program, folder):
    return subprocess.run([python, "-c", program], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(folder)})


def test_a_free_threaded_interpreter_takes_its_lock(tmp_path):
    python = free_threaded()
    build = [python, "setup.py", "-q", "build", "--build-base", tmp_path / "build", "--build-lib", tmp_path / "lib"]
    subprocess.run(build, cwd=ROOT, check=True, env={**os.environ, "RDCODEC_WERROR": "1"})
    done = run(python, USE_FROM_THREADS, tmp_path / "lib")
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.version_info < (3, 13), reason="interpreters cannot be started from Python before 3.13")
def test_a_second_interpreter_is_refused():
    done = run(sys.executable, IMPORT_IN_ANOTHER, ROOT)
    assert done.returncode == 0, done.stderr
