"""rANS blocks: every symbol comes back, in one call and in segments, and the bytes are those of docs/format.md."""

import copy
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from segments import decoded_in_segments

from rdcodec import CorruptStreamError, RdcodecError, _core, reference
from rdcodec.entropy import FrequencyTables

LANES = [None, 1, 2, 4, 8, 16, 32]
BUILTIN = FrequencyTables.builtin_gaussian()
BUILTIN_ARRAYS = BUILTIN.to_arrays()


def tables_of_any_shape(seed, precision):
    """A few tables with the extremes: one certain symbol, one rare one, a flat one, an offset at either end of int32."""
    rng = np.random.default_rng(seed)
    units = 2**precision
    rows = [[units - 1, 1], [1, units - 1], [1] * 100 + [units - 100], [units // 64] * 64]
    rows.append((1 + np.bincount(rng.integers(0, 300, units - 301), minlength=300)).tolist() + [1])
    offsets = [0, -(2**31), 2**31 - 100, -32, int(rng.integers(-1000, 1000))]
    return FrequencyTables.from_frequencies(np.concatenate(rows), [len(row) for row in rows], offsets, precision)


def symbols_near(tables, index, rng, wild):
    """Symbols within the supports mostly; a share of them anywhere in int32."""
    arrays = tables.to_arrays()
    reach = arrays["counts"].astype(np.int64)[index]
    symbols = arrays["offsets"].astype(np.int64)[index] + rng.integers(0, reach)
    anywhere = rng.random(len(index)) < wild
    symbols[anywhere] = rng.integers(-(2**31), 2**31, anywhere.sum())
    return np.clip(symbols, -(2**31), 2**31 - 1).astype(np.int32)


@given(
    seed=st.integers(0, 2**32),
    n=st.integers(0, 400) | st.integers(2000, 9000),
    precision=st.integers(12, 15),
    lanes=st.sampled_from(LANES),
    wide=st.booleans(),
    wild=st.sampled_from([0.0, 0.01, 1.0]),
)
def test_round_trip(seed, n, precision, lanes, wide, wild):
    rng = np.random.default_rng(seed)
    tables = tables_of_any_shape(seed, precision)
    index = rng.integers(0, len(tables), n).astype(np.uint16 if wide else np.uint8)
    symbols = symbols_near(tables, index, rng, wild)
    block = tables.encode(symbols, index, lanes)
    assert np.array_equal(tables.decode(block, index), symbols)

    assert decoded_in_segments(tables, block, index, rng) == symbols.tolist()

    if n <= 400:
        assert np.array_equal(reference.decode_block(tables.to_arrays(), block, index), symbols)


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 31, 32, 33, 63, 64, 65, 1000, 4096])
def test_every_length_against_the_reference(n, lanes):
    rng = np.random.default_rng(n)
    index = rng.integers(0, 64, n).astype(np.uint8)
    symbols = np.rint(rng.normal(size=n) * np.geomspace(0.11, 256, 64)[index]).astype(np.int32)
    block = BUILTIN.encode(symbols, index, lanes)
    assert np.array_equal(BUILTIN.decode(block, index), symbols)
    assert np.array_equal(reference.decode_block(BUILTIN_ARRAYS, block, index), symbols)


@pytest.mark.parametrize("lanes", LANES)
def test_every_int32_can_be_coded(lanes):
    symbols = np.array([-(2**31), 2**31 - 1, -(2**31) + 1, 2**31 - 2, 0, 1, -1] * 20, np.int32)
    for table in (0, 31, 63):
        index = np.full(symbols.shape, table, np.uint8)
        assert np.array_equal(BUILTIN.decode(BUILTIN.encode(symbols, index, lanes), index), symbols)


