"""Headers and frames: round trips, limits, and one refusal a cause in raw bytes."""

import binascii
import zlib
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdcodec import CorruptStreamError, LimitError, RdcodecError, UnsupportedVersionError, reference
from rdcodec.stream import DTYPES, Chain, Frame, Header, read_frame, read_header, write_frame, write_header

HEADER = Header("float16", bytes(range(8)), 576, 1, 12, False)
headers = st.builds(
    Header,
    st.sampled_from(DTYPES),
    st.binary(min_size=8, max_size=8),
    st.integers(1, 65536),
    st.integers(0, 2**15),
    st.integers(0, 2**16),
    st.just(True),
)


@given(headers)
def test_header_round_trip(header):
    data = write_header(header)
    assert read_header(data) == (header, len(data))
    assert read_header(data + b"frames") == (header, len(data))
    assert reference.read_header(data) == (header._asdict(), len(data))


uint32 = st.integers(0, 2**32 - 1)


@given(st.integers(0, 4096), st.binary(max_size=1200), st.none() | st.integers(-(2**31), 2**31 - 1), st.binary(max_size=9), uint32, uint32)
def test_frame_round_trip(tokens, payload, quality, before, checksum, restart):
    restart = 0 if quality is None else restart
    frame = write_frame(tokens, payload, quality, checksum, restart)
    own = int.from_bytes(frame[-4:] if len(frame) >= 1026 else frame[-2:], "little")
    expected = Frame(tokens, quality, payload, len(before) + len(frame), own, restart)
    assert read_frame(before + frame + b"more", len(before), checksum) == expected
    assert reference.read_frame(before + frame, len(before), checksum) == tuple(expected)


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_a_frame_follows_one_other_alone(size):
    frame = write_frame(3, b"x" * size, 5, before=12345)
    for other in (0, 12344, 2**32 - 1):
        with pytest.raises(CorruptStreamError, match="the checksum of the frame does not match, got .*; it is damaged or not the next one"):
            read_frame(frame, 0, other)
    start = write_frame(3, b"x" * size, 5, before=12345, restart=7)
    assert {read_frame(start, 0, other) for other in (0, 12345, 2**32 - 1)} == {read_frame(start)}


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_new_starts_come_once(size):
    chain, second = Chain(), write_frame(1, b"x" * size, 0, restart=2)
    after = chain.after(chain.read(second))
    for again in (second, write_frame(1, b"x" * size, 0, restart=1)):
        with pytest.raises(CorruptStreamError, match="byte 0: new start [12] of its row, expected one after 2"):
            after.read(again)
    third = write_frame(1, b"", 0, restart=3)
    assert after.after(after.read(third)) == Chain(int.from_bytes(third[-2:], "little"), 3)


@pytest.mark.parametrize("size", [*range(1016, 1032), 5000, 2**26])
def test_checksums_are_the_known_ones(size):
    frame = write_frame(9, b"x" * size)
    if len(frame) - 2 < 1024:  # the length takes 2 bytes
        assert int.from_bytes(frame[-2:], "little") == binascii.crc_hqx(frame[:-2], 0xFFFF)
    else:
        assert int.from_bytes(frame[-4:], "little") == zlib.crc32(frame[:-4])
    assert read_frame(frame).payload == b"x" * size


@pytest.mark.parametrize(
    ("payload", "quality", "overhead"), [(124, None, 4), (125, None, 5), (600, None, 5), (600, -64, 6), (600, 2**31 - 1, 10)]
)
def test_overhead_of_a_frame_of_one_token(payload, quality, overhead):
    assert len(write_frame(1, b"x" * payload, quality)) == payload + overhead


def with_crc16(head):
    return head + binascii.crc_hqx(head, 0xFFFF).to_bytes(2, "little")


