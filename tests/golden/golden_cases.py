"""The golden files: what they hold, computed with integers only so that every machine and version makes the same."""

import binascii
from pathlib import Path

import numpy as np

from rdcodec import Codec
from rdcodec.entropy import FrequencyTables
from rdcodec.net import IntegerNet, Layer
from rdcodec.stream import CHAIN_START, Chain, Header, read_frame, write_frame, write_header


def numbers(count, seed):
    """Integers from 0 to 2**31 - 1, of a linear congruential generator."""
    state, out = seed, []
    for _ in range(count):
        state = (1103515245 * state + 12345) % 2**31
        out.append(state)
    return np.array(out, np.int64)


def symbols_and_index(count, seed, tables=64):
    """Symbols that suit the built-in tables: sums of uniform numbers, as wide as the table's count of entries says."""
    index = numbers(count, seed) // 2**16 % tables
    widths = FrequencyTables.builtin_gaussian().to_arrays()["counts"].astype(np.int64)[index]
    uniform = sum(numbers(count, seed + k) // 2**8 % 1024 for k in (1, 2, 3, 4)) - 2046
    return (uniform * widths // 6000).astype(np.int32), index.astype(np.uint8)


def block_cases():
    """Name to (symbols, index, lanes) of blocks with the built-in tables."""
    cases = {
        f"block-{n}-symbols-{lanes}-lanes": (*symbols_and_index(n, n + lanes), lanes) for n in (1, 2, 576, 20000) for lanes in (1, 2, 32)
    }
    symbols, index = symbols_and_index(700, 9)
    symbols[::50] = numbers(14, 3) - 2**30
    symbols[[1, 2]] = [-(2**31), 2**31 - 1]
    for lanes in (1, 8):
        cases[f"block-escapes-{lanes}-lanes"] = symbols, index, lanes
    cases["block-empty"] = np.zeros(0, np.int32), np.zeros(0, np.uint8), 1
    cases["block-default-lanes"] = (*symbols_and_index(70000, 1), None)
    return cases


def encode_block(case):
    symbols, index, lanes = case
    return FrequencyTables.builtin_gaussian().encode(symbols, index, lanes)


def stream_case(batched):
    """A stream of frames whose payloads are bytes of no meaning: the container alone. One is a new start."""
    sizes = [0, 1, 124, 125, 0, 1018, 1019, 1020, 1021, 1022, 5000, 3]
    rows = 2 if batched else 1
    header = Header("bfloat16" if batched else "float16", b"codec id", 576, rows, len(sizes) // rows, batched)
    data, before = write_header(header), CHAIN_START
    for k, size in enumerate(sizes):
        before = CHAIN_START if k % header.tokens == 0 else before
        frame = write_frame(1, bytes(size * k % 256 for k in range(size)), None if size else -7, before, restart=0 if size else k)
        data, before = data + frame, read_frame(frame, 0, before).checksum
    return data


def signed(shape, seed, largest, dtype):
    """Integers of magnitudes up to `largest`."""
    return (numbers(int(np.prod(shape)), seed) // 2**8 % (2 * largest + 1) - largest).astype(dtype).reshape(shape)


def layer(seed, outputs, taps, inputs, dilation, dtype, has_table):
    largest = 127 if dtype == np.int8 else 400
    lowest, highest = -700, 800
    return Layer(
        signed((outputs, taps, inputs), seed, largest, dtype),
        signed(outputs, seed + 1, 5000, np.int32),
        (numbers(outputs, seed + 2) // 2**8 % 10 + 4).astype(np.uint8),
        np.array([lowest, highest], np.int16),
        dilation,
        signed(highest - lowest + 1, seed + 3, 900, np.int16) if has_table else None,
    )


def network_case():
    """A network, tokens for it, and the CRC-32 of its outputs as little-endian int16."""
    layers = [layer(1, 24, 3, 17, 2, np.int8, True), layer(2, 33, 2, 24, 5, np.int16, False), layer(3, 9, 1, 33, 1, np.int8, True)]
    return IntegerNet(layers, 1500), signed((200, 17), 4, 2000, np.int16), 0xB74FB4ED


CODECS = {"frames-direct-access": Path(__file__).parent / "codec", "frames-block-transform": Path(__file__).parent / "block_codec"}
CODEC = CODECS["frames-direct-access"]
CHANNELS = 16
DECODED = {"frames-direct-access": 0xD58ADD66, "frames-block-transform": 0x9F236569}  # CRC-32 of the values, as little-endian float32
FRAMES = ((1, 0), (9, 0), (1, -16), (40, 24), (0, 5))  # tokens, quality


def hidden_states():
    """For each of FRAMES float32 [tokens, CHANNELS], the second one with a massive activation and a level beyond all tables, the fourth
    one with tokens that come again."""
    states = [signed((tokens, CHANNELS), 20 + k, 400, np.float32) / 64 for k, (tokens, _) in enumerate(FRAMES)]
    states[1][3, 5], states[1][4, 2] = 30_000, 500
    states[3][16:] = states[3][:24]
    return states


def codec_frames(name):
    """Frames of one of CODECS, one after the other."""
    encoder = Codec.from_pretrained(CODECS[name]).encoder()
    return b"".join(encoder.encode(h, quality=quality) for h, (_, quality) in zip(hidden_states(), FRAMES))


def frames_of(data):
    """The frames of one row, each as its bytes and as read."""
    chain, at = Chain(), 0
    while at < len(data):
        frame = chain.read(data, at)
        yield data[at : frame.end], frame
        chain, at = chain.after(frame), frame.end


def with_crc16(head):
    return head + binascii.crc_hqx(head, 0xFFFF).to_bytes(2, "little")


def refused_cases():
    """Name to (bytes, how to read them, the error's class, its message)."""
    header = write_header(Header("float32", b"codec id", 4, 1, 1, False))
    frame = write_frame(1, b"payload", 5)
    block = encode_block(block_cases()["block-escapes-8-lanes"])
    return {
        "header-foreign": (b"RIFF" + header[4:], "header", "CorruptStreamError", "byte 0: expected the first four bytes"),
        "header-next-version": (
            with_crc16(header[:4] + b"\x02" + header[5:-2]),
            "header",
            "UnsupportedVersionError",
            "byte 4: expected format version 1",
        ),
        "header-cut": (header[:-1], "header", "CorruptStreamError", "byte 19: the data end too early"),
        "header-flipped": (header[:9] + b"X" + header[10:], "header", "CorruptStreamError", "byte 18: the checksum"),
        "header-2-to-the-60-tokens": (
            with_crc16(header[:-3] + bytes.fromhex("80 80 80 80 80 80 80 80 10")),
            "header",
            "LimitError",
            "tokens: expected at most",
        ),
        "frame-not-the-next": (write_frame(1, b"payload", 5, before=0), "frame", "CorruptStreamError", "byte 10: the checksum"),
        "frame-new-start-0": (with_crc16(bytes.fromhex("06 83 40 0a 00")), "frame", "CorruptStreamError", "byte 4: expected a new start"),
        "frame-cut": (frame[:-1], "frame", "CorruptStreamError", "byte 11: the data end too early"),
        "frame-flipped": (frame[:5] + b"!" + frame[6:], "frame", "CorruptStreamError", "byte 10: the checksum"),
        "frame-too-many-tokens": (with_crc16(bytes.fromhex("04 82 40")), "frame", "LimitError", "tokens: expected 0 to 4096"),
        "frame-2-to-the-62-bytes": (bytes.fromhex("80 80 80 80 80 80 80 80 40"), "frame", "LimitError", "payload: expected at most"),
        "block-foreign": (b"\xff" * 20, "block", "CorruptStreamError", "byte 0: expected the first byte of a block"),
        "block-cut": (block[:-9], "block", "CorruptStreamError", "byte"),
        "block-longer": (block + b"\x00", "block", "CorruptStreamError", "byte"),
    }
