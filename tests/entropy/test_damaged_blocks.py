"""Blocks that no encoder writes: one test a cause in raw bytes, then cuts and flips held against the reference decoder."""

from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdcodec import CorruptStreamError, reference
from rdcodec.entropy import FrequencyTables

# one table of precision 12: symbols 0 (frequency 1024), 1 (2048), escape (1024) of order 0
TABLES = FrequencyTables.from_frequencies([1024, 2048, 1024], [3], [0], 12)
ARRAYS = TABLES.to_arrays()

# lanes 2: tail 1 symbol; both states are 2**16, in 4 + 16 bits; no words
TWO_LANES = "01 01 0000000000"


@pytest.mark.parametrize(
    ("n", "block", "message"),
    [
        (1, "", "byte 0: the data end too early"),
        (0, "18", "byte 0: expected the end, got 1 more bytes"),
        (1, "06", "byte 0: expected the first byte of a block, got 6"),
        (1, "09", "byte 0: expected the first byte of a block, got 9"),
        (1, "58 00", "byte 0: expected the first byte of a block, got 88"),
        (1, "98 00", "byte 0: expected the first byte of a block, got 152"),
        (1, "18", "byte 1: the data end too early"),
        (1, "00 00 00 01", "byte 4: the data end too early"),
        (1, "10 07 00", "byte 1: expected a state without high zero bytes, got 7"),
        (1, "18 01 00", "byte 2: expected words of two bytes, got 1 bytes"),
        (1, "18 01 00 00", "byte 1: expected a lane state of at least 65536, got 33"),
        (1, "08 00 00 01 00 00", "byte 6: expected the coder to end in its initial state"),
        (2, "00 00 00 00 01 11 11 22 22 33 33", "byte 5: expected all words to be used, got 6 bytes"),
        (1, "10 00 10", "byte 3: expected the coder to end in its initial state, got"),
        (1, "38 00 00", "byte 1: expected the length of an escape section within the block, got 0"),
        (1, "38 02 00", "byte 1: expected the length of an escape section within the block, got 2"),
        (1, "38", "byte 1: the data end too early"),
        (1, "38 80 00 00", "byte 1: expected a varint of least length"),
        (1, "38 ff ff ff ff ff ff ff ff ff 01", "byte 1: expected a varint of least length"),
        (1, "18 00 00", "byte 2: expected words of two bytes"),
        # state 3072 = start of the escape: an escape without a section, with codes that do not end, with bits left over
        (1, "10 00 0c", "byte 3: expected an Exp-Golomb code"),
        (1, "30 01 00 0c 01", "byte 4: expected an Exp-Golomb code"),
        (1, "30 06 00 0c 00 00 00 00 00 80", "byte 4: expected an Exp-Golomb code"),
        (1, "30 02 00 0c 80 00", "byte 4: expected the escape section to end in less than 8 zero bits, got 15 bits"),
        (1, "30 01 00 0c 81", "byte 4: expected the escape section to end in less than 8 zero bits, got 7 bits"),
        (1, "38 01 00 80", "byte 3: expected the escape section to end in less than 8 zero bits, got 8 bits"),
        # number 2^33 - 1: distance 2^32 - 1 below the support
        (1, "30 09 00 0c 00 00 00 00 40 00 00 00 00", "byte 4: expected an escaped symbol within int32, got -4294967296"),
        (2, "01", "byte 1: the data end too early"),
        (2, "01 00 0000 0100 0000 0100", "byte 1: expected a tail shorter than the block and of at least 1 symbol, got 0"),
        (1, TWO_LANES, "byte 1: expected a tail shorter than the block and of at least 1 symbol, got 1"),
        (2, TWO_LANES[:-2], "byte 6: the data end too early"),
        (2, TWO_LANES[:-6], "byte 4: the data end too early"),
        (2, "01 01 10 00 00 00 00 01", "byte 7: expected zero bits behind the states of the lanes, got 1"),
        (2, TWO_LANES, "byte 7: expected the coder to end in its initial state, got 16384"),
        (2, TWO_LANES + "00", "byte 7: expected words of two bytes, got 1 bytes"),
        (2, TWO_LANES + "0000 0000", "byte 9: expected all words to be used, got 2 bytes"),
        # one symbol, then a tail of three whose state 1024 has words behind it
        (4, "02 03 2040000000001000010000", "byte 13: expected a lane state of at least 65536, got 1024"),
    ],
)
def test_raw_bytes(n, block, message):
    data, index = bytes.fromhex(block), np.zeros(n, np.uint8)
    with pytest.raises(CorruptStreamError, match=message):
        TABLES.decode(data, index)
    with pytest.raises(CorruptStreamError):
        reference.decode_block(ARRAYS, data, index)


def outcome(decode, *args):
    try:
        return decode(*args).tolist()
    except CorruptStreamError:
        return "refused"


def same_as_reference(block, index, tables=TABLES, arrays=ARRAYS):
    """What the core makes of these bytes, which must be what the reference makes of them.

    The core gets them in a buffer without the zero behind them that `bytes` have: a sanitizer sees a read past the end.
    """
    fast = outcome(tables.decode, array("B", list(block)), index)
    assert fast == outcome(reference.decode_block, arrays, block, index)
    return fast


