"""The compression under one of hivemind's names, as its own tests use compressions."""

import pytest
import torch

from rdcodec import RdcodecError
from rdcodec.adapters import hivemind_compression
from rdcodec.codecs import IntegerCodec, RawCodec
from rdcodec.errors import CodecMismatchError

compression = pytest.importorskip("hivemind.compression", exc_type=ImportError)
from hivemind.proto.runtime_pb2 import CompressionType  # noqa: E402

CHANNELS = 64
CODEC = IntegerCodec(CHANNELS, 8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_tensors_come_back(dtype):
    h = torch.randn(4, 32, CHANNELS).to(dtype).requires_grad_()
    with hivemind_compression(CODEC) as made:
        assert isinstance(made, compression.CompressionBase)
        assert made.estimate_compression_ratio(compression.CompressionInfo.from_tensor(h)) == 1
        message = compression.serialize_torch_tensor(h, CompressionType.BLOCKWISE_8BIT)
        back = compression.deserialize_torch_tensor(type(message).FromString(message.SerializeToString()))
        assert made.estimate_compression_ratio(None) < 0.6
    assert message.ByteSize() < 0.6 * h.nbytes and back.dtype is dtype and back.requires_grad
    assert (h.float() - back.float()).square().mean() < 1e-3


@pytest.mark.parametrize("tensor", [torch.randn(5), torch.arange(6).reshape(2, 3), torch.zeros(0, CHANNELS)], ids=str)
def test_other_tensors_are_exact(tensor):
    with hivemind_compression(CODEC):
        back = compression.deserialize_torch_tensor(compression.serialize_torch_tensor(tensor, CompressionType.BLOCKWISE_8BIT))
    assert torch.equal(back, tensor) and back.dtype is tensor.dtype


def test_ends_with_other_codecs_and_other_names():
    with hivemind_compression(CODEC):
        message = compression.serialize_torch_tensor(torch.randn(30, CHANNELS), CompressionType.BLOCKWISE_8BIT)
    with hivemind_compression(RawCodec(CHANNELS)), pytest.raises(CodecMismatchError):
        compression.deserialize_torch_tensor(message)
    with pytest.raises(RdcodecError, match="name: expected one of NONE"), hivemind_compression(CODEC, name="ZIP"):
        pass