def header_bytes(start="52 44 43 9d 01 01 00", sizes="c0 04 01 0c"):
    return with_crc16(bytes.fromhex(start) + bytes(range(8)) + bytes.fromhex(sizes))


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", CorruptStreamError, "byte 0: the data end too early"),
        (b"RDB", CorruptStreamError, "byte 0: expected the first four bytes of an rdcodec stream"),
        (b"\x89PNG\r\n\x1a\n", CorruptStreamError, "byte 0: expected the first four bytes of an rdcodec stream"),
        (header_bytes("52 44 43 9d 02 01 00"), UnsupportedVersionError, "byte 4: expected format version 1, got 2"),
        (header_bytes("52 44 43 9d 01 03 00"), CorruptStreamError, "byte 5: expected a dtype from 0 to 2, got 3"),
        (header_bytes("52 44 43 9d 01 01 02"), CorruptStreamError, "byte 6: expected flags of 0 or 1, got 2"),
        (header_bytes(sizes="c0 04 02 0c"), CorruptStreamError, "byte 17: expected 1 row .* got 2"),
        (header_bytes(sizes="c0 84 00 01 0c"), CorruptStreamError, "byte 15: expected a varint of least length"),
        (header_bytes(sizes="ff ff ff ff ff ff ff ff ff 01 01 0c"), CorruptStreamError, "byte 15: expected a varint"),
        (header_bytes(sizes="00 01 0c"), LimitError, "channels: expected 1 to 65536, got 0"),
        (header_bytes(sizes="81 80 04 01 0c"), LimitError, "channels: expected 1 to 65536, got 65537"),
        (header_bytes(sizes="40 01 80 80 80 80 80 80 80 80 10"), LimitError, "tokens: expected at most .* got 1152921504606846976"),
        (header_bytes("52 44 43 9d 01 01 01", "40 80 80 80 80 08 80 80 80 80 08"), LimitError, "tokens: expected at most"),
        # 2^32 rows of 2^32 tokens: a product of 64 bits would be 0
        (
            header_bytes("52 44 43 9d 01 01 01", "40 80 80 80 80 10 80 80 80 80 10"),
            LimitError,
            "tokens: expected at most .* got 4294967296",
        ),
        (header_bytes("52 44 43 9d 01 01 01", "40 80 80 04 81 80 02"), LimitError, "tokens: expected at most .* got 32769"),
        (header_bytes()[:-1] + b"\xff", CorruptStreamError, "byte 19: the checksum of the header does not match"),
    ],
)
def test_bad_header(data, error, message):
    with pytest.raises(error, match=message):
        read_header(data)
    with pytest.raises(error):
        reference.read_header(data)


def frame_bytes(body, length=None):
    """A frame whose checksum is right, whatever else is wrong with it; `body` without the checksum."""
    body = bytes.fromhex(body)
    return with_crc16(bytes([len(body) + 2 if length is None else length]) + body)


def long_frame(length, body):
    data = bytes([length & 127 | 128, length >> 7]) + body
    return data + zlib.crc32(data).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", CorruptStreamError, "byte 0: the data end too early"),
        (b"\x00", CorruptStreamError, "byte 0: expected a length that a frame can have, got 0"),
        (b"\x02\xff\xff", CorruptStreamError, "byte 0: expected a length that a frame can have, got 2"),
        (long_frame(1024, b"\x02" + b"x" * 1019), CorruptStreamError, "byte 0: expected a length that a frame can have, got 1024"),
        (long_frame(1025, b"\x02" + b"x" * 1020), CorruptStreamError, "byte 0: expected a length that a frame can have, got 1025"),
        (b"\x83\x00\x02\xff\xff", CorruptStreamError, "byte 0: expected a varint of least length"),
        (b"\x04\x02\x00\xff", CorruptStreamError, "byte 4: the data end too early"),
        (b"\x03\x02\xff\xff", CorruptStreamError, "byte 2: the checksum of the frame does not match, got 65535"),
        (long_frame(1026, b"\x02" + b"x" * 1021)[:-1] + b"!", CorruptStreamError, "byte 1024: the checksum of the frame"),
        (frame_bytes("82 00"), CorruptStreamError, "byte 1: expected a varint of least length"),
        (frame_bytes("82"), CorruptStreamError, "byte 2: the data end too early"),
        (frame_bytes("03"), CorruptStreamError, "byte 2: the data end too early"),
        (frame_bytes("03 80 80 80 80 10"), CorruptStreamError, "byte 2: expected a quality within int32"),
        (frame_bytes("82 40"), LimitError, "tokens: expected 0 to 4096 in a frame, got 4097"),
        (frame_bytes("85 80 01 00 01"), LimitError, "tokens: expected 0 to 4096 in a frame, got 4097"),
        (frame_bytes("83 40 00"), CorruptStreamError, "byte 4: the data end too early"),
        (frame_bytes("83 40 00 00"), CorruptStreamError, "byte 4: expected a new start .*, got 0"),
        (frame_bytes("83 40 00 80 80 80 80 10"), CorruptStreamError, "byte 4: expected a new start .*, got 4294967296"),
        (frame_bytes("ff ff ff ff ff ff ff ff 7f"), LimitError, "tokens: expected 0 to 4096 in a frame"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", LimitError, "payload: expected at most .* got 9223372036854775807"),
        (b"\x81\x80\x80\x40", LimitError, "payload: expected at most"),
    ],
)
def test_bad_frame(data, error, message):
    with pytest.raises(error, match=message):
        read_frame(data)
    with pytest.raises(error):
        reference.read_frame(data)


def test_a_payload_one_byte_too_long():
    """The claim passes the first look at the length; the payload itself is held against its limit."""
    body = b"\x02" + b"\x00" * (2**26 + 1)
    length = len(body) + 4
    data = bytes([length & 127 | 128, length >> 7 & 127 | 128, length >> 14 & 127 | 128, length >> 21]) + body
    with pytest.raises(LimitError, match="payload: expected at most .* got 67108865"):
        read_frame(data + zlib.crc32(data).to_bytes(4, "little"))


