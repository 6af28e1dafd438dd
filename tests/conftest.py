"""Settings that all tests share."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from rdcodec import RdcodecError, _core

# Examples are few and not timed, so that the whole suite stays short on a slow machine; pytest --hypothesis-profile=long looks longer.
settings.register_profile("default", max_examples=50, deadline=None)
settings.register_profile("long", max_examples=2000, deadline=None)
settings.load_profile("default")


ROOT = Path(__file__).parents[1]
TOGETHER = {"fuzz": "kernels"}  # folders that share the builds of the C core with another one
# What `make test-fast` leaves out.
MARKS = {"end_to_end": "end_to_end", "docs": "end_to_end", "kernels": "emulation", "fuzz": "emulation", "benchmarks": "slow"}


def pytest_collection_modifyitems(items):
    """Tests of a folder go to one worker (`pytest -n 2 --dist loadgroup`), for models and builds are made once a process.

    What a folder needs is marked, too, for runs that leave it out.
    """
    for item in items:
        parts = item.path.relative_to(ROOT).parts
        folder = parts[1] if parts[0] == "tests" and len(parts) > 2 else parts[0]
        item.add_marker(pytest.mark.xdist_group(TOGETHER.get(folder, folder)))
        if folder in MARKS:
            item.add_marker(MARKS[folder])


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
    """For tiny models, which only lose by more threads, and most of all on a busy machine."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
