"""Streams that are changed behind their checksums: what decodes is finite and of the claimed shape, everything else is refused."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rdcodec import CodecMismatchError, CorruptStreamError, LimitError
from rdcodec.stream import CHAIN_START, Chain, Header, read_frames, read_header, write_frame, write_header

change = st.tuples(st.sampled_from(["byte", "cut", "add", "tokens", "quality", "restart", "rows", "channels", "id"]), st.integers(0, 2**31))


def taken_apart(data):
    header, offset = read_header(data)
    frames = [[row, frame.tokens, bytearray(frame.payload), frame.quality, 0] for row, frame in read_frames(data, header, offset)]
    return header._asdict(), frames


def put_together(header, frames):
    """A stream whose checksums are right, whatever it says."""
    out, chain, last = [write_header(Header(**header))], Chain(), None
    for row, tokens, payload, quality, restart in frames:
        before = chain.before if row == last else CHAIN_START
        out.append(write_frame(tokens, payload, quality, before, restart if quality is not None else 0))
        checksum = int.from_bytes(out[-1][-4:] if len(out[-1]) >= 1026 else out[-1][-2:], "little")
        chain, last = Chain(checksum, restart), row
    return b"".join(out)


def apply(changes, header, frames):
    for what, number in changes:
        frame = frames[number % len(frames)]
        payload = frame[2]
        at = number // 7 % max(len(payload), 1)
        if what == "byte" and payload:
            payload[at] = number % 251
        elif what == "cut":
            del payload[at : at + number % 5]
        elif what == "add":
            payload[at:at] = bytes([number % 256] * (number % 4))
        elif what == "tokens":
            frame[1] = number % 9
        elif what == "quality":
            frame[3] = (None, 0, number % 200 - 100, number)[number % 4]
        elif what == "restart":
            frame[4] = number % 3
        elif what == "rows":
            header["rows"], header["batched"] = number % 4 + 1, True
        elif what == "channels":
            header["channels"] = number % 80 + 1
        elif what == "id":
            header["codec_id"] = bytes([number % 256]) + header["codec_id"][1:]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(change, max_size=4))
def test_changed_streams_decode_or_are_refused(codec, h, changes):
    data = codec.encode(h[:12].reshape(2, 6, -1), codec.max_quality // 16)
    header, frames = taken_apart(data)
    assert put_together(header, frames) == data
    apply(changes, header, frames)
    changed = put_together(header, frames)
    try:
        decoded = codec.decode(changed)
    except (CorruptStreamError, CodecMismatchError, LimitError):
        return
    assert decoded.shape == (header["rows"], header["tokens"], codec.channels)[not header["batched"] :] and np.isfinite(decoded).all()


@pytest.mark.parametrize("which", range(3))
def test_bytes_of_a_stream_exchanged_with_those_of_another(codec, h, which):
    one, other = codec.encode(h[:6]), codec.encode(h[6:12])
    cut = (len(one) // 4) * (which + 1)
    mixed = one[:cut] + other[cut:]
    if mixed not in (one, other):
        with pytest.raises(CorruptStreamError):
            codec.decode(mixed)