@pytest.mark.parametrize("lanes", [1, 32])
def test_long_blocks_with_escapes_anywhere(lanes):
    """At the ends of runs and groups of the kernels, in the tail, and between."""
    n = 2**19 + 2**18 + 77
    symbols = np.zeros(n, np.int32)
    places = [0, 31, 32, 1023, 1024, 2047, 2048, 4095, 4096, 2**18 - 1, 2**18, n // 2, n // 2 + 1, n - 2000, n - 3, n - 1]
    symbols[places] = 1000 + np.arange(len(places))
    index = np.full(n, 3, np.uint8)
    block = BUILTIN.encode(symbols, index, lanes)
    assert len(block) < 600
    assert np.array_equal(BUILTIN.decode(block, index), symbols)


@pytest.mark.parametrize("lanes", LANES)
def test_certain_symbols_cost_nothing(lanes):
    """A frequency of 2**n - 1: the state hardly grows, the whole block fits into the tail, one lane and one byte are left."""
    tables = FrequencyTables.from_frequencies([4095, 1], [2], [9], 12)
    index = np.zeros(300, np.uint8)
    block = tables.encode(np.full(300, 9, np.int32), index, lanes)
    assert block == b"\x18\x00"
    assert tables.decode(block, index).tolist() == [9] * 300


def test_default_lanes_follow_the_rate():
    """As many lanes as cost less than 0.1% of the bytes: rare words in a long block get one lane, dense ones all 32."""
    rng = np.random.default_rng(1)
    lanes = {}
    for table in (0, 6, 30, 50):
        for n in (1, 1000, 20_000, 300_000):
            index = np.full(n, table, np.uint8)
            symbols = np.rint(rng.normal(size=n) * np.geomspace(0.11, 256, 64)[table]).astype(np.int32)
            block = BUILTIN.encode(symbols, index)
            lanes[table, n] = 1 << (block[0] & 7)
            assert len(block) - BUILTIN.ideal_bits(symbols, index) / 8 <= 6 + 0.0012 * len(block)
    assert [lanes[table, 300_000] for table in (0, 6, 30, 50)] == [1, 4, 32, 32]
    assert [lanes[50, n] for n in (1, 1000, 20_000)] == [1, 1, 16]


def test_long_blocks_have_parts():
    """Above 2**19 symbols: the sizes of all parts but the last, then each part as it would be coded alone."""
    n = 2**20 + 5
    rng = np.random.default_rng(5)
    index = rng.integers(0, 40, n).astype(np.uint8)
    symbols = np.rint(rng.normal(size=n) * np.geomspace(0.11, 256, 64)[index]).astype(np.int32)
    symbols[[0, 349_526, 349_527, n - 1]] = [10**6, -(10**6), 10**7, -(10**7)]
    blocks = [BUILTIN.encode(symbols, index, 32, threads=threads) for threads in (1, 2, 5, None)]
    assert blocks.count(blocks[0]) == len(blocks)
    pieces = reference.split_block(blocks[0], n)
    assert [count for count, _ in pieces] == [349_527, 349_527, 349_527]
    at = 0
    for count, part in pieces:
        assert BUILTIN.encode(symbols[at : at + count], index[at : at + count], 32) == part
        at += count
    for threads in (1, 2, None):
        assert np.array_equal(BUILTIN.decode(blocks[0], index, threads=threads), symbols)
    decoder = BUILTIN.decoder(blocks[0], n)
    assert np.array_equal(np.concatenate([decoder.decode(piece) for piece in np.array_split(index, 7)]), symbols)
    decoder.finish()


def test_damage_to_the_parts_of_a_long_block():
    n = 2**19 + 1
    index = np.full(n, 20, np.uint8)
    symbols = (np.arange(n) % 5 - 2).astype(np.int32)
    block = BUILTIN.encode(symbols, index)
    size, first = reference.read_varint(block, 0)
    cases = [
        (b"\xff\xff\xff\x7f" + block[first:], "byte 0: expected the size of a part within the block, got 268435455"),
        (block[:-2], "byte"),
        (block + b"\0\0", "byte"),
        (block[: first + size], f"byte {first + size}: the data end too early"),
        (block[: first - 1] + bytes([block[first - 1] - 1]) + block[first:], "byte"),
        (block[:first] + b"\xff" + block[first + 1 :], f"byte {first}: expected the first byte of a block, got 255"),
        (block[: first + size] + b"\xff" + block[first + size + 1 :], f"byte {first + size}: expected the first byte of a block, got 255"),
        (b"", "byte 0: the data end too early"),
    ]
    for data, message in cases:
        with pytest.raises(CorruptStreamError, match=message):
            BUILTIN.decode(data, index)
        with pytest.raises(CorruptStreamError, match=message):
            decoder = BUILTIN.decoder(data, n)
            decoder.decode(index)
            decoder.finish()
    wrong = index.copy()
    wrong[n - 3] = 64
    with pytest.raises(RdcodecError, match=f"index: no such table, got 64 at position {n - 3}"):
        BUILTIN.decode(block, wrong)
    with pytest.raises(RdcodecError, match=f"index: no such table, got 64 at position {n - 3}"):
        BUILTIN.encode(symbols, wrong)


@pytest.mark.parametrize("lanes", LANES)
def test_overhead_over_the_ideal_length(lanes):
    """One lane costs up to 3 bytes, several about two thirds of a byte each, besides a head of 3."""
    rng = np.random.default_rng(2)
    for n in (576, 20000):
        index = rng.integers(5, 40, n).astype(np.uint8)
        symbols = np.rint(rng.normal(size=n) * np.geomspace(0.11, 256, 64)[index]).astype(np.int32)
        symbols[7] = 12345
        block = BUILTIN.encode(symbols, index, lanes)
        spent = len(block) - BUILTIN.ideal_bits(symbols, index) / 8
        used = 1 << (block[0] & 7)
        assert spent <= (5 if used == 1 else 6 + used)


def test_block_of_512_tokens_is_within_the_promise():
    """Real bytes at most 0.3% above the ideal code length, at the least dense rate that is quoted."""
    rng = np.random.default_rng(3)
    index = np.minimum(rng.exponential(9.0, 512 * 576), 63).astype(np.uint8)
    symbols = np.rint(rng.normal(size=index.size) * np.geomspace(0.11, 256, 64)[index]).astype(np.int32)
    ideal = BUILTIN.ideal_bits(symbols, index)
    assert 0.5 < ideal / index.size < 1.5
    assert 8 * len(BUILTIN.encode(symbols, index)) <= ideal * 1.003


def test_ideal_bits_counts_frequencies_and_escapes():
    tables = FrequencyTables.from_frequencies([1024, 2048, 1024], [3], [0], 12)
    bits = tables.ideal_bits(np.array([0, 1, 1, 2, -1, 9], np.int32), np.zeros(6, np.uint8))
    # 2 and -1 are at distance 0 (numbers 0 and 1, codes of 1 and 3 bits), 9 at distance 7 (number 14, code of 7 bits)
    assert bits == 2 + 1 + 1 + (2 + 1) + (2 + 3) + (2 + 7)
    assert tables.ideal_bits(np.zeros(0, np.int32), np.zeros(0, np.uint8)) == 0.0


def test_shapes_are_kept():
    index = np.full((3, 5, 2), 20, np.uint16)
    symbols = np.arange(30, dtype=np.int32).reshape(index.shape)
    decoded = BUILTIN.decode(BUILTIN.encode(symbols, index), index)
    assert decoded.shape == index.shape and decoded.dtype == np.int32
    assert np.array_equal(decoded, symbols)


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.astype(np.int64),
        lambda a: a.astype(">i4"),
        lambda a: np.repeat(a, 2)[::2],
        lambda a: a.reshape(10, 10).T.copy().T.ravel(),
        lambda a: a.tolist(),
        lambda a: np.frombuffer(b"x" + a.astype(np.int32).tobytes(), np.uint8)[1:].view(np.int32),
    ],
)
def test_other_layouts_give_the_same_bytes(change):
    symbols, index = np.arange(100) % 9, np.arange(100) % 64
    plain = BUILTIN.encode(symbols.astype(np.int32), index.astype(np.uint8))
    assert BUILTIN.encode(change(symbols), change(index)) == plain
    assert BUILTIN.decode(plain, change(index)).tolist() == symbols.tolist()


