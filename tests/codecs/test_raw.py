"""Raw values are the values, to the precision of their element type."""

import builtins

import numpy as np
import pytest
import torch

from rdcodec import CorruptStreamError, RdcodecError
from rdcodec.codecs import RawCodec
from rdcodec.stream import read_frame, write_frame

EVERY = [(dtype, compression) for dtype in ("float16", "bfloat16") for compression in (None, "zlib", "zstd")]


def all_values(dtype):
    """Every finite value of a 16-bit type."""
    values = torch.arange(-(2**15), 2**15, dtype=torch.int16).view(getattr(torch, dtype))
    return values[values.isfinite()][None]


@pytest.mark.parametrize(("dtype", "compression"), EVERY)
def test_values_of_the_type_come_back_bit_for_bit(dtype, compression):
    values = all_values(dtype)
    codec = RawCodec(values.shape[1], dtype, compression)
    decoded = torch.as_tensor(codec.decode(codec.encode(values)))
    assert torch.equal(decoded.view(torch.int16), values.view(torch.int16))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_float32_is_rounded_as_torch_does(dtype):
    bits = np.random.default_rng(0).integers(0, 2**32, (1, 60000), dtype=np.uint32)
    bits[0, ::3] &= 0xFFFF8000  # ties
    h = bits.view(np.float32)
    h = h[np.isfinite(h)][None]
    largest = torch.finfo(getattr(torch, dtype)).max
    expected = torch.from_numpy(h).clamp(-largest, largest).to(getattr(torch, dtype)).float().numpy()
    codec = RawCodec(h.shape[1], dtype)
    np.testing.assert_array_equal(codec.decode(codec.encode(h)), expected)


def test_bytes_of_a_frame():
    frame = RawCodec(2).encoder().encode(np.array([[1.0, -2.5]], np.float32))
    assert read_frame(frame).payload.hex() == "3cc10000"  # 3c00, c100: high bytes first


@pytest.mark.parametrize("compression", ["zlib", "zstd"])
def test_compression_shrinks(h, compression):
    codec = RawCodec(h.shape[1], "bfloat16", compression)
    assert len(codec.encode(h)) < 0.95 * 2 * h.size


@pytest.mark.parametrize("compression", ["zlib", "zstd"])
def test_payloads_that_unpack_to_another_size(h, compression):
    small, large = RawCodec(h.shape[1], "float16", compression), np.zeros((4096, h.shape[1]), np.float32)
    payload = read_frame(small.encoder().encode(large)).payload
    assert len(payload) < 1000
    with pytest.raises(CorruptStreamError, match="does not hold the 140 bytes of its tokens"):
        small.decoder().decode(write_frame(1, payload, 0))
    with pytest.raises(CorruptStreamError):
        small.decoder().decode(write_frame(4096, payload + payload, 0))


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(CorruptStreamError, match="payload: expected finite values, got something else at position"):
        RawCodec(1).decoder().decode(write_frame(1, bytes.fromhex("7c00"), 0))


def test_misuse():
    with pytest.raises(RdcodecError, match="dtype: expected one of float16, bfloat16, got 'float8'"):
        RawCodec(4, "float8")
    with pytest.raises(RdcodecError, match="compression: expected one of None, 'zlib', 'zstd', got 'lz4'"):
        RawCodec(4, compression="lz4")


def test_zstandard_is_named_where_it_is_missing(monkeypatch):
    original = builtins.__import__

    def without_zstandard(name, *arguments):
        if name == "zstandard":
            raise ImportError(name)
        return original(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without_zstandard)
    with pytest.raises(ImportError, match=r"needs the package zstandard: pip install 'rdcodec\[zstd\]'"):
        RawCodec(4, compression="zstd")
