"""Codecs whose transforms run where a model's states are: same bytes, same values. The processor is a device here, as any other is."""

import copy
import pickle

import numpy as np
import pytest
import torch

from rdcodec import RdcodecError
from rdcodec.codecs import decode_rows, encode_rows


@pytest.fixture
def codec(transform_codec):
    return transform_codec


@pytest.fixture
def states(states):
    """states(*shape, seed): with one massive activation, and one token of zeros."""

    def made(*shape, seed=0):
        h = states(int(np.prod(shape)), seed)
        h[1, 3] = 1e6
        h[2] = 0
        return torch.from_numpy(h.reshape(*shape, -1))

    return made


@pytest.mark.parametrize("quality", [-8, None, 16])
def test_streams_are_the_same(codec, states, quality):
    moved, h = codec.to("cpu"), states(2, 40)
    data = moved.encode(h, quality)
    assert data == codec.encode(h, quality)
    decoded = moved.decode(data)
    assert isinstance(decoded, torch.Tensor)
    assert torch.equal(decoded, torch.from_numpy(codec.decode(data)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_element_types(codec, states, dtype):
    moved, h = codec.to("cpu"), states(30).clamp(-6e4, 6e4).to(dtype)
    data = moved.encode(h)
    assert data == codec.encode(h)
    assert moved.decode(data).dtype == dtype
    assert torch.equal(moved.decode(data), torch.as_tensor(codec.decode(data)))


def test_links_go_on(codec, states):
    moved = codec.to("cpu")
    ends = [(c.encoder(), c.decoder()) for c in (codec, moved)]
    for tokens in (5, 1, 0, 1, 3):
        h = states(5, seed=tokens)[:tokens]
        (frame, values), (moved_frame, moved_values) = ((f := e.encode(h), d.decode(f)) for e, d in ends)
        assert moved_frame == frame
        assert isinstance(moved_values, torch.Tensor)
        assert torch.equal(moved_values, torch.from_numpy(values))


def test_rows_of_one_quality_and_of_several(codec, states):
    moved, h = codec.to("cpu"), states(3, 4)
    for qualities in [(0, 0, 0), (0, 4, 0), (0,)]:
        frames = [encode_rows([c.encoder(q) for q in qualities], h[: len(qualities)]) for c in (codec, moved)]
        assert frames[0] == frames[1]
        values = [decode_rows([c.decoder() for _ in qualities], frames[0]) for c in (codec, moved)]
        assert torch.equal(values[1], torch.from_numpy(values[0]))


def test_arrays_are_taken_too(codec, states):
    h = states(6).numpy()
    assert codec.to("cpu").encode(h) == codec.encode(h)


def test_a_state_that_is_not_finite_is_named(codec, states):
    h = states(1, 6)
    h[0, 3, 7] = float("nan")
    with pytest.raises(RdcodecError, match=r"finite values, got nan at index \(0, 3, 7\)"):
        codec.to("cpu").encode(h)


def test_moved_codecs_are_equal_and_pickles_are_in_the_processors_memory(codec, states):
    moved = codec.to("cpu")
    assert moved == codec
    assert copy.copy(moved).place is moved.place
    assert pickle.loads(pickle.dumps(moved)).place is codec.place
    assert moved.to(None).place is codec.place
    encoder, h = moved.encoder(), states(4)
    assert pickle.loads(pickle.dumps(encoder)).encode(h) == codec.encoder().encode(h)


def test_no_such_device(codec):
    with pytest.raises(RdcodecError, match="device"):
        codec.to("nowhere")


def test_gradients_and_other_layouts(codec, states):
    h = states(6)
    strange = h.T.contiguous().T.requires_grad_()
    assert codec.to("cpu").encode(strange) == codec.encode(h)