@pytest.mark.parametrize(
    ("symbols", "index", "error", "message"),
    [
        ([0, 1], [0, 64], RdcodecError, "index: no such table, got 64 at position 1"),
        ([0, 1], [0, -1], RdcodecError, "index: expected 0 to 65535, got -1 at position 1"),
        ([0, 1], [0, 70000], RdcodecError, "index: expected 0 to 65535, got 70000 at position 1"),
        ([0, 2**31], [0, 0], RdcodecError, "symbols: expected .* got 2147483648 at position 1"),
        ([0, 1], [0], RdcodecError, "index: expected the shape of symbols"),
        ([[0, 1]], [0, 1], RdcodecError, "index: expected the shape of symbols"),
        ([0.5, 1], [0, 0], TypeError, "symbols: expected integers, got float64"),
        ([0, 1], [0.0, 0.0], TypeError, "index: expected integers, got float64"),
        ([True, False], [0, 0], TypeError, "symbols: expected integers, got bool"),
    ],
)
def test_bad_arrays(symbols, index, error, message):
    with pytest.raises(error, match=message):
        BUILTIN.encode(symbols, index)
    with pytest.raises(error, match=message):
        BUILTIN.ideal_bits(symbols, index)


@pytest.mark.parametrize("lanes", [0, 3, 64, -1, 2.5, "1"])
def test_bad_lanes(lanes):
    with pytest.raises(RdcodecError, match="lanes: expected a power of two from 1 to 32"):
        BUILTIN.encode([0], [0], lanes)


