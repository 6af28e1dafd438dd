"""Rows coded side by side: the bytes and the tokens of rows one by one, and all or none."""

import numpy as np
import pytest

from rdcodec import CorruptStreamError, RdcodecError
from rdcodec.codecs import RawCodec, decode_rows, encode_rows, transmit_rows
from rdcodec.errors import LimitError
from rdcodec.stream import read_frame

ROWS = 5


@pytest.fixture
def states(h):
    """float32 [rows, tokens, channels], other tokens in each row."""
    return np.ascontiguousarray(np.stack([np.roll(h[:40], 7 * row, axis=0) for row in range(ROWS)]))


def parts(states):
    """A prompt, then a token at a time."""
    return [states[:, :20], *(states[:, at : at + 1] for at in range(20, 24)), states[:, 24:24]]


def test_bytes_are_those_of_rows_one_by_one(codec, states):
    encoders, alone = ([codec.encoder() for _ in range(ROWS)] for _ in range(2))
    decoders = [codec.decoder() for _ in range(ROWS)]
    expecting = [codec.decoder() for _ in range(ROWS)]
    for part in parts(states):
        frames = encode_rows(encoders, part)
        assert frames == [encoder.encode(row) for encoder, row in zip(alone, part)]
        values = decode_rows(decoders, frames)
        assert values.dtype == np.float32 and values.shape == part.shape
        np.testing.assert_array_equal(values, [decoder.decode(frame) for decoder, frame in zip(expecting, frames)])


def test_both_ends_in_one_call(codec, states):
    encoders, alone = ([codec.encoder() for _ in range(ROWS)] for _ in range(2))
    decoders, expecting = ([codec.decoder() for _ in range(ROWS)] for _ in range(2))
    for part in parts(states):
        values, size, encoding, decoding = transmit_rows(encoders, decoders, part)
        frames = encode_rows(alone, part)
        np.testing.assert_array_equal(values, decode_rows(expecting, frames))
        assert size == sum(map(len, frames)) and encoding > 0 and decoding > 0
    wrong = states[:, 30:32] * np.float32("inf")
    with pytest.raises(RdcodecError, match="h: expected finite values"):
        transmit_rows(encoders, decoders, wrong)
    with pytest.raises(RdcodecError, match="decoders: expected at least one, and none twice"):
        transmit_rows(encoders, decoders[:1] * ROWS, states[:, 30:31])
    with pytest.raises(CorruptStreamError):
        transmit_rows(encoders, [codec.decoder() for _ in range(ROWS)], states[:, 30:31])
    np.testing.assert_array_equal(
        transmit_rows(encoders, decoders, states[:, 30:31])[0], decode_rows(expecting, encode_rows(alone, states[:, 30:31]))
    )


def test_rows_have_qualities_and_new_starts_of_their_own(codec, states):
    coarse = codec.min_quality // 8
    encoders, alone = ([codec.encoder(coarse if row % 2 else None) for row in range(ROWS)] for _ in range(2))
    decoders = [codec.decoder() for _ in range(ROWS)]
    for part in parts(states)[:3]:
        encoders[2].restart()
        alone[2].restart()
        frames = encode_rows(encoders, part)
        assert frames == [encoder.encode(row) for encoder, row in zip(alone, part)]
        assert read_frame(frames[2]).restart > 0
        assert decode_rows(decoders, frames).shape == part.shape
    frames = encode_rows(encoders, part, quality=coarse)
    assert frames == [encoder.encode(row, coarse) for encoder, row in zip(alone, part)]


def test_one_row_that_fails_takes_back_all(codec, states):
    encoders, decoders = [codec.encoder() for _ in range(ROWS)], [codec.decoder() for _ in range(ROWS)]
    decode_rows(decoders, encode_rows(encoders, states[:, :9]))
    twins = [encoder.fork() for encoder in encoders]
    wrong = states[:, 9:12].copy()
    wrong[3, 1, 0] = np.nan
    with pytest.raises(RdcodecError, match=r"h: expected finite values, got nan at index \(3, 1, 0\)"):
        encode_rows(encoders, wrong)
    frames = encode_rows(encoders, states[:, 9:12])
    assert frames == encode_rows(twins, states[:, 9:12])
    damaged = [*frames[:4], frames[4][:-1] + bytes([frames[4][-1] ^ 1])]
    with pytest.raises(CorruptStreamError, match="checksum"):
        decode_rows(decoders, damaged)
    assert decode_rows(decoders, frames).shape == (ROWS, 3, codec.channels)


def test_misuse(codec, states):
    encoders, decoders = [codec.encoder() for _ in range(ROWS)], [codec.decoder() for _ in range(ROWS)]
    with pytest.raises(RdcodecError, match=r"expected \[rows, tokens, channels\] of 5 rows"):
        encode_rows(encoders, states[0])
    with pytest.raises(RdcodecError, match="encoders: expected at least one, and none twice"):
        encode_rows([encoders[0]] * ROWS, states)
    with pytest.raises(RdcodecError, match="encoders: expected those of one codec"):
        encode_rows([*encoders[:4], RawCodec(codec.channels + 1).encoder()], states)
    with pytest.raises(LimitError, match="4097 tokens, a frame holds 4096"):
        encode_rows(encoders, np.zeros((ROWS, 4097, codec.channels), np.float32))
    with pytest.raises(RdcodecError, match="frames: expected one a decoder, 5, got 1"):
        decode_rows(decoders, [b""])
    uneven = [encoder.encode(row[: 2 + (i == 1)]) for i, (encoder, row) in enumerate(zip(encoders, states))]
    with pytest.raises(RdcodecError, match="frames: expected as many tokens in each, got 2 to 3"):
        decode_rows(decoders, uneven)
    for decoder, frame in zip(decoders, uneven):
        decoder.decode(frame)
