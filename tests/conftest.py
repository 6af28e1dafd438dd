"""Settings that all tests share."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from rdcodec import RdcodecError, _core

# Examples are few and not timed, so that the whole suite stays short on a slow machine; pytest --hypothesis-profile=long looks longer.
settings.register_profile("default", max_examples=50, deadline=None)
settings.register_profile("short", max_examples=10, deadline=None)  # for what is tested with other kernels as well
settings.register_profile("long", max_examples=2000, deadline=None)
settings.load_profile("default")


ROOT = Path(__file__).parents[1]
TOGETHER = {"fuzz": "kernels"}  # folders that share the builds of the C core with another one
# Folders that begin first, so that workers end together.
LONGEST = ["docs", "kernels", "end_to_end", "splits", "library", "serving", "training", "cli", "calibration", "benchmarks", "typing"]
# What `make test-fast` leaves out.
MARKS = {"end_to_end": "end_to_end", "docs": "end_to_end", "kernels": "emulation", "fuzz": "emulation", "benchmarks": "slow"}
PACKAGED_MODEL = "rdcodec.models.load_model"  # an example of a docstring


def folder_of(path):
    """The folder of a test file, by its path below ROOT."""
    parts = path.split("/")
    return parts[1] if parts[0] == "tests" and len(parts) > 2 else parts[0]


def pytest_collection_modifyitems(items):
    """What folders need is marked, for runs that leave it out; those that take longest come first."""
    for item in items:
        folder = folder_of(item.nodeid.split("::")[0])
        if folder in MARKS:
            item.add_marker(MARKS[folder])
        if item.name == PACKAGED_MODEL:
            item.add_marker("end_to_end")
    order = {folder: place for place, folder in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(folder_of(item.nodeid.split("::")[0]), len(order)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Tests of a folder go to one worker (`pytest -n 2`), for models and builds are made once a process."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFolder(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            folder = folder_of(nodeid.split("::")[0])
            return TOGETHER.get(folder, folder)

    config.option.loadscopereorder = False
    return ByFolder(config, log)


@pytest.fixture(scope="session", params=["scalar", "neon", "avx2", "avx512"])
def cpu(request):
    """A class of kernels that this machine has."""
    try:
        _core.quantise(np.zeros((0, 1), np.float32), np.ones(1), 0.0, request.param)
    except RdcodecError:
        pytest.skip("not on this machine")
    return request.param


@pytest.fixture(scope="session")
def one_thread():
    """For tiny models, which only lose by more threads, and for large ones beside other tests: threads that wait for each other lose a quarter."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