@pytest.mark.parametrize("threads", [0, -1, 2.5, "1", 2**40])
def test_bad_threads(threads):
    with pytest.raises(RdcodecError, match="threads: expected 1 to 1024"):
        BUILTIN.encode([0], [0], threads=threads)
    with pytest.raises(RdcodecError, match="threads: expected 1 to 1024"):
        BUILTIN.decode(b"\x18\x00", [0], threads=threads)


def test_numbers_of_any_type_are_taken():
    index = np.full(2000, 30, np.uint8)
    block = BUILTIN.encode(index, index, np.int64(4), np.uint8(2))
    assert block == BUILTIN.encode(index, index, 4, 2)
    assert np.array_equal(BUILTIN.decode(block, index, np.int16(1)), index)
    decoder = BUILTIN.decoder(block, np.uint32(2000))
    assert np.array_equal(decoder.decode(index), index)
    arrays = BUILTIN.to_arrays()
    assert FrequencyTables.from_frequencies(arrays["frequencies"], arrays["counts"], arrays["offsets"], np.int64(14)).precision == 14


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: BUILTIN.encode([0], [0], 2**70), f"lanes: expected a power of two from 1 to 32, got {2**70}"),
        (lambda: BUILTIN.encode([0], [0], threads=2**70), f"threads: expected 1 to 1024, got {2**70}"),
        (lambda: BUILTIN.encode([0, 2**70], [0, 0]), f"symbols: expected -2147483648 to 2147483647, got {2**70} at position 1"),
        (lambda: BUILTIN.encode([0], [2**70]), f"index: expected 0 to 65535, got {2**70} at position 0"),
        (lambda: BUILTIN.decoder(b"", 2**70), f"n: expected a number of symbols, got {2**70}"),
        (lambda: BUILTIN.decoder(b"", 1.0), "n: expected a number of symbols, got 1.0"),
        (lambda: BUILTIN.decoder(b"", 2**40), "symbols: expected at most 2\\^30 in a block"),
        (lambda: FrequencyTables.gaussian([1.0], "14" * 400), "precision: expected 12 to 15 bits, got '1414"),
        (lambda: FrequencyTables.gaussian([1.0], 2**70), f"precision: expected 12 to 15 bits, got {2**70}"),
    ],
)
def test_numbers_that_are_none_or_too_large_are_named(call, message):
    with pytest.raises(RdcodecError, match=message) as refusal:
        call()
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize(
    "kind", [bytes, bytearray, memoryview, lambda data: memoryview(data).cast("i"), lambda data: np.frombuffer(data, np.int64)]
)
def test_bytes_are_counted_whatever_their_items(kind):
    index = np.full(4000, 30, np.uint8)
    symbols = np.random.default_rng(5).integers(-9, 9, 4000).astype(np.int32)
    symbols[:7] = next(k for k in range(100) if len(BUILTIN.encode([k] * 7 + symbols[7:].tolist(), index)) % 8 == 0)
    block = BUILTIN.encode(symbols, index)
    assert np.array_equal(BUILTIN.decode(kind(block), index), symbols)
    decoder = BUILTIN.decoder(kind(block), 4000)
    assert np.array_equal(decoder.decode(index), symbols)
    decoder.finish()


