"""Batches in random order: every token once, over ranks and workers, and on from where it was."""

import tracemalloc

import numpy as np
import pytest

from rdcodec import RdcodecError
from rdcodec.codecs import RawCodec
from rdcodec.store import Shuffled, Store

torch = pytest.importorskip("torch")
from rdcodec.store.shuffle import _shares  # noqa: E402

TOKENS = 1000


@pytest.fixture
def store(path):
    """Each token's states are its number."""
    with Store.create(path, RawCodec(4), group_tokens=16, shard_bytes=900) as writer:
        writer.add(np.repeat(np.arange(TOKENS, dtype=np.float16)[:, None], 4, axis=1))
    return Store.open(path)


def numbers(batches):
    return [int(row[0]) for batch in batches for row in batch]


def loader(data, workers):
    return torch.utils.data.DataLoader(data, batch_size=None, num_workers=workers)


def test_every_token_once_in_another_order(store):
    data = Shuffled(store, 30, mixed_groups=8)
    first = list(data)
    assert [len(batch) for batch in first] == [30] * 33 + [10] and first[0].dtype == torch.float16 and first[0].shape == (30, 4)
    assert sorted(numbers(first)) == list(range(TOKENS)) and numbers(first) != sorted(numbers(first))
    assert numbers(data) == numbers(first)
    data.set_epoch(1)
    assert sorted(numbers(data)) == list(range(TOKENS)) and numbers(data) != numbers(first)
    assert numbers(Shuffled(store, 30, mixed_groups=8, seed=1)) != numbers(first)
    assert len({number // 16 for number in numbers(first[:1])}) > 6, "a batch is of many groups"


def test_ranks_and_workers_share_it_out(store):
    assert next(iter(Shuffled(Store.open(store.path, dtype="float32"), 30))).dtype == torch.float32
    found = []
    for rank in range(3):
        data = Shuffled(store, 30, rank=rank, ranks=3, dtype=torch.bfloat16)
        found += numbers(loader(data, 2 if rank == 1 else 0))
    assert sorted(found) == sorted(int(torch.tensor(float(number)).to(torch.bfloat16)) for number in range(TOKENS))


def test_memory_is_that_of_what_is_drawn_from_and_two_batches(path):
    """In the store's element type; no group besides but one, and none in the cache."""
    with Store.create(path, RawCodec(64), group_tokens=100) as writer:
        writer.add(np.zeros((6400, 64), np.float16))
    store = Store.open(path)
    tracemalloc.start()
    try:
        count = sum(len(batch) == 800 for batch in Shuffled(store, 800, mixed_groups=32))
        assert count == 8 and not store._cached_bytes
        assert tracemalloc.get_traced_memory()[1] < 64 * 2 * (3200 + 2 * 800 + 5 * 100) + 2**19
    finally:
        tracemalloc.stop()


def test_who_keeps_a_batch_keeps_nothing_else(store):
    for dtype in (None, torch.float32, torch.bfloat16):
        for batch in Shuffled(store, 30, mixed_groups=8, dtype=dtype):
            assert batch.untyped_storage().nbytes() == batch.nbytes


def test_a_batch_has_tokens_of_more_groups_than_are_held(store):
    batches = list(Shuffled(store, 30, mixed_groups=8))
    assert max(len({number // 16 for number in numbers([batch])}) for batch in batches) > 12


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_it_goes_on_where_it_was(store, workers):
    def new():
        data = Shuffled(store, 30, mixed_groups=5)
        data.set_epoch(3)
        return data

    whole = [numbers([batch]) for batch in loader(new(), workers)]
    for taken in (0, 1, 7, 20, 33, len(whole)):
        data = new()
        batches = iter(loader(data, workers))
        for _ in range(taken):
            next(batches)
        state = data.state_dict(taken if workers else None)
        again = Shuffled(store, 30, mixed_groups=5)
        again.load_state_dict(state)
        assert [numbers([batch]) for batch in loader(again, workers)] == whole[taken:]


@pytest.mark.parametrize(
    ("batches", "taken", "shares", "turn"),
    [([3, 1, 3], 5, [2, 1, 2], 0), ([3, 1, 3], 6, [3, 1, 2], 2), ([2, 2], 0, [0, 0], 0), ([2, 2], 9, [2, 2], 0)],
)
def test_shares_of_workers(batches, taken, shares, turn):
    found = _shares(batches, taken)
    assert list(found[0]) == shares and found[1] == turn


def test_wrong_arguments(store, path):
    for arguments, message in (
        ({"batch": 0}, "batch"),
        ({"mixed_groups": 0}, "mixed"),
        ({"ranks": 2}, "rank: "),
        ({"rank": 2, "ranks": 2}, "rank"),
        ({"dtype": torch.int8}, "dtype: expected float32"),
    ):
        with pytest.raises(RdcodecError, match=message):
            Shuffled(store, **{"batch": 5, **arguments})
    with pytest.raises(KeyError, match="other"):
        Shuffled(store, 5, place="other")
