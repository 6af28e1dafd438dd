"""What every family promises, whatever it does to the values."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from forked import in_child
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from learned_parts import learned_codec

from rdcodec import (
    Codec,
    CodecMismatchError,
    CorruptStreamError,
    LimitError,
    RdcodecError,
    UnsupportedVersionError,
)
from rdcodec.codecs import GlobalStepCodec, IntegerCodec, MXFP4Codec, RawCodec
from rdcodec.stream import Chain, Header, read_frame, read_header, write_frame, write_header
from rdcodec.training import FAMILIES


def test_shape_and_element_type_come_back(codec, h):
    for array in (h, h.astype(np.float16), h.reshape(4, 10, -1), h[:0], h[:1], h[None, :0]):
        decoded = codec.decode(codec.encode(array))
        assert decoded.shape == array.shape and decoded.dtype == array.dtype
    for dtype, kind in ((torch.float32, np.float32), (torch.float16, np.float16)):
        assert codec.decode(codec.encode(torch.from_numpy(h).to(dtype))).dtype == kind
    decoded = codec.decode(codec.encode(torch.from_numpy(h).bfloat16()))
    assert decoded.dtype == torch.bfloat16 and decoded.shape == h.shape


def test_decoded_values_are_near(codec, h):
    error = codec.decode(codec.encode(h)) - h
    assert np.square(error).mean() < 0.03 * np.square(h).mean()


def test_coding_twice_changes_nothing_more(plain_codec, h):
    once = plain_codec.decode(plain_codec.encode(h))
    np.testing.assert_allclose(plain_codec.decode(plain_codec.encode(once)), once, rtol=1e-3)


def test_bytes_do_not_depend_on_how_the_values_are_held(codec, h):
    expected = codec.encode(h)
    strided = np.zeros((80, 140), np.float32)[::2, ::2]
    strided[...] = h
    assert not strided.flags.c_contiguous
    read_only = h.copy()
    read_only.flags.writeable = False
    grad = torch.from_numpy(h).requires_grad_()
    for same in (strided, np.asfortranarray(h), read_only, torch.from_numpy(h), torch.from_numpy(h.T.copy()).T, grad):
        assert codec.encode(same) == expected
    half = h.astype(np.float16)
    assert codec.encode(half) == codec.encode(torch.from_numpy(half))
    assert codec.encode(half)[7:] != expected[7:]


def test_a_payload_alone_is_that_of_the_first_frame(codec, h):
    payload, frame = codec.encode_payload(h), codec.encoder().encode(h)
    assert payload in frame
    np.testing.assert_array_equal(codec.decode_payload(payload, len(h)), codec.decoder().decode(frame))
    for wrong in (h[:0], h[None], h[:, :-1], h * np.inf):
        with pytest.raises(RdcodecError, match="h: expected"):
            codec.encode_payload(wrong)
    for tokens in (0, 4097):
        with pytest.raises(RdcodecError, match=f"tokens: expected 1 to 4096, got {tokens}"):
            codec.decode_payload(payload, tokens)


def test_a_stream_is_its_header_and_the_frames_of_a_live_link(codec, h):
    frame = codec.encoder().encode(h)
    data = codec.encode(h)
    header, offset = read_header(data)
    assert header == Header("float32", codec.codec_id, codec.channels, 1, len(h), False)
    assert data[offset:] == frame
    batch = codec.encode(h.reshape(2, 20, -1))
    rows = [codec.encoder().encode(half) for half in (h[:20], h[20:])]
    assert batch[read_header(batch)[1] :] == b"".join(rows)


def test_a_live_link_takes_any_number_of_tokens(codec, h):
    encoder, decoder = codec.encoder(), codec.decoder()
    parts = [decoder.decode(encoder.encode(part)) for part in np.split(h, [0, 1, 2, 9, 9])]
    assert all(part.dtype == np.float32 for part in parts)
    assert np.array_equal(np.concatenate(parts), codec.decode(codec.encode(h)))


def test_a_frame_of_one_token_costs_8_bytes_at_most(codec, h):
    encoder, chain = codec.encoder(), Chain()
    for token in np.split(h, len(h)):
        frame = encoder.encode(token)
        read = chain.read(frame)
        chain = chain.after(read)
        assert len(frame) - len(read.payload) <= 8


def test_long_rows_are_split(codec, states):
    h = states(4100, seed=2)
    data = codec.encode(h)
    assert read_frame(data, read_header(data)[1]).tokens == 4096
    decoded = codec.decode(data)
    encoder, decoder = codec.encoder(), codec.decoder()
    parts = [decoder.decode(encoder.encode(part)) for part in np.split(h, [1000, 4050])]
    assert np.array_equal(decoded, np.concatenate(parts))


def test_wide_rows_are_split_earlier():
    codec = RawCodec(65536)
    h = np.ones((65, 65536), np.float16)
    data = codec.encode(h)
    assert read_frame(data, read_header(data)[1]).tokens == 64 == codec.frame_tokens
    assert np.array_equal(codec.decode(data), h)


def test_forks_go_on_alone(codec, h):
    encoder, decoder = codec.encoder(), codec.decoder()
    decoder.decode(encoder.encode(h[:3]))
    twins = encoder.fork(), decoder.fork()
    expected = codec.decode(codec.encode(h[:5]))[3:]
    for one, other in ((encoder, decoder), twins):
        assert np.array_equal(other.decode(one.encode(h[3:5])), expected)


def test_threads_share_a_codec(codec, states):
    arrays = [states(200, seed) for seed in range(4)]
    expected = [codec.encode(h) for h in arrays]

    def code(k):
        assert codec.encode(arrays[k % 4]) == expected[k % 4]
        return codec.decode(expected[k % 4]).tobytes()

    decoded = [codec.decode(data).tobytes() for data in expected]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(code, range(16))) == 4 * decoded


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_codes_the_same(codec, h):
    def coded():
        data, encoder, decoder = codec.encode(h), codec.encoder(), codec.decoder()
        decoded = [decoder.decode(encoder.encode(part)) for part in np.split(h, [1, 20])]
        return data, codec.decode(data).tobytes(), np.concatenate(decoded).tobytes()

    expected = coded()
    assert in_child(coded) == expected
    assert in_child(lambda: in_child(coded)) == expected


# ---- what is refused


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda h: h.astype(">f4"), TypeError, r"h: expected float32 or float16 in native byte order, got >f4"),
        (lambda h: h.astype(">f2"), TypeError, r"got >f2"),
        (lambda h: h.astype(np.float64), TypeError, r"got <f8 \(float64\)"),
        (lambda h: h.astype(np.int32), TypeError, r"int32"),
        (lambda h: h.tolist(), TypeError, r"h: expected a NumPy array or a torch tensor, got list"),
        (lambda h: torch.from_numpy(h).double(), TypeError, r"h: expected a tensor of float32.*, got float64"),
        (lambda h: torch.from_numpy(h).int(), TypeError, r"got int32"),
        (lambda h: h[0], RdcodecError, r"h: expected \[tokens, channels\] or .*got shape \(70,\)"),
        (lambda h: h[None, None], RdcodecError, r"got shape \(1, 1, 40, 70\)"),
        (lambda h: h[:, 1:], RdcodecError, r"h: expected 70 channels, got shape \(40, 69\)"),
    ],
)
def test_wrong_arrays(codec, h, change, error, message):
    with pytest.raises(error, match=message):
        codec.encode(change(h))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(codec, h, value):
    encoder = codec.encoder()
    encoder.encode(h[:2])
    expected = encoder.fork().encode(h)
    wrong = h.copy()
    wrong[7, 5] = wrong[9, 1] = value
    with pytest.raises(RdcodecError, match=rf"h: expected finite values, got {value} at index \(7, 5\)"):
        encoder.encode(wrong)
    assert encoder.encode(h) == expected  # nothing was lost
    with pytest.raises(RdcodecError, match=r"at index \(1, 2, 5\)"):
        codec.encode(np.stack([h[:5], wrong[5:10]]))


def test_the_largest_finite_values_are_no_error(codec, h):
    if isinstance(codec, GlobalStepCodec):
        pytest.skip("refuses what its steps do not reach")
    largest = h.copy()
    largest[:, ::2] = np.finfo(np.float32).max
    largest[:, 1] = -np.finfo(np.float32).max
    assert np.isfinite(codec.decode(codec.encode(largest))).all()
    decoded = codec.decode(codec.encode(np.full_like(h, 65504, np.float16)))
    assert np.isfinite(decoded).all()


def test_live_links_take_one_row(codec, h):
    with pytest.raises(RdcodecError, match=r"h: expected \[tokens, channels\], got shape \(1, 40, 70\)"):
        codec.encoder().encode(h[None])
    with pytest.raises(LimitError, match="h: 4097 tokens, a frame holds 4096"):
        codec.encoder().encode(np.zeros((4097, 70), np.float32))


@pytest.mark.parametrize("quality", [1, -1, 0.0, "0"])
def test_a_quality_that_is_none(plain_codec, h, quality):
    for refused in (
        lambda: plain_codec.encode(h, quality),
        lambda: plain_codec.encoder(quality),
        lambda: plain_codec.encoder().encode(h, quality),
    ):
        with pytest.raises(RdcodecError, match="quality: expected an integer 0 to 0, got"):
            refused()


def test_every_truncation_and_every_changed_byte_is_seen(codec, h):
    data = codec.encode(h[:2])
    for length in range(len(data)):
        with pytest.raises(CorruptStreamError):
            codec.decode(data[:length])
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        with pytest.raises(RdcodecError):
            codec.decode(bytes(damaged))
    with pytest.raises(CorruptStreamError, match=f"byte {len(data)}: 1 bytes after the last frame"):
        codec.decode(data + b"\0")


def test_a_payload_of_the_wrong_length_with_a_right_checksum(codec, h):
    payload = read_frame(codec.encoder().encode(h)).payload
    for wrong in (payload[:-1], payload + b"\0", b"", payload[: len(payload) // 2]):
        with pytest.raises(CorruptStreamError):
            codec.decoder().decode(write_frame(len(h), wrong, 0))


@settings(max_examples=50, deadline=None)
@given(payload=st.binary(max_size=200), tokens=st.integers(0, 3), which=st.integers(0, 9))
def test_any_payload_decodes_or_is_refused(payload, tokens, which):
    codec = SMALL[which]
    frame = write_frame(tokens, payload, 0)
    try:
        decoded = codec.decoder().decode(frame)
    except CorruptStreamError:
        return
    assert decoded.shape == (tokens, codec.channels) and np.isfinite(decoded).all()


SMALL = (
    RawCodec(20),
    RawCodec(20, "bfloat16"),
    RawCodec(20, "float16", "zlib"),
    RawCodec(20, "float16", "zstd"),
    IntegerCodec(20, 8),
    IntegerCodec(20, 5, group=7),
    MXFP4Codec(20),
    GlobalStepCodec.fit(np.random.default_rng(0).normal(size=(500, 20)).astype(np.float32), 0.3),
    learned_codec(FAMILIES["direct-access"], 20, np.ones(20)),
    learned_codec(FAMILIES["hyperprior-fourier"], 20, np.ones(20)),
)


@settings(max_examples=60, deadline=None)
@given(
    h=hnp.arrays(
        st.sampled_from([np.float32, np.float16]),
        st.tuples(st.integers(0, 5), st.just(20)),
        elements={"allow_nan": False, "allow_infinity": False},
    ),
    which=st.integers(0, len(SMALL) - 1),
)
def test_any_finite_values_go_through(h, which):
    codec = SMALL[which]
    if isinstance(codec, GlobalStepCodec) and np.abs(h).max(initial=0) >= (2**31 - 1) * codec.step:
        with pytest.raises(RdcodecError, match=r"expected magnitudes below .*, 2\*\*31 - 1 steps"):
            codec.encode(h)
        return
    data = codec.encode(h)
    assert data == codec.encode(h)
    decoded = codec.decode(data)
    assert decoded.shape == h.shape and decoded.dtype == h.dtype and np.isfinite(decoded).all()


def test_frames_that_do_not_add_up(codec, h):
    header = Header("float32", codec.codec_id, codec.channels, 2, 3, True)

    def frame(part):
        return codec.encoder().encode(part)

    with pytest.raises(CorruptStreamError, match="4 tokens where 1 to 3 are left"):
        codec.decode(write_header(header) + frame(h[:4]))
    with pytest.raises(CorruptStreamError, match="0 tokens where 1 to 3 are left"):
        codec.decode(write_header(header) + frame(h[:0]) + frame(h[:6]))
    first = frame(h[:3])
    with pytest.raises(CorruptStreamError, match="the first frame states no quality"):
        codec.decode(write_header(header) + first + write_frame(3, read_frame(first).payload))


def test_a_quality_out_of_range(plain_codec, h):
    payload = read_frame(plain_codec.encoder().encode(h)).payload
    with pytest.raises(CorruptStreamError, match="states quality 1, the codec has 0 to 0"):
        plain_codec.decoder().decode(write_frame(len(h), payload, 1))


def test_a_live_link_wants_one_whole_frame(codec, h):
    frame = codec.encoder().encode(h)
    with pytest.raises(CorruptStreamError, match="1 bytes after the frame"):
        codec.decoder().decode(frame + b"\0")
    with pytest.raises(CorruptStreamError, match="a frame of no tokens holds 3 bytes"):
        codec.decoder().decode(write_frame(0, b"abc", 0))


def test_the_wrong_codec(codec, h):
    with pytest.raises(CodecMismatchError, match=f"{codec.codec_id.hex()}, this one is"):
        IntegerCodec(70, 2).decode(codec.encode(h))
    header = Header("float32", codec.codec_id, 69, 1, 0, False)
    with pytest.raises(CorruptStreamError, match="the header says 69 channels, its codec has 70"):
        codec.decode(write_header(header))


def test_claims_are_checked_before_memory_is_taken(codec):
    largest = Header("float32", codec.codec_id, codec.channels, 1, 2**31, False)
    with pytest.raises(CorruptStreamError):
        codec.decode(write_header(largest))


# ---- identity and checkpoints


def test_ids_differ_where_decoders_differ():
    fitted = GlobalStepCodec.fit(np.random.default_rng(1).normal(size=(500, 20)).astype(np.float32), 0.3)
    codecs = [*SMALL, fitted, RawCodec(21), IntegerCodec(20, 5, group=8), GlobalStepCodec(20, 0.4, fitted.tables)]
    assert len({codec.codec_id for codec in codecs}) == len(codecs)
    assert all(len(codec.codec_id) == 8 for codec in codecs)


def test_checkpoints_come_back(codec, h, tmp_path):
    codec.save_pretrained(tmp_path / "new" / "folder")
    for cls in (Codec, type(codec)):
        loaded = cls.from_pretrained(str(tmp_path / "new" / "folder"))
        assert type(loaded) is type(codec) and loaded.codec_id == codec.codec_id
        assert loaded.encode(h) == codec.encode(h)
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == ["codec.safetensors", "config.json"]


def test_another_process_makes_the_same_bytes(codec, h, tmp_path):
    if not type(codec).__module__.startswith("rdcodec"):
        pytest.skip("another process does not know the family")
    codec.save_pretrained(tmp_path)
    np.save(tmp_path / "h.npy", h)
    program = (
        "import sys, numpy as np; from rdcodec import Codec\n"
        "codec = Codec.from_pretrained(sys.argv[1]); h = np.load(sys.argv[1] + '/h.npy')\n"
        "assert 'torch' not in sys.modules\n"
        "sys.stdout.buffer.write(codec.encode(h))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, check=True)
    assert done.stdout == codec.encode(h)


def changed_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_later_optional_fields_are_tolerated(codec, tmp_path):
    codec.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())["config"]
    changed_config(tmp_path, remark="of a later version", config={**config, "hint": 3})
    assert Codec.from_pretrained(tmp_path).codec_id == codec.codec_id


def test_damaged_checkpoints(codec, tmp_path):
    codec.save_pretrained(tmp_path)
    with pytest.raises(FileNotFoundError, match="holds no codec: config.json is missing"):
        Codec.from_pretrained(tmp_path / "nowhere")
    changed_config(tmp_path, format_version=2)
    with pytest.raises(UnsupportedVersionError, match="format_version 2, this release reads up to 1"):
        Codec.from_pretrained(tmp_path)
    changed_config(tmp_path, format_version=1, family="unheard-of")
    with pytest.raises(RdcodecError, match="family 'unheard-of', expected one of .*mxfp4"):
        Codec.from_pretrained(tmp_path)
    changed_config(tmp_path, family=codec.family, codec_id="00" * 8)
    with pytest.raises(RdcodecError, match="the files do not belong together: config.json says codec 0000000000000000"):
        Codec.from_pretrained(tmp_path)
    for text in ("{", "[]", "{}", '{"format_version": 1, "family": "raw", "codec_id": "", "config": {}}'):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(RdcodecError, match="the checkpoint is damaged"):
            Codec.from_pretrained(tmp_path)
    codec.save_pretrained(tmp_path)
    (tmp_path / "codec.safetensors").write_bytes(b"no tensors")
    with pytest.raises(RdcodecError, match="the checkpoint is damaged: SafetensorError"):
        Codec.from_pretrained(tmp_path)
    (tmp_path / "codec.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="codec.safetensors is missing"):
        Codec.from_pretrained(tmp_path)


def test_a_family_loads_its_own_checkpoints_only(tmp_path):
    RawCodec(20).save_pretrained(tmp_path)
    with pytest.raises(RdcodecError, match="family 'raw', expected one of mxfp4"):
        MXFP4Codec.from_pretrained(tmp_path)


@pytest.mark.parametrize("channels", [0, 65537])
def test_channels_out_of_range(channels):
    with pytest.raises(RdcodecError, match=f"channels: expected 1 to 65536, got {channels}"):
        RawCodec(channels)


def test_equal_codecs_are_equal(codec, tmp_path):
    codec.save_pretrained(tmp_path)
    twin = Codec.from_pretrained(tmp_path)
    assert twin == codec and hash(twin) == hash(codec) and len({twin, codec}) == 1
    assert codec != IntegerCodec(codec.channels + 1) and codec != codec.codec_id


def test_codecs_say_what_they_are(codec):
    assert codec.codec_id.hex() in repr(codec) and f"{codec.channels} channels" in repr(codec)
    assert (f"qualities {codec.min_quality} to {codec.max_quality}" in repr(codec)) == (codec.min_quality < codec.max_quality)
    assert (f"layer {getattr(codec, 'layer', '')}" in repr(codec)) == (codec.layer is not None)
