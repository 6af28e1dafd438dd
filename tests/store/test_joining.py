"""Stores that were written apart are, joined, the one that was written in one."""

import numpy as np
import pytest

from rdcodec import RdcodecError
from rdcodec.codecs import IntegerCodec
from rdcodec.store import Store, join
from rdcodec.store.verification import problems


@pytest.fixture
def parts(tmp_path, codec, states):
    """Three stores of whole shards, and one of the same tokens written alone."""
    h = states(600)
    for number in range(3):
        with Store.create(tmp_path / f"part {number}", codec, group_tokens=50, shard_bytes=5000) as writer:
            for start in range(200 * number, 200 * number + 200, 100):
                writer.add(h[start : start + 100], document=f"from {start}")
    with Store.create(tmp_path / "alone", codec, group_tokens=50, shard_bytes=5000) as writer:
        for start in range(0, 600, 100):
            writer.add(h[start : start + 100], document=f"from {start}")
    return [tmp_path / f"part {number}" for number in range(3)]


def shards(path):
    return [file.read_bytes() for file in sorted(path.glob("*.shard"))]


def test_as_if_written_alone(parts, path, states):
    join(path, parts)
    assert shards(path) == shards(path.with_name("alone"))
    store = Store.open(path)
    assert np.array_equal(store[:], states(600)) and store.documents["from 300"].start == 300
    assert not any(found for _, found in problems(store))
    with Store.append(path) as writer:
        assert len(writer) == 600


def test_what_is_refused(parts, path, states):
    with pytest.raises(RdcodecError, match="at least one"):
        join(path, [])
    with pytest.raises(FileNotFoundError, match="holds no store"):
        join(path, [parts[0], path])
    with pytest.raises(FileExistsError, match="exists"):
        join(parts[0], parts[1:])
    Store.create(path.with_name("other"), IntegerCodec(24, 8), group_tokens=50).close()
    with pytest.raises(RdcodecError, match="other: expected a store described as"):
        join(path, [parts[0], path.with_name("other")])
    with Store.append(parts[1]) as writer:
        writer.add(states(60))
        with pytest.raises(RdcodecError, match="00000002.part: the shard is not finished"):
            join(path, parts)
    with Store.append(parts[2]) as writer:
        writer.add(states(60), document="from 100")
    with pytest.raises(RdcodecError, match="documents: 'from 100': expected an id of one document"):
        join(path, [parts[0], parts[2]])
    assert not path.exists() and not list(path.parent.glob(".*"))
