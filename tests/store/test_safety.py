"""What stops a writer, and what damages files: nothing is lost but the group in the making, and what is damaged is named."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from damage import ADD, GROUP, damage, damage_and_mend, found_problems, kill_writers, rows

from rdcodec import CorruptStreamError, RdcodecError, UnsupportedVersionError
from rdcodec.codecs import IntegerCodec
from rdcodec.store import Store

pytestmark = pytest.mark.slow


def problems_of(path, **options):
    return found_problems(Store.open(path), **options)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9")
def test_killed_at_random_moments(path, codec):
    *_, tokens = kill_writers(path, codec, kills=6)
    assert tokens > 0 and Store.open(path).documents[0].id == "from 0"


def cut(path, size):
    data = path.read_bytes()
    path.write_bytes(data[:size])
    return data


def test_every_length_of_what_a_writer_leaves(path, codec):
    with Store.create(path, codec, group_tokens=GROUP) as writer:
        for start in range(0, 200, 50):
            writer.add(rows(200)[start : start + 50], document=str(start))
    store = Store.open(path)
    (shard,) = store.shards
    ends = [*map(int, shard.groups["offset"][1:]), shard.end]
    finished, left = path / "00000000.shard", path / "00000000.part"
    data = finished.read_bytes()
    finished.unlink()
    for size in [*range(40), *(end + step for end in ends for step in (-1, 0, 1, 60)), len(data) - 1, len(data)]:
        left.write_bytes(data[:size])
        whole = sum(end <= size for end in ends)
        tokens = min(200, GROUP * whole)
        assert np.array_equal(Store.open(path)[:], rows(tokens))
        Store.append(path).close()
        assert not left.exists()
        store = Store.open(path)
        assert np.array_equal(store[:], rows(tokens)) and [d.stop for d in store.documents] == list(range(50, tokens + 1, 50))
        assert not problems_of(path)
        finished.unlink(missing_ok=True)


def test_a_last_group_of_zeros_goes(path, codec):
    """As a machine without power may leave it: as long as it should be, and empty."""
    with Store.create(path, codec, group_tokens=GROUP) as writer:
        writer.add(rows(200))
        writer.flush()
        shard = Store.open(path).shards[0]
        data = bytearray(shard.path.read_bytes())
        at = int(shard.groups["offset"][3]) + 100
        data[at:] = bytes(len(data) - at)
        shard.path.write_bytes(data)
        writer._shard.leave()
        writer._shard = None
    Store.append(path).close()
    assert np.array_equal(Store.open(path)[:], rows(192)) and not problems_of(path)


LIMITED = (
    "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
)


@pytest.mark.skipif(os.name == "nt", reason="there are no limits on files")
def test_a_disk_that_is_full(path, codec):
    with Store.create(path, codec, group_tokens=GROUP) as writer:
        writer.add(rows(100))
    process = subprocess.run([sys.executable, "-c", LIMITED + ADD, str(path), "10000"], capture_output=True, text=True)
    assert process.returncode == 1 and "OSError: [Errno 27] File too large" in process.stderr
    store = Store.open(path)
    assert len(store) == 100 + GROUP and np.array_equal(store[:], rows(len(store)))
    with Store.append(path) as writer:
        writer.add(rows(300)[len(writer) :])
    assert np.array_equal(Store.open(path)[:], rows(300)) and not problems_of(path)


def test_what_could_not_be_written_is_kept(path, codec, monkeypatch):
    with Store.create(path, codec, group_tokens=GROUP) as writer:
        writer.add(rows(70))
        import rdcodec.store.unfinished as unfinished

        def full(file, data):
            file.write(bytes(data)[:10])
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(unfinished, "_write", full)
            with pytest.raises(OSError, match="No space left"):
                writer.add(rows(200)[70:])
            with pytest.raises(OSError, match="No space left"):
                writer.flush()
        assert np.array_equal(Store.open(path)[:], rows(64))
        writer.add(rows(200)[len(writer) :])
    assert np.array_equal(Store.open(path)[:], rows(200)) and not problems_of(path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything can be written")
def test_a_folder_that_is_read_only(path, codec):
    Store.create(path, codec).close()
    (path / "lock").unlink()
    path.chmod(0o555)
    try:
        with pytest.raises(PermissionError):
            Store.append(path)
        assert len(Store.open(path)) == 0
    finally:
        path.chmod(0o755)


def test_a_folder_that_cannot_be_written_leaves_nothing(path, codec, monkeypatch):
    import rdcodec.store.writer as writer

    def full(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(writer, "write_description", full)
    with pytest.raises(OSError, match="Read-only"):
        Store.create(path, codec)
    assert not list(path.parent.iterdir())


def test_a_damaged_group_is_named_and_the_others_are_read(filled):
    path, h, _ = filled
    shard = Store.open(path).shards[0]
    at = int(shard.groups["offset"][1]) + 200
    data = bytearray(shard.path.read_bytes())
    data[at] ^= 1
    shard.path.write_bytes(data)
    store = Store.open(path)
    with pytest.raises(CorruptStreamError, match=r"00000000.shard: group 1 \(tokens 64 to 127, byte \d+\): the checksum of part 0"):
        store[:]
    with pytest.raises(CorruptStreamError, match="group 1"):
        store[[5, 100]]
    assert np.array_equal(store[:64], h[:64]) and np.array_equal(store[128:], h[128:])
    assert len(problems_of(path)) == 1 and "group 1" in problems_of(path)[0]
    assert len(problems_of(path, symbols=True)) == 1


def test_a_lost_index_is_rebuilt(filled):
    path, h, ids = filled
    for shard in Store.open(path).shards:
        cut(shard.path, shard.end + 10)
    store = Store.open(path)
    assert np.array_equal(store[:], h) and np.array_equal(store.token_ids(), ids)
    assert [document.id for document in store.documents] == ["first", "one token", "in pieces"]
    assert all("index is missing" in problem for problem in problems_of(path))


def test_lost_groups_leave_a_hole(filled):
    path, h, _ = filled
    shards = Store.open(path).shards
    cut(shards[0].path, int(shards[0].groups["offset"][2]) + 5)
    store = Store.open(path)
    assert len(store) == 700 and np.array_equal(store[:128], h[:128]) and np.array_equal(store[shards[1].first :], h[shards[1].first :])
    with pytest.raises(CorruptStreamError, match="00000000.shard: the group with token 130 is missing"):
        store[130]
    assert any(f"tokens 128 to {shards[1].first - 1} are missing" in problem for problem in problems_of(path))


@pytest.mark.parametrize("is_indexed", [True, False])
def test_groups_out_of_order(filled, is_indexed):
    path, h, _ = filled
    shard = Store.open(path).shards[0]
    first, second, third = (int(offset) for offset in shard.groups["offset"][1:4])
    data = shard.path.read_bytes()
    swapped = data[:first] + data[second:third] + data[first:second] + data[third:]
    shard.path.write_bytes(swapped if is_indexed else swapped[: shard.end])
    store = Store.open(path)
    with pytest.raises(CorruptStreamError, match="group 1 .*: another group than" if is_indexed else "the group with token 64 is missing"):
        store[64]
    assert np.array_equal(store[:64], h[:64]) and np.array_equal(store[192:], h[192:]) and problems_of(path)


def test_another_codec_in_the_place_of_a_stores_own(filled):
    (folder,) = (filled[0] / "codecs").iterdir()
    IntegerCodec(24, 8).save_pretrained(folder)
    with pytest.raises(RdcodecError, match=f"places: states: expected codec {folder.name} of 24 channels"):
        Store.open(filled[0])


def test_a_damaged_head_without_an_index(filled):
    path, h, _ = filled
    shard = Store.open(path).shards[0]
    data = bytearray(cut(shard.path, shard.end))[: shard.end]
    data[int(shard.groups["offset"][1]) + 5] ^= 1
    shard.path.write_bytes(data)
    store = Store.open(path)
    assert np.array_equal(store[:64], h[:64]) and np.array_equal(store[128:], h[128:])
    with pytest.raises(CorruptStreamError, match="token 64 is missing"):
        store[64]


def test_shards_that_are_missing_or_elsewhere(filled):
    path, h, _ = filled
    first, second = path / "00000000.shard", path / "00000001.shard"
    one, two = first.read_bytes(), second.read_bytes()
    first.unlink()
    with pytest.raises(CorruptStreamError, match="00000000.shard: the shard is missing, 00000001.shard is there"):
        Store.open(path)
    with pytest.raises(RdcodecError, match="missing"):
        Store.append(path)
    first.write_bytes(two)
    with pytest.raises(CorruptStreamError, match="expected shard 0 of store .*, got 1 of"):
        Store.open(path)
    first.write_bytes(one[:4] + b"\2" + one[5:])
    with pytest.raises(UnsupportedVersionError, match="00000000.shard: byte 4: version 2"):
        Store.open(path)


def test_damage_is_refused_as_the_reference_refuses_it(path, codec):
    assert len(list(damage(path, codec, rounds=300))) == 300


def test_who_mends_checksums_gains_nothing(path, codec):
    assert 0 < sum(damage_and_mend(path, codec, rounds=400)) < 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:50], "expected JSON"),
        (lambda text: "[]", "expected an object"),
        (lambda text: text.replace('"version": 1', '"version": 2'), "version: expected 1, as its places are, got 2"),
        (lambda text: text.replace('"version": 1', '"version": 3'), "version 3, this release"),
        (lambda text: text.replace('"version": 1', '"version": "1"'), "version: expected an integer"),
        (lambda text: text.replace('"group_tokens": 64', '"group_tokens": 65'), "one was changed"),
        (lambda text: text.replace('"group_tokens": 64', '"group_tokens": 0'), "group_tokens: expected"),
        (lambda text: text.replace('"name": "states"', '"name": "../x"'), "name: expected text"),
        (lambda text: text.replace('"channels": 24', '"channels": 25'), "25 channels"),
        (lambda text: text.replace("float16", "float64"), "dtype: expected"),
        (lambda text: text.replace('"places": [', '"places": [], "more": ['), "places: expected a list"),
    ],
    ids=lambda value: value if isinstance(value, str) else "changed",
)
def test_a_changed_description_is_refused(filled, change, message):
    file = filled[0] / "store.json"
    file.write_text(change(file.read_text()))
    with pytest.raises(RdcodecError, match=message):
        Store.open(filled[0])
