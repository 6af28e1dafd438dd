"""What stops a writer, and what damages files: nothing is lost but the group in the making, and what is damaged is named."""

import os
import random
import signal
import subprocess
import sys
import time
import zlib
from itertools import chain

import numpy as np
import pytest

from rdcodec import CorruptStreamError, RdcodecError, UnsupportedVersionError
from rdcodec.reference_store import read_shard
from rdcodec.store import Store
from rdcodec.store.container import checksum
from rdcodec.store.verification import problems

GROUP = 64

ADD = """
import sys, numpy as np
from rdcodec.store import Store
from rdcodec.store.container import checksum
path, tokens = sys.argv[1], int(sys.argv[2])
with Store.append(path, shard_bytes=9000) as writer:
    print("began", len(writer), flush=True)
    while len(writer) < tokens:
        first = len(writer)
        rows = (np.arange(first, first + 50)[:, None] * 24 + np.arange(24)) % 2048
        writer.add(rows.astype(np.float16), document=f"from {first}")
"""


def rows(tokens):
    return ((np.arange(tokens)[:, None] * 24 + np.arange(24)) % 2048).astype(np.float16)


def found_problems(path, **options):
    return [problem for _, found in problems(Store.open(path), **options) for problem in found]


def adding(path, tokens, **options):
    return subprocess.Popen(
        [sys.executable, "-c", ADD, str(path), str(tokens)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9")
def test_killed_at_random_moments(path, codec, kills=6):
    Store.create(path, codec, group_tokens=GROUP).close()
    chance, before, documents = random.Random(5), 0, 0
    for _ in range(kills):
        process = adding(path, 10**9)
        assert int(process.stdout.readline().split()[1]) == before
        time.sleep(chance.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        store = Store.open(path)
        assert np.array_equal(store[before:], rows(len(store))[before:])
        new = store.documents[documents:]
        assert all((document.start, document.stop) == (int(document.id[5:]), int(document.id[5:]) + 50) for document in new)
        before, documents = len(store), documents + len(new)
    assert before > 0 and documents > 0
    Store.append(path).close()
    assert len(Store.open(path)) == before and not found_problems(path)


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
        assert not found_problems(path)
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
    assert np.array_equal(Store.open(path)[:], rows(192)) and not found_problems(path)


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
    assert np.array_equal(Store.open(path)[:], rows(300)) and not found_problems(path)


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
    assert np.array_equal(Store.open(path)[:], rows(200)) and not found_problems(path)


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
    assert len(found_problems(path)) == 1 and "group 1" in found_problems(path)[0]
    assert len(found_problems(path, symbols=True)) == 1


def test_a_lost_index_is_rebuilt(filled):
    path, h, ids = filled
    for shard in Store.open(path).shards:
        cut(shard.path, shard.end + 10)
    store = Store.open(path)
    assert np.array_equal(store[:], h) and np.array_equal(store.token_ids(), ids)
    assert [document.id for document in store.documents] == ["first", "one token", "in pieces"]
    assert all("index is missing" in problem for problem in found_problems(path))


def test_lost_groups_leave_a_hole(filled):
    path, h, _ = filled
    shards = Store.open(path).shards
    cut(shards[0].path, int(shards[0].groups["offset"][2]) + 5)
    store = Store.open(path)
    assert len(store) == 700 and np.array_equal(store[:128], h[:128]) and np.array_equal(store[shards[1].first :], h[shards[1].first :])
    with pytest.raises(CorruptStreamError, match="00000000.shard: the group with token 130 is missing"):
        store[130]
    assert any(f"tokens 128 to {shards[1].first - 1} are missing" in problem for problem in found_problems(path))


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


def accepts(read):
    try:
        return not read()
    except RdcodecError:
        return False


def mutated(data, chance):
    """One of several kinds of damage, at random places."""
    data = bytearray(data)
    kind = chance.randrange(4)
    at = chance.randrange(len(data))
    if kind == 0:
        data[at] ^= 1 << chance.randrange(8)
    elif kind == 1:
        data[at : at + chance.randrange(1, 9)] = chance.randbytes(chance.randrange(9))
    elif kind == 2:
        del data[at:]
    else:
        start, size = chance.randrange(len(data)), chance.randrange(1, 200)
        data[at : at + size] = data[start : start + size]
    return bytes(data)


def test_damage_is_refused_as_the_reference_refuses_it(path, codec, states, rounds=300):
    with Store.create(path, codec, group_tokens=8, token_ids=True) as writer:
        for seed in range(4):
            writer.add(states(9, seed), token_ids=np.arange(9) * 300, document=f"number {seed}", metadata={"seed": seed})
    shard = path / "00000000.shard"
    data, chance = shard.read_bytes(), random.Random(7)
    assert accepts(lambda: found_problems(path, symbols=True)) and accepts(lambda: read_shard(data, 1, True) and None)
    for _ in range(rounds):
        changed = mutated(data, chance)
        shard.write_bytes(changed)
        expected = accepts(lambda: read_shard(changed, 1, True) and None)
        assert accepts(lambda: found_problems(path, symbols=True)) == expected == (changed == data)
        for read in (lambda store: store[:], lambda store: store.token_ids(), lambda store: list(store.documents), lambda store: store[30]):
            try:
                read(Store.open(path))
            except (RdcodecError, IndexError):
                continue


def mended(data, store_id, at, parts):
    """A shard with all checksums right again, so far as its lengths allow: what an attacker would write."""
    data = bytearray(data)
    data[28:32] = zlib.crc32(data[:28]).to_bytes(4, "little")
    while data[at : at + 4] == b"RDCg":
        begin, head = at + 20 + 8 * parts, at
        for part in range(parts):
            size = int.from_bytes(data[head + 16 + 8 * part : head + 20 + 8 * part], "little")
            data[head + 20 + 8 * part : head + 24 + 8 * part] = zlib.crc32(data[begin : begin + size]).to_bytes(4, "little")
            begin += size
        end = head + 16 + 8 * parts
        data[end : end + 4] = checksum(bytes(data[head:end]), store_id).to_bytes(4, "little")
        at = begin
    data[-8:-4] = checksum(bytes(data[at:-8]), store_id).to_bytes(4, "little")
    return bytes(data)


def test_who_mends_checksums_gains_nothing(path, codec, states, rounds=400):
    with Store.create(path, codec, group_tokens=8) as writer:
        for seed in range(3):
            writer.add(states(9, seed), document=f"number {seed}")
    shard, store_id = path / "00000000.shard", Store.open(path).description.store_id
    data, chance, accepted = shard.read_bytes(), random.Random(11), 0
    assert mended(data, store_id, 32, 2) == data
    (whole,) = Store.open(path).shards
    heads = [range(int(offset), int(offset) + 32) for offset in whole.groups["offset"]]
    fields = [
        *range(4, 28),
        *chain(*heads),
        *range(whole.end, len(data) - 8),
        *range(int(whole.groups["offset"][1]) + 424, int(whole.groups["offset"][2])),
    ]
    for _ in range(rounds):
        changed, at = bytearray(data), chance.choice(fields)
        changed[at] = chance.choice((0, 1, 255, changed[at] ^ 1 << chance.randrange(8)))
        changed = mended(changed, store_id, 32, 2)
        shard.write_bytes(changed)
        expected = accepts(lambda: read_shard(changed, 1, False)[1] != (store_id, 0, 0))
        assert accepts(lambda: found_problems(path)) == expected
        accepted += expected
        for read in (lambda store: store[:], lambda store: list(store.documents), lambda store: store[20]):
            try:
                read(Store.open(path))
            except (RdcodecError, IndexError):
                continue
    assert 0 < accepted < rounds / 4


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
