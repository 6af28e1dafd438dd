"""Adding to a store: in any pieces, by any number of workers; what is wrong is refused and changes nothing."""

import os

import numpy as np
import pytest

from rdcodec import RdcodecError, _core
from rdcodec.codecs import IntegerCodec, Origin, RawCodec
from rdcodec.reference_store import read_shard
from rdcodec.store import Store
from rdcodec.store.workers import pool_of


def contents(path):
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


@pytest.mark.parametrize("sizes", [[700], [1] * 700, [63, 65, 64, 128, 380]])
def test_bytes_do_not_depend_on_the_pieces(tmp_path, codec, states, sizes):
    h = states(700)
    with Store.create(tmp_path / "whole", codec, group_tokens=64, shard_bytes=9000) as writer:
        writer.add(h)
    with Store.create(tmp_path / "pieces", codec, group_tokens=64, shard_bytes=9000) as writer:
        for start, size in zip(np.cumsum([0, *sizes]), sizes):
            writer.add(h[start : start + size])
    assert contents(tmp_path / "whole") == contents(tmp_path / "pieces")


def test_bytes_do_not_depend_on_the_workers(tmp_path, codec, states):
    for workers in (1, 3):
        with Store.create(tmp_path / str(workers), codec, group_tokens=64, shard_bytes=9000, workers=workers) as writer:
            for seed in range(5):
                writer.add(states(150, seed), document=str(seed))
    assert contents(tmp_path / "1") == contents(tmp_path / "3")


def test_the_reference_reads_the_same(filled):
    path, h, ids = filled
    tokens = 0
    names = sorted(path.glob("*.shard"))
    assert len(names) > 1
    for number, name in enumerate(names):
        groups, header = read_shard(name.read_bytes(), 1, True)
        assert header == (Store.open(path).description.store_id, number, tokens)
        for group in groups:
            assert group.first == tokens - header[2]
            planes = np.frombuffer(b"".join(payload for _, _, payload in group.frames[0]), np.uint8).reshape(2, -1)
            found = np.stack([planes[1], planes[0]], 1).reshape(-1).view("<f2").reshape(-1, 24)  # the codec's: high bytes, then low ones
            assert np.array_equal(found, h[tokens : tokens + group.tokens])
            assert group.ids == list(ids[tokens : tokens + group.tokens])
            tokens += group.tokens
    assert tokens == 700


def test_going_on(path, codec, states):
    h = states(400)
    Store.create(path, codec, group_tokens=64).close()
    for start in range(0, 400, 100):
        with Store.append(path) as writer:
            assert len(writer) == start
            writer.add(h[start : start + 100], document=str(start))
    store = Store.open(path)
    assert np.array_equal(store[:], h) and [d.start for d in store.documents] == [0, 100, 200, 300]


def test_a_document_over_several_shards(path, codec, states):
    h = states(600)
    with Store.create(path, codec, group_tokens=64, shard_bytes=9000) as writer:
        writer.add(h[:10], document="small")
        writer.add(h[10:400])
    with Store.append(path, shard_bytes=9000) as writer:
        writer.add(h[400:], document="large", first=20)
    document = Store.open(path).documents["large"]
    assert (document.start, document.stop) == (20, 600)


def test_a_buffer_may_be_used_again(path, states):
    with Store.create(path, RawCodec(24), dtype="float32") as writer:
        buffer = np.empty((40, 24), np.float32)
        for seed in range(3):
            buffer[:] = states(40, seed)
            writer.add(buffer)
            buffer[:] = 9
    assert np.array_equal(Store.open(path)[:], np.concatenate([states(40, seed) for seed in range(3)]))


def test_a_store_explains_itself(path, states):
    codec = IntegerCodec(24, 6)
    codec.origin = Origin("llama", "0123456789abcdef")
    Store.create(path, {"layer3.mlp": codec}).close()
    place = Store.open(path)["layer3.mlp"]
    assert place.codec.codec_id == codec.codec_id and place.codec.origin == codec.origin


def wrong_rows(states):
    h = states(10)
    yield h.astype(np.float32), "expected float16 as the store holds, got float32"
    yield h[:, :23], "expected 24 channels"
    yield h[0], r"expected \[tokens, channels\]"
    yield (
        np.where(np.arange(24) == 3, np.nan, h).astype(np.float16),
        r"states: states: h: expected finite values, got nan at index \(0, 3\)",
    )
    yield {"states": h, "other": h}, "expected those of states, got states, other"
    yield {}, "expected those of states"


def test_wrong_states_change_nothing(path, codec, states):
    with Store.create(path, codec, group_tokens=4) as writer:
        writer.add(states(10))
        before = contents(path)
        for rows, message in wrong_rows(states):
            with pytest.raises(RdcodecError, match=message):
                writer.add(rows)
        for rows in ([[1.0] * 24], None, states(3).astype(np.float64), "text"):
            with pytest.raises(TypeError, match="states"):
                writer.add(rows)
        assert contents(path) == before and len(writer) == 10
    assert np.array_equal(Store.open(path)[:], states(10))