def test_arrays_that_are_not_aligned_are_taken():
    index = np.full(50, 300, np.uint16)
    tables = FrequencyTables.gaussian(np.full(301, 2.0))
    symbols, room, other = np.arange(50, dtype=np.int32), np.zeros(201, np.uint8), np.zeros(101, np.uint8)
    unaligned, unaligned_index = room[1:].view(np.int32), other[1:].view(np.uint16)
    unaligned[...], unaligned_index[...] = symbols, index
    assert not unaligned.flags.aligned and not unaligned_index.flags.aligned
    block = tables.encode(unaligned, unaligned_index)
    assert block == tables.encode(symbols, index)
    assert np.array_equal(tables.decode(block, unaligned_index), symbols)
    with pytest.raises(TypeError, match=r"symbols: expected a C-contiguous array of int32, got one of dtype\('int32'\), not aligned"):
        _core.block_encode(tables.core, unaligned, index, 0, 0)
    with pytest.raises(TypeError, match=r"int32, got one of dtype\('int32'\), not contiguous"):
        _core.block_encode(tables.core, np.zeros(100, np.int32)[::2], index, 0, 0)
    with pytest.raises(TypeError, match=r"int32, got one of dtype\('>i4'\), not of native byte order"):
        _core.block_encode(tables.core, symbols.astype(">i4"), index, 0, 0)


def test_decoder_says_what_is_missing():
    block = BUILTIN.encode([1, 2, 3], [30, 30, 30])
    decoder = BUILTIN.decoder(block, 3)
    assert decoder.decode([30, 30]).tolist() == [1, 2]
    with pytest.raises(RdcodecError, match="finish: 1 symbols of the block are not decoded yet"):
        decoder.finish()
    with pytest.raises(RdcodecError, match="index: only 1 symbols are left in the block, got 2 indices"):
        decoder.decode([30, 30])
    with pytest.raises(RdcodecError, match="index: no such table, got 64 at position 0"):
        decoder.decode([64])
    assert decoder.decode([30]).tolist() == [3]  # misuse has not harmed it
    decoder.finish()
    with pytest.raises(RdcodecError, match="n: expected"):
        BUILTIN.decoder(block, -1)


def test_a_decoder_keeps_its_block_alive():
    def decoder_of_a_passing_block():
        return BUILTIN.decoder(bytearray(BUILTIN.encode([5] * 50, [40] * 50)), 50)

    decoder = decoder_of_a_passing_block()
    assert decoder.decode([40] * 50).tolist() == [5] * 50


def test_one_thread_at_a_time_uses_a_decoder():
    index = np.full(1 << 22, 30, np.uint8)
    decoder, decoded, refusals = BUILTIN.decoder(BUILTIN.encode(np.ones(len(index), np.int32), index), len(index)), [], set()
    thread = threading.Thread(target=lambda: decoded.append(decoder.decode(index)))
    thread.start()
    while thread.is_alive():
        try:
            decoder.finish()
        except RdcodecError as error:
            refusals.add(str(error))
    thread.join()
    decoder.finish()
    assert (decoded[0] == 1).all()
    assert "decoder: another thread is using it" in refusals
    assert refusals <= {"decoder: another thread is using it", f"finish: {len(index)} symbols of the block are not decoded yet"}


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_decoder_is_neither_copied_nor_pickled(duplicate):
    with pytest.raises(TypeError, match="BlockDecoder: cannot be copied or pickled"):
        duplicate(BUILTIN.decoder(BUILTIN.encode([5], [40]), 1))


def test_many_threads_share_the_tables():
    rng = np.random.default_rng(4)
    index = rng.integers(0, 64, 50000).astype(np.uint8)
    symbols = rng.integers(-50, 50, 50000).astype(np.int32)
    block = BUILTIN.encode(symbols, index)
    with ThreadPoolExecutor(4) as pool:
        blocks = list(pool.map(lambda _: BUILTIN.encode(symbols, index), range(16)))
        decoded = list(pool.map(lambda b: BUILTIN.decode(b, index), blocks))
    assert all(b == block for b in blocks)
    assert all(np.array_equal(d, symbols) for d in decoded)


@pytest.mark.parametrize("threads", ["1", "3"])
def test_another_process_writes_the_same_bytes(threads):
    program = (
        "import numpy as np; from rdcodec.entropy import FrequencyTables as T; i = np.arange(9000) % 64;"
        "print(T.builtin_gaussian().encode(i * i % 23 - 11, i).hex())"
    )
    i = np.arange(9000) % 64
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": threads}
    ).stdout
    assert bytes.fromhex(output) == BUILTIN.encode(i * i % 23 - 11, i)
