"""A forked process has no threads but the one that forked: everything goes on in it, and gives the same bytes."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from forked import in_child
from threaded_work import WORK, result_of

from rdcodec import _core

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")]


def run(program, **environment):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]), **environment}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("name", WORK)
def test_work_goes_on_after_a_fork(name):
    expected = result_of(name)
    assert in_child(lambda: result_of(name)) == expected


SETTINGS = [
    {"OMP_NUM_THREADS": "1"},
    {"OMP_NUM_THREADS": "3"},
    {"OMP_NUM_THREADS": "5", "OMP_DYNAMIC": "true", "OMP_WAIT_POLICY": "active", "OMP_MAX_ACTIVE_LEVELS": "3"},
    {"OMP_NUM_THREADS": "4", "OMP_THREAD_LIMIT": "2", "OMP_PROC_BIND": "true"},
]

FAMILY = """
import threading
from forked import in_child
from threaded_work import WORK, result_of

def results():
    return {name: result_of(name) for name in WORK}

def in_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(results()))
    thread.start()
    thread.join()
    return found[0]

expected = results()
print(in_child(results) == expected, in_child(lambda: in_child(in_thread)) == expected, results() == expected)
"""


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: " ".join(settings.values()))
def test_children_of_children_and_their_threads(settings):
    assert run(FAMILY, **settings) == ["True"] * 3


def test_a_thread_that_forks_goes_on():
    expected, found = result_of("apply"), []
    thread = threading.Thread(target=lambda: found.append((result_of("apply"), in_child(lambda: result_of("apply")))))
    thread.start()
    thread.join()
    assert found == [(expected, expected)]


def test_a_child_has_one_thread_and_its_parent_keeps_its_own():
    before = _core.info()["threads"]
    assert in_child(lambda: _core.info()["threads"]) == 1
    assert _core.info()["threads"] == before


def test_a_child_that_loads_the_library_itself_has_threads():
    program = """
from forked import in_child
def load():
    from threaded_work import WORK, result_of
    from rdcodec import _core
    return _core.info()["threads"], all(result_of(name) for name in WORK)
print(*in_child(load))
"""
    assert run(program, OMP_NUM_THREADS="3") == ["3" if _core.info()["openmp"] else "1", "True"]