def test_wrong_documents_and_ids(path, codec, states):
    with Store.create(path, codec, token_ids=True) as writer:
        ids = np.arange(10)
        for wrong, message in ((None, "got none"), (ids[:9], "shape"), (ids * 0.5, "integers"), (ids - 1, "0 to"), (ids + 2**32, "0 to")):
            with pytest.raises(RdcodecError, match=f"token_ids.*{message}"):
                writer.add(states(10), token_ids=wrong)
        for name in ("", 5, "\ud800"):
            with pytest.raises(RdcodecError):
                writer.add(states(10), token_ids=ids, document=name)
        for metadata in ([1], {"a": float("nan")}, {"a": {1, 2}}):
            with pytest.raises(RdcodecError, match="metadata"):
                writer.add(states(10), token_ids=ids, document="x", metadata=metadata)
        with pytest.raises(RdcodecError, match="no tokens"):
            writer.add(states(0), token_ids=ids[:0], document="x")
        assert len(writer) == 0
        writer.add(states(10), token_ids=ids, document="x")
        for first in (5, 11):
            with pytest.raises(RdcodecError, match=f"first: expected 10 to 10, got {first}"):
                writer.add(states(10), token_ids=ids, document="y", first=first)
    with Store.create(path.with_name("plain"), codec) as writer, pytest.raises(RdcodecError, match="keeps none"):
        writer.add(states(10), token_ids=ids)
    with pytest.raises(RdcodecError, match="keeps no token ids"):
        Store.open(path.with_name("plain")).token_ids()


def test_an_id_is_given_once(path, codec, states, monkeypatch):
    monkeypatch.setattr("rdcodec.store.documents.MERGED_AT", 3)
    for session in range(2):
        with Store.create(path, codec, shard_bytes=2000) if not session else Store.append(path) as writer:
            for number in range(8):
                writer.add(states(20), document=f"{session}.{number}")
            for taken in ("0.0", "0.7", f"{session}.1", f"{session}.7"):
                with pytest.raises(RdcodecError, match=f"document: '{taken}': the store has a document of this id"):
                    writer.add(states(20), document=taken)
            assert len(writer) == 160 * (session + 1)
    assert [document.id for document in Store.open(path).documents] == [
        f"{session}.{number}" for session in range(2) for number in range(8)
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"codecs": {}}, "codecs: expected"),
        ({"codecs": "codec"}, "codecs: expected"),
        ({"codecs": {"a/b": RawCodec(4)}}, "a name"),
        ({"codecs": {"a": 5}}, "a: expected a codec"),
        ({"dtype": "float64"}, "dtype"),
        ({"group_tokens": 0}, "group_tokens"),
        ({"group_tokens": 4097}, "group_tokens"),
        ({"quality": 5}, "quality"),
        ({"workers": 0}, "workers"),
        ({"shard_bytes": 0}, "shard_bytes"),
    ],
    ids=str,
)
def test_wrong_arguments(path, arguments, message):
    with pytest.raises(RdcodecError, match=message):
        Store.create(path, **{"codecs": RawCodec(4), **arguments})
    assert not list(path.parent.iterdir())


def test_a_path_that_exists(path, codec):
    path.mkdir()
    with pytest.raises(FileExistsError, match="exists"):
        Store.create(path, codec)
    assert not list(path.iterdir())
    with pytest.raises(FileNotFoundError, match="holds no store"):
        Store.append(path)


def test_a_second_writer_is_refused(path, codec, states):
    with Store.create(path, codec, group_tokens=4) as writer:
        writer.add(states(10))
        before = contents(path)
        with pytest.raises(RdcodecError, match="another writer"):
            Store.append(path)
        assert contents(path) == before
    with pytest.raises(RdcodecError, match="closed"):
        writer.add(states(10))
    Store.append(path).close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_writer_is_refused(path, codec, states):
    with Store.create(path, codec) as writer:
        child = os.fork()
        if child == 0:
            try:
                writer.add(states(3))
            except RdcodecError:
                os._exit(7)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_a_reader_sees_whole_groups_of_a_writer_at_work(path, codec, states):
    h = states(50)
    with Store.create(path, codec, group_tokens=8) as writer:
        assert len(Store.open(path)) == 0
        writer.add(h[:30], document="all")
        early = Store.open(path)
        assert len(early) == 24 and np.array_equal(early[:], h[:24]) and not len(early.documents)
        writer.flush()
        assert np.array_equal(Store.open(path)[:], h[:30]) and Store.open(path).documents["all"].stop == 30
        writer.add(h[30:])
    assert np.array_equal(early[:], h[:24]), "the shard has another name now"
    assert np.array_equal(Store.open(path)[:], h)


def test_a_worker_has_no_threads_besides():
    before = _core.info()["threads"]
    with pool_of(2) as pool:
        assert pool.submit(lambda: _core.info()["threads"]).result() == 1
    assert _core.info()["threads"] == before
    with pytest.raises(ValueError, match="most: expected 1 or more, got 0"):
        _core.limit_threads(0)
