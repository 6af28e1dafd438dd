"""A store that is not local: what is asked for is read, and no more."""

import pickle

import numpy as np
import pytest

from rdcodec import CorruptStreamError, RdcodecError
from rdcodec.store import Store

upath = pytest.importorskip("upath")


@pytest.fixture
def remote(filled):
    """The filled store in fsspec's memory."""
    folder = upath.UPath("memory://stores/one")
    for file in filled[0].rglob("*"):
        if file.is_file():
            there = folder / file.relative_to(filled[0]).as_posix()
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_bytes(file.read_bytes())
    yield folder
    folder.fs.rm("/stores", recursive=True)


def test_it_is_read_as_a_local_one(remote, filled):
    _, h, ids = filled
    store = Store.open(str(remote))
    assert (
        np.array_equal(store[:], h) and np.array_equal(store[[650, 3]], h[[650, 3]]) and np.array_equal(store.token_ids(5, 99), ids[5:99])
    )
    assert store.documents["in pieces"].stop == 600 and store.bytes == Store.open(filled[0]).bytes
    assert np.array_equal(pickle.loads(pickle.dumps(store))[60:70], h[60:70])
    assert np.array_equal(Store.open(remote)[:5], h[:5])


def test_what_is_read_is_what_is_asked_for(remote, filled, monkeypatch):
    store, opened = Store.open(remote), []
    from rdcodec.store import shard

    class Counted:
        def __init__(self, path):
            self.file, self.bytes = shard_open(path), 0
            opened.append(self)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def __getattr__(self, name):
            return getattr(self.file, name)

        def read(self, size):
            data = self.file.read(size)
            self.bytes += len(data)
            return data

    shard_open = shard.open_bytes
    monkeypatch.setattr(shard, "open_bytes", Counted)
    assert np.array_equal(store[70:75], filled[1][70:75])
    assert sum(file.bytes for file in opened) < 64 * 24 * 2 + 100


def test_damage_is_named(remote):
    shard = remote / "00000000.shard"
    data = bytearray(shard.read_bytes())
    data[200] ^= 1
    shard.write_bytes(bytes(data))
    with pytest.raises(CorruptStreamError, match=r"memory://.*00000000.shard: group 0"):
        Store.open(remote)[0]


def test_what_is_refused(remote, codec):
    for write in (lambda: Store.create("memory://stores/two", codec), lambda: Store.append(remote)):
        with pytest.raises(RdcodecError, match="written to local folders"):
            write()
    with pytest.raises(FileNotFoundError, match="holds no store"):
        Store.open("memory://stores/none")
