"""Exemplars: every group begins behind them, whoever reads or writes it, and each still decodes alone."""

import json
from pathlib import Path

import numpy as np
import pytest

from rdcodec import Codec, CorruptStreamError, RdcodecError, UnsupportedVersionError
from rdcodec.codecs import RawCodec
from rdcodec.reference_store import read_shard
from rdcodec.store import Store, join
from rdcodec.store.exemplars import Exemplars, exemplars_of
from rdcodec.store.sources import Source
from rdcodec.store.verification import problems

GROUP = 32


@pytest.fixture(scope="module")
def codec():
    """One that refers to earlier tokens."""
    return Codec.from_pretrained(Path(__file__).parents[1] / "golden" / "codec")


@pytest.fixture
def h(codec):
    """Tokens of which there are two kinds."""
    rng = np.random.default_rng(0)
    kinds = 20 * rng.normal(size=(2, codec.channels))
    return (kinds[rng.integers(0, 2, 200)] + 0.1 * rng.normal(size=(200, codec.channels))).astype(np.float16)


@pytest.fixture
def primed(path, codec, h):
    """A store, most of whose tokens are like its exemplars."""
    with Store.create(path, codec, group_tokens=GROUP, shard_bytes=1500, exemplars=h[:40]) as writer:
        writer.add(h)
    return path


def test_groups_go_on_from_them(primed, codec, h):
    store, (place,) = Store.open(primed), Store.open(primed).description.places
    decoder = codec.decoder()
    assert np.array_equal(decoder.decode(place.exemplars.frame), place.exemplars.states)
    encoder = codec.encoder(place.quality)
    encoder.encode(h[:40])
    for at in range(0, 200, GROUP):
        frame = encoder.fork().encode(h[at : at + GROUP])
        assert np.array_equal(store.read(at, min(at + GROUP, 200), dtype="float32"), decoder.fork().decode(frame))
    assert len(store.shards) > 1 and not any(found for _, found in problems(store, symbols=True))


def test_they_make_a_store_smaller(primed, codec, h):
    with Store.create(primed.with_name("other"), codec, group_tokens=GROUP) as writer:
        writer.add(h)
    assert Store.open(primed).bytes < Store.open(primed.with_name("other")).bytes
    versions = [json.loads((folder / "store.json").read_text())["version"] for folder in (primed, primed.with_name("other"))]
    assert versions == [2, 1]


def shards(path):
    return [file.read_bytes() for file in sorted(path.glob("*.shard"))]


def test_going_on_and_workers(primed, codec, h):
    other = primed.with_name("other")
    options = {"group_tokens": GROUP, "exemplars": h[:40].astype(np.float32)}
    with Store.create(other, codec, shard_bytes=1500, workers=3, **options) as writer:
        writer.add(h[: 3 * GROUP])
    with Store.append(other, shard_bytes=1500) as writer:
        writer.add(h[3 * GROUP :])
    assert np.array_equal(Store.open(other)[:], Store.open(primed)[:])
    assert b"".join(data[32:] for data in shards(other)).count(b"RDCg") == 7
    join(primed.with_name("both"), [primed, other])
    both = Store.open(primed.with_name("both"), workers=2)
    assert np.array_equal(both[200:], both[:200])


def test_the_reference_reads_the_same(primed, codec):
    store = Store.open(primed)
    frame = store.description.places[0].exemplars.frame
    for data, shard in zip(shards(primed), store.shards):
        groups, _ = read_shard(data, 1, False, [frame])
        assert [group.tokens for group in groups] == shard.groups["tokens"].tolist()
        with pytest.raises(CorruptStreamError):
            read_shard(data, 1, False)


def test_what_is_refused(primed, codec, h):
    new = primed.with_name("new")
    for wrong, message in ((h[:0], "tokens, got shape"), (h[:5, 1:], "channels"), (h[:5] * np.inf, "finite")):
        with pytest.raises(RdcodecError, match=f"exemplars: .*{message}"):
            Store.create(new, codec, exemplars=wrong)
    with pytest.raises(TypeError, match="exemplars"):
        Store.create(new, codec, exemplars="text")
    assert not new.exists()
    (file,) = (primed / "exemplars").iterdir()
    data = file.read_bytes()
    for damaged in (data[:-1], data + b"\0", data[:5] + bytes([data[5] ^ 1]) + data[6:], Exemplars.coded(codec, None, h[:3]).frame):
        file.write_bytes(damaged)
        with pytest.raises(CorruptStreamError):
            Store.open(primed)
    file.unlink()
    with pytest.raises(RdcodecError, match="expected a file"):
        Store.open(primed)
    description = primed / "store.json"
    for version, error in ((1, RdcodecError), (3, UnsupportedVersionError)):
        file.write_bytes(data)
        description.write_text(description.read_text().replace('"version": 2', f'"version": {version}'))
        with pytest.raises(error, match="version"):
            Store.open(primed)
        description.write_text(description.read_text().replace(f'"version": {version}', '"version": 2'))
    assert len(Store.open(primed)) == 200


@pytest.mark.parametrize("tokens", [1, 300, 1000, 5000])
def test_they_come_from_all_over(tokens):
    h = np.arange(1800, dtype=np.float32)[:, None]
    sources = [Source(str(at), 600, "float32", lambda start, at=at: iter([(h[at + start : at + 600], None)]), {}) for at in (0, 600, 1200)]
    found = exemplars_of(sources, tokens)
    assert 0 < len(found) <= min(tokens, 1800) and len(found) >= min(tokens, 1800) // 2
    assert len(np.unique(found)) == len(found) or tokens > 1800
    if tokens == 1000:
        assert found.min() == 0 and found.max() > 1500


def test_codecs_that_remember_nothing_take_them(path, states):
    with Store.create(path, RawCodec(24), group_tokens=GROUP, exemplars={"states": states(9)}) as writer:
        writer.add(states(100))
    assert np.array_equal(Store.open(path)[:], states(100))
