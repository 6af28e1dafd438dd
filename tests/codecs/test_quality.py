"""How the quality travels, with a family that has one: values rounded to multiples of 2**-quality."""

import numpy as np
import pytest

from rdcodec import Codec, RdcodecError
from rdcodec.stream import Chain, read_frame, read_header, write_frame


class GradedCodec(Codec):
    family = "graded"

    def __init__(self, channels=70, default_quality=0):
        super().__init__(channels, min_quality=-5, max_quality=8, default_quality=default_quality)

    def _config(self):
        return {"channels": self.channels}

    @classmethod
    def _from_parts(cls, config, tensors):
        return cls(config["channels"])

    def _encode_tokens(self, h, quality, state):
        return np.rint(np.ldexp(h, quality)).astype("<i4").tobytes()

    def _decode_tokens(self, payload, tokens, quality, state):
        steps = np.frombuffer(payload, "<i4").reshape(tokens, self.channels)
        return np.ldexp(steps.astype(np.float32), -quality)


def rounded(h, quality):
    return np.ldexp(np.rint(np.ldexp(h, quality)), -quality)


@pytest.mark.parametrize("quality", [-5, 0, 3, 8, np.int64(2)])
def test_a_stream_carries_its_quality(h, quality):
    decoded = GradedCodec().decode(GradedCodec().encode(h, quality))
    np.testing.assert_array_equal(decoded, rounded(h, int(quality)))


def test_the_default_holds_where_none_is_given(h):
    codec = GradedCodec(default_quality=2)
    assert codec.encode(h) == codec.encode(h, 2) != codec.encode(h, 1)
    codec.default_quality = 1
    assert codec.encode(h) == codec.encode(h, 1)


def test_the_quality_is_sent_first_and_when_it_changes(h):
    codec = GradedCodec()
    encoder, decoder, chain = codec.encoder(3), codec.decoder(), Chain()
    wanted, sent = [None, 4, None, 4, 3, None], []
    in_force = [3, 4, 4, 4, 3, 3]
    for quality, expected in zip(wanted, in_force):
        frame = encoder.encode(h[:2], quality)
        read = chain.read(frame)
        chain = chain.after(read)
        sent.append(read.quality)
        np.testing.assert_array_equal(decoder.decode(frame), rounded(h[:2], expected))
    assert sent == [3, 4, None, None, 3, None]


def test_every_row_states_its_quality(h):
    codec = GradedCodec()
    data = codec.encode(h.reshape(2, 20, -1), 5)
    first = read_frame(data, read_header(data)[1])
    assert (first.quality, read_frame(data, first.end).quality) == (5, 5)


@pytest.mark.parametrize("quality", [-6, 9, 1.0, "3"])
def test_out_of_range(h, quality):
    codec = GradedCodec()
    encoder = codec.encoder(3)
    first = encoder.encode(h)
    for refused in (
        lambda: codec.encode(h, quality),
        lambda: codec.encoder(quality),
        lambda: encoder.encode(h, quality),
        lambda: GradedCodec(default_quality=quality),
    ):
        with pytest.raises(RdcodecError, match=f"quality: expected an integer -5 to 8, got {quality}"):
            refused()
    assert read_frame(encoder.encode(h), 0, read_frame(first).checksum).quality is None  # still 3


def test_a_frame_with_another_quality_than_the_codec_has(h):
    payload = read_frame(GradedCodec().encoder().encode(h)).payload
    with pytest.raises(RdcodecError, match="the frame states quality 9, the codec has -5 to 8"):
        GradedCodec().decoder().decode(write_frame(len(h), payload, 9))


def test_the_default_is_kept_and_no_part_of_the_id(tmp_path):
    codec = GradedCodec(default_quality=7)
    assert codec.codec_id == GradedCodec().codec_id
    codec.save_pretrained(tmp_path)
    assert Codec.from_pretrained(tmp_path).default_quality == 7
