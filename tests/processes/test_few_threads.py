"""Where threads cannot be started, fewer do the work; OpenMP alone would end the process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rdcodec import _core

pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(not _core.info()["openmp"], reason="built without OpenMP")

# A stack so large that the address space left has room for some threads only, but for all memory that is asked for otherwise.
STACK = 1 << 30

# Stacks are as large as the limit was when a program began. A shell sets it: what subprocess could do between fork and exec
# would run beside the threads that other libraries start again in every fork (gRPC's, which abort where files are closed under them).
WITH_LARGE_STACKS = ["sh", "-c", 'ulimit -S -s "$1" && shift && exec "$@"', "sh", str(STACK >> 10)]

PROGRAM = """
import os, resource, sys, threading
import numpy.random  # another user may not read its files
from threaded_work import WORK, result_of

def start(count):
    go, threads = threading.Event(), [threading.Thread(target=lambda: go.wait()) for _ in range(count)]
    started = 0
    try:
        for thread in threads:
            thread.start()
            started += 1
    except RuntimeError:
        pass
    go.set()
    for thread in threads[:started]:
        thread.join()
    return started

limit = sys.argv[1]
if limit == "processes":
    os.setuid(65534)
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
else:
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    room = used + int(limit) * {stack} + {stack} // 2
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
print(start(7))
for name in WORK:
    for _ in range(2):
        print(name, hash(result_of(name)))
"""


def results(limit, **environment):
    """How many threads Python could start, and hashes of what all work gave."""
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", **environment}
    command = [*WITH_LARGE_STACKS, sys.executable, "-c", PROGRAM.format(stack=STACK), limit]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    started, *lines = done.stdout.splitlines()
    return int(started), lines


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the address space in use is read from /proc")
@pytest.mark.parametrize("limit", ["0", "1", "3"])
def test_an_address_space_for_few_threads(limit):
    started, lines = results(limit, OMP_NUM_THREADS="6")
    assert started == int(limit)
    assert lines == results("20", OMP_NUM_THREADS="1")[1]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="takes the right to become another user")
def test_a_user_with_no_more_processes():
    started, lines = results("processes", OMP_NUM_THREADS="6")
    assert started == 0
    assert lines == results("20", OMP_NUM_THREADS="1")[1]
