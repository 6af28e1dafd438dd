"""Stores of made-up states, small enough to be made anew for each test."""

import numpy as np
import pytest

from rdcodec.codecs import RawCodec
from rdcodec.store import Store

CHANNELS = 24


def hidden_states(tokens, seed=0, channels=CHANNELS):
    return np.random.default_rng(seed).normal(size=(tokens, channels)).astype(np.float16)


@pytest.fixture
def states():
    """hidden_states(tokens, seed, channels): float16, which the codec of these tests keeps as they are."""
    return hidden_states


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def codec():
    return RawCodec(CHANNELS)


@pytest.fixture
def filled(path, codec):
    """A store of 700 tokens in groups of 64 and shards of a few of these: its path, states and ids."""
    h, ids = hidden_states(700), np.arange(700) * 31 % 50_000
    with Store.create(path, codec, group_tokens=64, token_ids=True, shard_bytes=16_000) as writer:
        writer.add(h[:300], token_ids=ids[:300], document="first", metadata={"source": "a"})
        writer.add(h[300:301], token_ids=ids[300:301], document="one token")
        writer.add(h[301:500], token_ids=ids[301:500])
        writer.add(h[500:600], token_ids=ids[500:600], document="in pieces", metadata={"parts": [199, 100]}, first=301)
        writer.add(h[600:], token_ids=ids[600:])
    return path, h, ids
