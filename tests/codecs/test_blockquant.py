"""Integers and MXFP4 elements against their definitions, bit by bit."""

import math

import numpy as np
import pytest

from rdcodec import Codec, CorruptStreamError, RdcodecError
from rdcodec.codecs import GlobalStepCodec, IntegerCodec, MXFP4Codec
from rdcodec.stream import read_frame, write_frame


def payload_of(codec, h):
    return read_frame(codec.encoder().encode(np.asarray(h, np.float32))).payload


def decoded(codec, h):
    return codec.decode(codec.encode(np.asarray(h, np.float32)))


@pytest.mark.parametrize(
    ("codec", "bits"),
    [
        (IntegerCodec(576, 8), 4624),
        (IntegerCodec(576, 6, group=32), 3744),
        (IntegerCodec(576, 4, group=32), 2592),
        (MXFP4Codec(576), 2448),
    ],
)
@pytest.mark.parametrize("tokens", [1, 16])
def test_bits_a_token(codec, bits, tokens):
    assert 8 * len(payload_of(codec, np.ones((tokens, 576)))) == tokens * bits


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("group", [None, 1, 7, 32, 70])
def test_integers_are_the_nearest_multiples_of_the_scale(states, bits, group):
    h = states(5)
    codec = IntegerCodec(70, bits, group)
    out = decoded(codec, h)
    largest = 2 ** (bits - 1) - 1
    width = group or 70
    for token in range(len(h)):
        for start in range(0, 70, width):
            x, y = h[token, start : start + width], out[token, start : start + width]
            scale = np.float32(np.float16(np.abs(x).max() / largest))
            np.testing.assert_array_equal(y, np.clip(np.rint(x / scale), -largest, largest) * scale)


def test_integers_in_bytes():
    payload = payload_of(IntegerCodec(3, 4), [[7, -1, 2]])
    assert payload.hex() == "003c" + "7f20"  # scale 1.0, little-endian; 7, -1, 2, padding


def test_blocks_of_zeros_and_of_tiny_values():
    for codec in (IntegerCodec(40, 8), MXFP4Codec(40)):
        assert not decoded(codec, np.zeros((2, 40))).any()
    assert not decoded(IntegerCodec(40, 8), np.full((2, 40), 1e-12)).any()


def e2m1_of_the_specification():
    """All 16 elements: sign, two bits of exponent with bias 1, one bit of mantissa."""
    values = []
    for code in range(16):
        sign, exponent, mantissa = code >> 3, code >> 1 & 3, code & 1
        magnitude = 2.0 ** (exponent - 1) * (1 + mantissa / 2) if exponent else mantissa / 2
        values.append(math.copysign(magnitude, -1 if sign else 1))
    return values


def test_mxfp4_elements_come_back_bit_for_bit():
    block = np.array([e2m1_of_the_specification() * 2])
    for exponent in (-126, -3, 0, 5, 125):
        scaled = np.ldexp(block, exponent).astype(np.float32)
        payload = payload_of(MXFP4Codec(32), scaled)
        assert payload == bytes([127 + exponent]) + bytes.fromhex("0123456789abcdef" * 2)
        np.testing.assert_array_equal(decoded(MXFP4Codec(32), scaled), scaled)


def test_mxfp4_rounds_to_the_nearest_and_ties_to_even(states):
    values = np.array(e2m1_of_the_specification()[:8])
    ties = (values[1:] + values[:-1]) / 2
    grid = np.sort(np.concatenate([np.linspace(0, 7.99, 400), ties]))
    for x in grid.tolist():
        nearest = min(range(8), key=lambda code: (abs(values[code] - x), code % 2))
        block = np.zeros((1, 32), np.float32)
        block[0, 0], block[0, 1], block[0, 2] = 4, x, -x  # the scale is 1 for a largest magnitude of 4 to 8
        out = decoded(MXFP4Codec(32), block)[0]
        assert (out[1], out[2]) == (values[nearest], -values[nearest]), x


@pytest.mark.parametrize("largest", [1.0, 1.99, 2.0, 3.7, 4.0, 1e-38, 3e38, 1e-45])
def test_mxfp4_scale_is_that_of_the_specification(largest):
    block = np.zeros((1, 32), np.float32)
    block[0, 9] = largest
    expected = max(math.floor(math.log2(block[0, 9])) - 2, -127)
    assert payload_of(MXFP4Codec(32), block)[0] == expected + 127


def test_payloads_no_encoder_writes():
    def refused(codec, text):
        with pytest.raises(CorruptStreamError):
            codec.decoder().decode(write_frame(1, bytes.fromhex(text), 0))

    refused(IntegerCodec(3, 4), "003c" + "7f21")  # padding that is not zero
    refused(IntegerCodec(3, 4), "003c" + "8f20")  # -8, below the smallest integer
    refused(IntegerCodec(3, 4), "007c" + "7f20")  # an infinite scale
    refused(IntegerCodec(3, 4), "00bc" + "7f20")  # a negative one
    refused(MXFP4Codec(2), "ff" + "12")  # NaN as a scale
    refused(MXFP4Codec(2), "fd" + "12")  # a scale that float32 values never need


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bits": 1}, "bits: expected 2 to 8, got 1"),
        ({"bits": 9}, "bits: expected 2 to 8, got 9"),
        ({"bits": 2.5}, "bits: expected 2 to 8, got 2.5"),
        ({"bits": 2**70}, f"bits: expected 2 to 8, got {2**70}"),
        ({"group": 2.5}, "group: expected 1 to 8 channels, got 2.5"),
        ({"group": 0}, "group: expected 1 to 8 channels, got 0"),
        ({"group": 9}, "group: expected 1 to 8 channels, got 9"),
    ],
)
def test_misuse(arguments, message):
    with pytest.raises(RdcodecError, match=message):
        IntegerCodec(8, **arguments)


def test_numbers_of_any_type_are_taken(tmp_path):
    codec = IntegerCodec(8, np.int64(4), np.uint8(3))
    codec.save_pretrained(tmp_path)
    assert Codec.from_pretrained(tmp_path).codec_id == codec.codec_id == IntegerCodec(8, 4, 3).codec_id


def test_arrays_that_are_not_aligned_are_taken():
    h = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
    unaligned = np.zeros(h.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(h.shape)
    unaligned[...] = h
    for codec in (IntegerCodec(8), GlobalStepCodec.fit(h, 0.1)):
        assert codec.encode(unaligned) == codec.encode(h)
