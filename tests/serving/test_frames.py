"""Rows of several lengths as frames, the best logits as bytes."""

import pytest
import torch

from rdcodec.codecs import RawCodec
from rdcodec.errors import CorruptStreamError
from rdcodec.serving.best_logits import pack_best, packed_bytes, unpack_best
from rdcodec.serving.frames import decode_states, encode_states, frame_counts

CODEC = RawCodec(8)
SIZE = 4


def ends(count):
    return [CODEC.encoder() for _ in range(count)], [CODEC.decoder() for _ in range(count)]


@pytest.mark.parametrize("counts", [[3, 3], [4], [1, 0, 9], [0, 2], [5, 5]], ids=str)
def test_rows_come_back(counts):
    encoders, decoders = ends(len(counts))
    states = [torch.randn(count, 8).half().float() for count in counts]
    frames = encode_states(encoders, states, SIZE)
    assert [len(row) for row in frames] == frame_counts(counts, SIZE)
    back = decode_states(decoders, frames, counts, SIZE)
    assert all(torch.equal(h, b) if len(h) else b is None for h, b in zip(states, back))


@pytest.mark.parametrize("counts", [[2, 2], [3, 2]], ids=str)
def test_frames_of_other_tokens_are_refused(counts):
    encoders, decoders = ends(2)
    frames = encode_states(encoders, [torch.zeros(1, 8)] * 2, SIZE)
    with pytest.raises(CorruptStreamError, match=r"frames: expected \[., 2\] tokens of the rows, got \[1, 1\]"):
        decode_states(decoders, frames, counts, SIZE)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("count", [1, 3])
def test_best_logits(count, dtype):
    logits = torch.tensor([[[1.0, 5, 2, 5, 5], [0, -1, 0, 7, 3]]], dtype=dtype)
    packed = pack_best(logits, count)
    assert packed.shape == (1, 2, packed_bytes(count, dtype)) and packed.dtype is torch.uint8
    best = unpack_best(packed, count, 5, dtype)
    assert torch.equal(best.argmax(-1), logits.argmax(-1)), "the first of equal ones"
    kept = best > -torch.inf
    assert (kept.sum(-1) == count).all() and torch.equal(best[kept], logits[kept])
    assert best.dtype is dtype
