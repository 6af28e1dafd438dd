"""Blocks: within their bound whatever comes, back as they were or as the codec has them."""

import pytest
import torch

from rdcodec import RdcodecError
from rdcodec.adapters import BlockCodec
from rdcodec.codecs import IntegerCodec, RawCodec
from rdcodec.errors import CodecMismatchError, CorruptStreamError, LimitError

CHANNELS = 16


@pytest.fixture
def blocks():
    return BlockCodec(IntegerCodec(CHANNELS, 8))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("shape", [(40, CHANNELS), (2, 30, CHANNELS)], ids=str)
def test_states_are_coded(blocks, shape, dtype):
    h = torch.randn(shape).to(dtype)
    block = blocks.encode(h)
    assert len(block) < h.nbytes and blocks.statistics.coded_blocks == 1
    assert blocks.statistics.ratio == h.nbytes / len(block)
    back = blocks.decode(block)
    assert back.shape == h.shape and back.dtype is dtype
    torch.testing.assert_close(back.float(), h.float(), atol=0.05, rtol=0)


OTHERS = {
    "not finite": torch.tensor([[1.0, float("nan")] * 8] * 4),
    "other channels": torch.randn(5, 3),
    "one token, no smaller": torch.randn(1, CHANNELS).half(),
    "a row": torch.randn(CHANNELS),
    "four axes": torch.randn(2, 2, 3, CHANNELS),
    "integers": torch.arange(64).reshape(4, 16),
    "double": torch.randn(3, CHANNELS, dtype=torch.float64),
    "nothing": torch.randn(0, CHANNELS),
    "a number": torch.tensor(3.0),
    "not contiguous": torch.randn(CHANNELS, 3, CHANNELS).double().permute(2, 1, 0),
}


@pytest.mark.parametrize("tensor", OTHERS.values(), ids=OTHERS)
def test_others_are_raw_and_within_the_bound(blocks, tensor):
    block = blocks.encode(tensor)
    assert len(block) <= blocks.max_size(tensor) and blocks.statistics.raw_blocks == 1
    back = blocks.decode(block)
    assert back.dtype is tensor.dtype and torch.equal(back.nan_to_num(), tensor.nan_to_num())


def test_bytes_that_are_no_block(blocks):
    coded, raw = blocks.encode(torch.randn(40, CHANNELS)), blocks.encode(torch.randn(3))
    for data in (b"", b"\2" + coded[1:], coded[:1], coded[:-1], raw[:-1], raw[:1], b"\0" + bytes(8)):
        with pytest.raises(CorruptStreamError):
            blocks.decode(data)
    with pytest.raises(LimitError):
        blocks.decode(coded, max_bytes=100)
    with pytest.raises(CodecMismatchError):
        BlockCodec(RawCodec(CHANNELS)).decode(coded)
    with pytest.raises(RdcodecError, match="quality"):
        BlockCodec(RawCodec(CHANNELS), quality=3)
