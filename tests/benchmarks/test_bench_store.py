"""Other formats that stores are measured beside give back what they were given; their times are not judged."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from stores.peers import int8, lossless, size_of

NEEDS = {"zarr v3": ("zarr",), "HDF5": ("h5py", "hdf5plugin"), "Arrow": ("pyarrow",)}


@pytest.mark.parametrize("family", lossless())
def test_peers_give_back_what_they_were_given(family, tmp_path):
    if not all(importlib.util.find_spec(name) for name in NEEDS.get(family, ())):
        pytest.skip("its packages are not installed")
    h = np.random.default_rng(0).normal(size=(1200, 24)).astype(np.float16)
    for number, peer in enumerate(lossless()[family]):
        peer.write(tmp_path / str(number), h)
        read = peer.open(tmp_path / str(number))
        assert np.array_equal(read(0, 1200), h) and np.array_equal(read(500, 1100), h[500:1100])
        small = int8(peer)
        small.write(tmp_path / f"small {number}", h)
        assert np.abs(small.open(tmp_path / f"small {number}")(500, 1100) - h[500:1100]).max() < 0.03
        assert size_of(tmp_path / f"small {number}") < size_of(tmp_path / str(number)) * 0.7
