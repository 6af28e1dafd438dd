"""Encoders and decoders of the library beside those of Python."""

import numpy as np
import pytest
from library_builds import CHANNELS, MAKERS, states
from linked import LibraryError, decode_rows, encode_rows

from rdcodec.codecs import decode_rows as python_decode_rows
from rdcodec.codecs import encode_rows as python_encode_rows

FRAME_LIMIT, NOT_FINITE, TRUNCATED, TRAILING, CHECKSUM = (
    "tokens: expected 0 to 4096 in a frame, got 5000",
    "values: expected finite ones, got NaN or infinity at position 23",
    "byte 4: the data end too early",
    "expected the end, got 1 more bytes",
    "the checksum of the frame does not match",
)


@pytest.fixture
def loaded(library, saved):
    return library.load(saved)


def as_bfloat16(h):
    """The upper halves of float32, uint16."""
    return (np.ascontiguousarray(h, np.float32).view(np.uint32) >> 16).astype(np.uint16)


def test_a_link_of_changing_qualities_and_new_starts(codec, loaded):
    ends, beside = (loaded.encoder(), loaded.decoder()), (codec.encoder(), codec.decoder())
    h = states(30)
    for number, quality in enumerate([None, 8, 8, -20, -3]):
        if quality is not None:
            ends[0].set_quality(quality)
        if number == 3:
            ends[0].restart()
            beside[0].restart()
        part = h[5 * number : 5 * number + 5]
        frame = ends[0].encode(part)
        assert frame == beside[0].encode(part, quality)
        assert ends[1].peek(frame + b"more") == (len(frame), 5)
        assert np.array_equal(ends[1].decode(frame), beside[1].decode(frame))


def test_more_qualities_than_transforms_are_kept(codec, loaded):
    """And forks of encoders that have a transform of their own."""
    h, encoder, beside = states(40, seed=4), loaded.encoder(), codec.encoder()
    for number, quality in enumerate(range(-18, 20)):
        encoder.set_quality(quality)
        if number % 5 == 4:
            encoder = encoder.fork()
        assert encoder.encode(h[number : number + 1]) == beside.encode(h[number : number + 1], quality)


def test_forks_go_on_alone(codec, loaded):
    h = states(20)
    encoder, decoder = loaded.encoder(), loaded.decoder()
    decoder.decode(encoder.encode(h[:8]))
    twin, other = encoder.fork(), decoder.fork()
    beside = codec.encoder()
    beside.encode(h[:8])
    frame = encoder.encode(h[8:12])
    assert frame == beside.fork().encode(h[8:12])
    last = twin.encode(h[12:])
    assert last == beside.encode(h[12:])
    assert (len(other.decode(last)), len(decoder.decode(frame))) == (8, 4)


def test_halves(codec, loaded):
    h = states(12, seed=5)
    frame = loaded.encoder().encode(h.astype(np.float16), "float16")
    assert frame == codec.encoder().encode(h.astype(np.float16))
    shortened = (as_bfloat16(h).astype(np.uint32) << 16).view(np.float32)
    assert loaded.encoder().encode(as_bfloat16(h), "bfloat16") == codec.encoder().encode(shortened)
    values = codec.decoder().decode(frame)
    assert np.array_equal(loaded.decoder().decode(frame, "float16").view(np.float16), values.astype(np.float16))
    rounded = (loaded.decoder().decode(frame, "bfloat16").astype(np.uint32) << 16).view(np.float32)
    assert np.abs(rounded / np.where(values == 0, 1, values) - (values != 0)).max() <= 2.0**-8


