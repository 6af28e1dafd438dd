"""The example, built against the installed library, beside Python: the same bytes, the same states."""

from pathlib import Path

import numpy as np
import pytest
from library_builds import CHANNELS, run, states

from rdcodec import Codec

PRETRAINED = Path(__file__).parents[2] / "pretrained" / "smollm2-135m" / "layer10" / "context"
TOKENS = 37


def frames_of(codec, h, most, quality=None):
    """As Python's encoder writes them."""
    encoder = codec.encoder(quality)
    return [encoder.encode(h[start : start + most]) for start in range(0, len(h), most)]


def decoded(codec, frames):
    decoder = codec.decoder()
    return np.concatenate([decoder.decode(frame) for frame in frames])


@pytest.mark.parametrize("most", [1, 16, 64])
def test_frames_and_states_are_those_of_python(pipe, codec, saved, most):
    h = states(TOKENS)
    frames = frames_of(codec, h, most)
    data = run(pipe, "encode", saved, most, data=h.tobytes())
    assert data == b"".join(frames)
    assert run(pipe, "decode", saved, data=data) == decoded(codec, frames).tobytes()


@pytest.mark.parametrize("quality", [-64, -17, -16, -3, 64])
def test_every_quality(pipe, codec, saved, quality):
    h = states(TOKENS, seed=1)
    assert run(pipe, "encode", saved, 20, quality, data=h.tobytes()) == b"".join(frames_of(codec, h, 20, quality))


def test_a_codec_of_one_file(pipe, codec, tmp_path):
    codec.export(tmp_path / "codec.rdc")
    h = states(TOKENS, seed=2)
    data = run(pipe, "encode", tmp_path / "codec.rdc", data=h.tobytes())
    assert data == b"".join(frames_of(codec, h, 64))
    assert Codec.from_pretrained(tmp_path / "codec.rdc").codec_id == codec.codec_id


def test_a_codec_of_a_real_model(pipe):
    codec = Codec.from_pretrained(PRETRAINED)
    h = states(70, codec.channels, seed=3) * 8
    frames = frames_of(codec, h, 64)
    data = run(pipe, "encode", PRETRAINED, data=h.tobytes())
    assert data == b"".join(frames)
    assert run(pipe, "decode", PRETRAINED, data=data) == decoded(codec, frames).tobytes()


def test_facts(pipe, codec, saved):
    assert run(pipe, "show", saved).decode().splitlines() == [
        f"family {codec.family}",
        f"id {codec.codec_id.hex()}",
        f"channels {CHANNELS}",
        f"layer {codec.layer}",
        f"quality {codec.min_quality} to {codec.max_quality}, {codec.default_quality} by default",
        "model unknown ",
    ]
    assert "model llama 575ccc2c00e37e5e" in run(pipe, "show", PRETRAINED).decode()


def test_no_tokens(pipe, saved):
    assert run(pipe, "encode", saved) == run(pipe, "decode", saved) == b""


def test_what_is_wrong_is_said(pipe, saved, tmp_path):
    data = run(pipe, "encode", saved, 16, data=states(TOKENS).tobytes())
    assert run(pipe, "encode", saved, data=bytes(7)) == "pipe: the states end within a token\n"
    assert run(pipe, "encode", saved, 0) == "pipe: TOKENS: expected 1 to 4096\n"
    assert run(pipe, "encode", saved, 16, 65) == "pipe: quality: expected -64 to 64, got 65\n"
    assert run(pipe, "encode", saved, data=np.full(CHANNELS, np.nan, np.float32).tobytes()).startswith("pipe: values: expected finite ones")
    assert "the data end too early" in run(pipe, "decode", saved, data=data[:-1])
    assert "the checksum of the frame does not match" in run(pipe, "decode", saved, data=data[:9] + b"\xff" + data[10:])
    assert run(pipe, "show", tmp_path / "nothing").endswith("nothing: cannot be opened\n")
    assert run(pipe, "turn", saved) == "pipe: usage: pipe encode|decode|show CODEC [TOKENS [QUALITY]]\n"