def test_offsets_count_from_the_start_of_the_data():
    with pytest.raises(CorruptStreamError, match="byte 12: the checksum of the frame"):
        read_frame(b"0123456789" + b"\x03\x02\xff\xff", 10)


@given(st.binary(max_size=60))
def test_any_bytes_as_a_frame(data):
    def outcome(read, data):
        try:
            return tuple(read(data))
        except RdcodecError as error:
            return type(error)

    # an array has no zero behind its bytes, as `bytes` have: a sanitizer sees a read past the end
    assert outcome(read_frame, array("B", list(data))) == outcome(reference.read_frame, data)


@pytest.mark.parametrize("data", [write_header(HEADER), write_header(Header("bfloat16", b"ABCDEFGH", 65536, 3, 2**20, True))])
def test_header_cut_and_flipped(data):
    for size in range(len(data)):
        with pytest.raises(CorruptStreamError, match=f"byte {size}: the data end too early"):
            read_header(array("B", list(data[:size])))
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(RdcodecError):
            read_header(damaged)


@pytest.mark.parametrize("payload", [b"", b"abc" * 30, bytes(range(256)) * 5])
def test_frame_cut_and_flipped(payload):
    data = write_frame(7, payload, 3)
    for size in range(len(data)):
        with pytest.raises(CorruptStreamError, match=f"byte {size}: the data end too early"):
            read_frame(array("B", list(data[:size])))
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(RdcodecError):
            read_frame(damaged)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"dtype": "float64"}, RdcodecError, "dtype: expected one of float32, float16, bfloat16, got 'float64'"),
        ({"codec_id": b"short"}, RdcodecError, "codec_id: expected 8 bytes, got 5"),
        ({"rows": 2}, RdcodecError, "rows: expected 1 where there is no batch axis, got 2"),
        ({"channels": 0}, LimitError, "channels: expected 1 to 65536, got 0"),
        ({"channels": 65537}, LimitError, "channels: expected 1 to 65536, got 65537"),
        ({"tokens": 2**31 + 1}, LimitError, "tokens: expected at most"),
        ({"tokens": 2**70}, LimitError, "tokens: expected 0 to"),
        ({"tokens": -1}, LimitError, "tokens: expected 0 to"),
    ],
)
def test_bad_fields(change, error, message):
    with pytest.raises(error, match=message):
        write_header(HEADER._replace(**change))


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((4097, b""), LimitError, "tokens: expected 0 to 4096 in a frame, got 4097"),
        ((-1, b""), LimitError, "tokens: expected 0 to"),
        ((1, b"", 0, -1), RdcodecError, "before: expected 0 to"),
        ((1, b"", 0, 0, 2**32), RdcodecError, "restart: expected 0 to"),
        ((1, b"", None, 0, 1), RdcodecError, "expected a new start with a quality"),
        ((1, b"", 2**31), RdcodecError, "quality: expected an integer within int32, got 2147483648"),
        ((1, bytes(2**26 + 1)), LimitError, "payload: expected at most .* got 67108865"),
        ((1, "text"), TypeError, "bytes-like"),
    ],
)
def test_bad_frame_fields(args, error, message):
    with pytest.raises(error, match=message):
        write_frame(*args)


def test_numbers_of_any_type_and_bytes_of_any_item():
    frame = write_frame(np.int64(3), np.arange(6, dtype=np.int32), np.int16(-2))
    assert frame == write_frame(3, np.arange(6, dtype=np.int32).tobytes(), -2)
    padded = memoryview(frame + bytes(-len(frame) % 4)).cast("i")
    assert read_frame(padded, np.uint8(0)) == read_frame(frame)
    header = write_header(Header("float16", memoryview(bytes(8)).cast("q"), np.int64(5), np.int64(1), np.int64(2), False))
    assert read_header(memoryview(header + bytes(-len(header) % 4)).cast("i")) == read_header(header)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: write_frame(2**70, b""), r"tokens: expected 0 to 2\*\*63 - 1, got 1180591620717411303424"),
        (lambda: write_frame(1.5, b""), r"tokens: expected 0 to 2\*\*63 - 1, got 1.5"),
        (lambda: write_frame(1, b"", 2**70), "quality: expected an integer within int32, got 1180591620717411303424"),
        (lambda: write_frame(1, b"", 1.5), "quality: expected an integer within int32, got 1.5"),
        (lambda: read_frame(b"abc", 2**70), "offset: expected .*, got 1180591620717411303424"),
        (lambda: read_frame(b"abc", 1.5), "offset: expected .*, got 1.5"),
    ],
)
def test_numbers_that_are_none_or_too_large_are_named(call, message):
    with pytest.raises(RdcodecError, match=message):
        call()


@pytest.mark.parametrize("offset", [-1, 4, 2**62])
def test_bad_offset(offset):
    with pytest.raises(RdcodecError, match=f"offset: expected 0 to the 3 bytes of data, got {offset}"):
        read_frame(b"abc", offset)