def test_rows(codec, loaded):
    h = np.stack([states(9, seed=row) for row in range(4)])
    encoders, beside = [loaded.encoder() for _ in h], [codec.encoder() for _ in h]
    decoders, decoders_beside = [loaded.decoder() for _ in h], [codec.decoder() for _ in h]
    for start, quality in ((0, None), (3, 5), (6, 5)):
        if quality is not None:  # of two of the rows
            for row in (1, 2):
                encoders[row].set_quality(quality)
        part = h[:, start : start + 3]
        frames = encode_rows(encoders, part)
        expected = [end.encode(tokens, quality if row in (1, 2) else None) for row, (end, tokens) in enumerate(zip(beside, part))]
        assert frames == expected
        assert np.array_equal(decode_rows(decoders, frames, 3), python_decode_rows(decoders_beside, frames))
    assert encode_rows(encoders[:1], h[:1]) == python_encode_rows(beside[:1], h[:1])


def test_an_empty_frame(codec, loaded):
    frame = loaded.encoder().encode(states(3)[:0])
    assert frame == codec.encoder().encode(states(3)[:0])
    assert loaded.decoder().decode(frame).shape == (0, CHANNELS)


def test_what_is_refused_leaves_ends_as_they_were(codec, loaded):
    h, encoder, decoder, beside = states(12), loaded.encoder(), loaded.decoder(), codec.encoder()
    first = encoder.encode(h[:4])
    assert first == beside.encode(h[:4])
    bad = h[4:8].copy()
    bad[1, 3] = np.inf
    with pytest.raises(LibraryError, match=NOT_FINITE):
        encoder.encode(bad)
    with pytest.raises(LibraryError, match=FRAME_LIMIT):
        encoder.encode(np.zeros((5000, CHANNELS), np.float32))
    with pytest.raises(LibraryError, match="quality: expected -64 to 64, got 65"):
        encoder.set_quality(65)
    second = encoder.encode(h[4:8])
    assert second == beside.encode(h[4:8])
    for frame, said in ((first[:4], TRUNCATED), (first + b"!", TRAILING), (second, "the first frame states no quality|checksum")):
        with pytest.raises(LibraryError, match=said):
            decoder.decode(frame)
    with pytest.raises(LibraryError, match="tokens: the frame holds 4, there is room for 3"):
        decoder.decode(first, room=3)
    values = decoder.decode(first)
    with pytest.raises(LibraryError, match=CHECKSUM):
        decoder.decode(first)
    right = codec.decoder()
    assert np.array_equal(values, right.decode(first))
    assert np.array_equal(decoder.decode(second), right.decode(second))


def test_rows_of_several_codecs_are_refused(library, loaded, saved):
    other = library.load(saved)
    h = np.stack([states(2), states(2)])
    with pytest.raises(LibraryError, match="rows: expected ends of one codec, got one of another in row 1"):
        encode_rows([loaded.encoder(), other.encoder()], h)
    frames = [loaded.encoder().encode(h[0]), loaded.encoder().encode(h[0, :1])]
    with pytest.raises(LibraryError, match="tokens: the frame holds 1, there is room for 2"):
        decode_rows([loaded.decoder(), loaded.decoder()], frames, 2)


def test_frames_of_other_qualities_and_old_new_starts(codec, loaded):
    h, encoder, decoder = states(8), codec.encoder(), loaded.decoder()
    encoder.restart()
    first = encoder.encode(h[:4])
    decoder.decode(first)
    with pytest.raises(LibraryError, match="new start 1 of its row, expected one after 1"):
        decoder.decode(first)
    assert len(decoder.decode(encoder.encode(h[4:]))) == 4


def test_a_codec_that_cannot_be_loaded(library, tmp_path):
    from rdcodec.codecs import RawCodec

    RawCodec(CHANNELS).save_pretrained(tmp_path / "raw")
    with pytest.raises(LibraryError, match="config.json: family: expected one of transform, block-transform, hyperprior-factorised"):
        library.load(tmp_path / "raw")
    codec = MAKERS["transform"]()
    codec.save_pretrained(tmp_path / "codec")
    with pytest.raises(LibraryError, match="expected a file of `rdcodec export`"):
        library.load(tmp_path / "codec" / "codec.safetensors")
