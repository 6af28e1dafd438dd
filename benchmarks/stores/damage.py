"""What stops writers and damages files, at random: of stores of states that a raw codec keeps as they are, so that every value is known."""

import random
import signal
import subprocess
import sys
import time
import zlib
from itertools import chain

import numpy as np

from rdcodec import RdcodecError
from rdcodec.reference_store import read_shard
from rdcodec.store import Store
from rdcodec.store.container import checksum
from rdcodec.store.verification import problems

CHANNELS = 24
GROUP = 64
MOST_LIFE = 0.1  # seconds that a writer lives, at most
SHARD = "00000000.shard"

ADD = """
import sys, numpy as np
from rdcodec.store import Store
path, tokens = sys.argv[1], int(sys.argv[2])
with Store.append(path, shard_bytes=9000) as writer:
    print("began", len(writer), flush=True)
    while len(writer) < tokens:
        first = len(writer)
        rows = (np.arange(first, first + 50)[:, None] * 24 + np.arange(24)) % 2048
        writer.add(rows.astype(np.float16), document=f"from {first}")
"""


def rows(tokens):
    """float16 [tokens, CHANNELS] that `ADD` adds."""
    return ((np.arange(tokens)[:, None] * CHANNELS + np.arange(CHANNELS)) % 2048).astype(np.float16)


def found_problems(store, **options):
    return [problem for _, found in problems(store, **options) for problem in found]


def accepts(read):
    try:
        return not read()
    except RdcodecError:
        return False


# ---- writers that are killed


def kill_writers(path, codec, kills, seed=5):
    """Yields how many tokens are there after each kill. Asserts that they are whole groups of what was added, and that the next writer goes on
    behind them."""
    Store.create(path, codec, group_tokens=GROUP).close()
    chance, before, documents = random.Random(seed), 0, 0
    for _ in range(kills):
        process = subprocess.Popen([sys.executable, "-c", ADD, str(path), str(10**9)], stdout=subprocess.PIPE, text=True)
        assert int(process.stdout.readline().split()[1]) == before
        time.sleep(chance.uniform(0, MOST_LIFE))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        store = Store.open(path)
        assert np.array_equal(store[before:], rows(len(store))[before:])
        new = store.documents[documents:]
        assert all((document.start, document.stop) == (int(document.id[5:]), int(document.id[5:]) + 50) for document in new)
        before, documents = len(store), documents + len(new)
        yield before
    Store.append(path).close()
    store = Store.open(path)
    assert len(store) == before and not found_problems(store)


# ---- bytes that are changed


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


def _states(seed):
    return np.random.default_rng(seed).normal(size=(9, CHANNELS)).astype(np.float16)


def _check(path, changed, expected, symbols, read):
    """Asserts that the store of a shard so changed is refused or not, as expected; reading it ends in what it holds or in an error."""
    (path / SHARD).write_bytes(changed)
    try:
        store = Store.open(path)
    except RdcodecError:
        assert not expected
        return
    assert accepts(lambda: found_problems(store, symbols=symbols)) == expected
    try:
        read(store)
    except (RdcodecError, IndexError):
        pass


def damage(path, codec, rounds, seed=7):
    """Yields once a round. Asserts that damage is refused wherever it is, as the reference refuses it."""
    with Store.create(path, codec, group_tokens=8, token_ids=True) as writer:
        for number in range(4):
            writer.add(_states(number), token_ids=np.arange(9) * 300, document=f"number {number}", metadata={"seed": number})
    data, chance = (path / SHARD).read_bytes(), random.Random(seed)
    ways = (lambda store: store[:], lambda store: store.token_ids(), lambda store: list(store.documents), lambda store: store[30])
    for _ in range(rounds):
        changed = mutated(data, chance)
        expected = accepts(lambda changed=changed: read_shard(changed, 1, True) and None)
        assert expected == (changed == data)
        _check(path, changed, expected, True, chance.choice(ways))
        yield


def damage_and_mend(path, codec, rounds, seed=11):
    """Yields, once a round, whether a shard with changed fields and right checksums is accepted. Asserts that it is where the reference accepts it."""
    with Store.create(path, codec, group_tokens=8) as writer:
        for number in range(3):
            writer.add(_states(number), document=f"number {number}")
    data, store, chance = (path / SHARD).read_bytes(), Store.open(path), random.Random(seed)
    (whole,), store_id = store.shards, store.description.store_id
    assert mended(data, store_id, 32, 2) == data
    heads = [range(int(offset), int(offset) + 32) for offset in whole.groups["offset"]]
    texts = range(int(whole.groups["offset"][1]) + 424, int(whole.groups["offset"][2]))
    fields = [*range(4, 28), *chain(*heads), *range(whole.end, len(data) - 8), *texts]
    ways = (lambda store: store[:], lambda store: list(store.documents), lambda store: store[20])
    for _ in range(rounds):
        changed, at = bytearray(data), chance.choice(fields)
        changed[at] = chance.choice((0, 1, 255, changed[at] ^ 1 << chance.randrange(8)))
        changed = mended(changed, store_id, 32, 2)
        expected = accepts(lambda changed=changed: read_shard(changed, 1, False)[1] != (store_id, 0, 0))
        _check(path, changed, expected, False, chance.choice(ways))
        yield expected