@given(st.binary(max_size=200), st.integers(0, 60))
def test_any_bytes(block, n):
    same_as_reference(block, np.zeros(n, np.uint8))


@given(st.binary(min_size=1, max_size=150), st.integers(1, 300), st.integers(0, 5), st.booleans())
def test_any_bytes_behind_a_legal_start(rest, n, log_lanes, escapes):
    """Random bytes get further when they begin well: as many states as the lanes ask for."""
    lanes = 1 << log_lanes
    tail = b"\x05" if lanes > 1 else b""
    # 4 bytes, or 4 zero bits and 16 more a lane
    states = rest[:1] * 2 + b"\x01\x00" if lanes == 1 else bytes(rest[i % len(rest)] * (i % 5 > 0) for i in range(5 * lanes // 2))
    section = (b"\x01", rest[:1]) if escapes else (b"", b"")
    block = bytes([log_lanes | 32 * escapes]) + section[0] + tail + states + rest[: len(rest) & ~1] + section[1]
    same_as_reference(block, np.zeros(n, np.uint8))


@settings(max_examples=300)
@given(st.integers(0, 2**32 - 33), st.binary(max_size=6), st.integers(1, 40), st.binary(max_size=2))
def test_one_lane_is_accepted_only_as_it_is_written(written, words, n, section):
    """So no rate is below that of an encoder."""
    state = written.to_bytes(max(1, -(-written.bit_length() // 8)), "little")
    head = bytes([(4 - len(state)) << 3 | 32 * bool(section), *[len(section)] * bool(section)])
    block, index = head + state + words[: len(words) & ~1] + section, np.zeros(n, np.uint8)
    symbols = same_as_reference(block, index)
    if symbols != "refused":
        assert TABLES.encode(symbols, index, lanes=1) == block


def damaged_blocks(lanes):
    """A block with escapes, and its symbols and indices."""
    rng = np.random.default_rng(lanes)
    tables = FrequencyTables.gaussian([0.4, 3.0, 20.0])
    index = rng.integers(0, 3, 250).astype(np.uint8)
    symbols = np.rint(rng.normal(size=250) * np.array([0.4, 3.0, 20.0])[index]).astype(np.int32)
    symbols[[3, 100, 249]] = [10**6, -(10**9), 999]
    return tables, symbols, index, tables.encode(symbols, index, lanes)


@pytest.mark.parametrize("lanes", [1, 4, 32])
def test_cut_at_every_byte(lanes):
    tables, symbols, index, block = damaged_blocks(lanes)
    for size in range(len(block)):
        assert same_as_reference(block[:size], index, tables, tables.to_arrays()) != symbols.tolist()


@pytest.mark.parametrize("lanes", [1, 2, 4])
def test_cut_blocks_and_wrong_tables_do_not_reach_the_end(lanes):
    """Where words run out, a state comes down and stays; that it ends where the encoder began is as good as impossible."""
    rng, tables = np.random.default_rng(7), FrequencyTables.builtin_gaussian()
    scales = 0.11 * (256 / 0.11) ** (np.arange(64) / 63)
    cuts = reached = taken = 0
    for _ in range(120):
        n, widest = rng.integers(20, 600), rng.integers(20, 65)
        index = rng.integers(0, widest, n).astype(np.uint8)
        block = tables.encode(np.rint(rng.normal(size=n) * scales[index]).astype(np.int32), index, lanes)
        cuts += len(block) - 1
        reached += sum(outcome(tables.decode, block[:size], index) != "refused" for size in range(1, len(block)))
        taken += outcome(tables.decode, block, index[rng.permutation(n)]) != "refused"
    assert cuts > 5000 and reached <= cuts / 5000 and taken <= 1


@pytest.mark.parametrize("lanes", [1, 4, 32])
def test_one_byte_more(lanes):
    tables, _, index, block = damaged_blocks(lanes)
    for byte in (b"\x00", b"\xff"):
        assert same_as_reference(block + byte, index, tables, tables.to_arrays()) == "refused"


@pytest.mark.parametrize("lanes", [1, 4, 32])
def test_flipped_bits(lanes):
    """A block has no checksum, so a flip may give other symbols; never the same ones, and never anything but symbols or an error."""
    tables, symbols, index, block = damaged_blocks(lanes)
    arrays = tables.to_arrays()
    for bit in range(0, 8 * len(block), 5):
        damaged = bytearray(block)
        damaged[bit // 8] ^= 1 << bit % 8
        assert same_as_reference(bytes(damaged), index, tables, arrays) != symbols.tolist()


def test_a_failed_decoder_stays_failed():
    decoder = TABLES.decoder(bytes.fromhex("10 00 0c"), 2)
    for _ in range(2):
        with pytest.raises(CorruptStreamError, match="Exp-Golomb"):
            decoder.decode([0])
    with pytest.raises(CorruptStreamError, match="Exp-Golomb"):
        decoder.finish()


def test_text_is_no_block():
    with pytest.raises(TypeError, match="bytes-like"):
        TABLES.decode("abc", [0])
