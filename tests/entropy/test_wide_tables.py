"""Wide tables: every symbol comes back, arrays that make none are refused, and damaged blocks are what the reference says."""

import pickle
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from segments import decoded_in_segments
from wide_parts import entries_and_bits, escape_bits, symbols_of_all_kinds, tables_of_all_kinds

from rdcodec import CorruptStreamError, RdcodecError, reference
from rdcodec.entropy import FrequencyTables

LANES = [None, 1, 2, 4, 8, 16, 32]
SETS = {precision: tables_of_all_kinds(precision) for precision in (12, 15)}

# symbols 5 to 8 and 100, 101; entries of 4 and of 2 of these, and the escape, of precision 12
SMALL = {
    "frequencies": [2048, 1024, 1024],
    "counts": [3],
    "offsets": [5],
    "precision": 12,
    "raw_bits": [2, 1, 0],
    "run_counts": [2],
    "runs": [[0, 4], [95, 2]],
}


@given(st.integers(0, 2**32), st.integers(0, 300) | st.integers(2000, 6000), st.sampled_from([12, 15]), st.sampled_from(LANES))
def test_round_trip(seed, n, precision, lanes):
    rng = np.random.default_rng(seed)
    tables, known = SETS[precision]
    symbols, index = symbols_of_all_kinds(tables, known, n, rng, rng.choice([0, 0.05, 1]))
    block = tables.encode(symbols, index, lanes)
    assert np.array_equal(tables.decode(block, index), symbols)
    assert decoded_in_segments(tables, block, index, rng) == symbols.tolist()
    assert len(block) <= tables.ideal_bits(symbols, index) / 8 + 8 + 0.0015 * len(block) + (lanes or 0)
    if n <= 40:
        assert np.array_equal(reference.decode_block(tables.to_arrays(), block, index), symbols)


@pytest.mark.parametrize("lanes", LANES)
def test_every_int32_can_be_coded(lanes):
    tables, _ = SETS[12]
    ends = [0, 1, -1, 2**16, -(2**31) + 2**16, 2**31 - 50_001]
    symbols = np.array([*ends, *(side * (2**31 - k) for side in (1, -1) for k in range(1, 6)), -(2**31)] * 20, np.int64).astype(np.int32)
    for table in range(len(tables)):
        index = np.full(symbols.shape, table, np.uint8)
        assert np.array_equal(tables.decode(tables.encode(symbols, index, lanes), index), symbols)


def test_long_blocks_and_threads():
    tables, known = SETS[15]
    rng = np.random.default_rng(1)
    symbols, index = (np.tile(part, 70) for part in symbols_of_all_kinds(tables, known, 9001, rng))
    blocks = [tables.encode(symbols, index, threads=threads) for threads in (1, 2)]
    assert blocks[0] == blocks[1]
    for threads in (1, 2):
        assert np.array_equal(tables.decode(blocks[0], index, threads=threads), symbols)


def test_ideal_bits_counts_raw_bits_and_escapes():
    tables = FrequencyTables.from_frequencies(**SMALL)
    # in the table: its entry and raw bits; in a gap: the escape, a bit and 7; outside: the escape, a bit and a code of order 3
    for symbol, bits in (
        (5, 1 + 2),
        (8, 1 + 2),
        (100, 2 + 1),
        (9, 2 + 1 + 7),
        (99, 2 + 1 + 7),
        (102, 2 + 1 + 4),
        (4, 2 + 1 + 4),
        (106, 2 + 1 + 6),
    ):
        assert tables.ideal_bits([symbol], [0]) == bits
        if bits > 3:
            assert escape_bits(tables, [symbol]) == bits - 2
        block = tables.encode([symbol], [0])
        assert tables.decode(block, [0]) == [symbol]
        assert reference.decode_block(tables.to_arrays(), block, [0]) == [symbol]


def test_bytes_of_the_escape_section():
    """Bit by bit as docs/format.md says, so that no change goes unseen."""
    tables = FrequencyTables.from_frequencies(**SMALL)
    codes = {5: "00", 8: "11", 101: "1", 50: "1 0101101", 4: "0 1001", 1000: "0 0000000 11100001100", 6: "01"}
    bits = "".join(codes.values()).replace(" ", "")
    section = int(bits.ljust(40, "0"), 2).to_bytes(5, "big")
    block = tables.encode(list(codes), [0] * len(codes), 1)
    assert block[:2] == b"\x28\x05" and block[-5:] == section  # an escape section of 5 bytes
    assert tables.decode(block, [0] * len(codes)).tolist() == list(codes)


def test_entries_go_by_the_order_of_runs():
    backwards = FrequencyTables.from_frequencies(**{**SMALL, "runs": [[95, 2], [0, 4]]})
    entries, raw = entries_and_bits(backwards, [100, 101, 5, 6, 7, 8, 9])
    assert entries.tolist() == [0, 0, 0, 0, 1, 1, -1] and raw.tolist() == [2, 2, 2, 2, 1, 1, 0]
    symbols = np.array([100, 101, 5, 6, 7, 8, 9, 99, -3], np.int32)
    index = np.zeros(len(symbols), np.uint8)
    assert np.array_equal(backwards.decode(backwards.encode(symbols, index), index), symbols)


def test_one_symbol_an_entry_is_an_ordinary_table():
    """Without raw bits and gaps, a wide table writes what an ordinary one does."""
    plain = FrequencyTables.gaussian([0.5, 20.0])
    arrays = plain.to_arrays()
    wide = FrequencyTables.from_frequencies(
        **arrays,
        raw_bits=np.zeros(len(arrays["frequencies"])).astype(int),
        run_counts=[1, 1],
        runs=[[0, count - 1] for count in arrays["counts"]],
    )
    rng = np.random.default_rng(2)
    index = rng.integers(0, 2, 3000).astype(np.uint8)
    symbols = np.rint(rng.standard_t(2, 3000) * np.array([0.5, 20.0])[index]).astype(np.int32)
    for lanes in (1, 8):
        block = plain.encode(symbols, index, lanes)
        assert wide.encode(symbols, index, lanes) == block
        assert np.array_equal(wide.decode(block, index), symbols)


# ---- arrays


def test_arrays_go_round():
    tables, _ = SETS[12]
    arrays = tables.to_arrays()
    types = {"frequencies": "uint16", "counts": "uint32", "offsets": "int32", "precision": "uint8"}
    assert {name: array.dtype.name for name, array in arrays.items()} == {
        **types,
        "raw_bits": "uint8",
        "run_counts": "uint32",
        "runs": "uint32",
    }
    prefixed = {f"word_{name}": array for name, array in arrays.items()}
    for again in (
        FrequencyTables.from_frequencies(**arrays),
        FrequencyTables.from_arrays(arrays | {"other": np.zeros(1)}),
        FrequencyTables.from_arrays(prefixed, "word_"),
        pickle.loads(pickle.dumps(tables)),
    ):
        assert again.to_arrays().keys() == arrays.keys()
        assert all(np.array_equal(array, arrays[name]) for name, array in again.to_arrays().items())


def test_ordinary_tables_need_no_more_arrays():
    assert list(FrequencyTables.gaussian([1.0]).to_arrays()) == ["frequencies", "counts", "offsets", "precision"]
    none = {"raw_bits": [0, 0], "run_counts": [0], "runs": np.zeros((0, 2), int)}
    assert list(FrequencyTables.from_frequencies([4095, 1], [2], [0], 12, **none).to_arrays()) == [
        "frequencies",
        "counts",
        "offsets",
        "precision",
    ]


def test_joined_tables_are_those_of_the_parts():
    parts = [FrequencyTables.gaussian([1.0, 2.0]), FrequencyTables.gaussian([1e4]), FrequencyTables.gaussian([3.0])]
    joined = FrequencyTables.joined(parts)
    for name in ("frequencies", "counts", "offsets"):
        assert np.array_equal(joined.to_arrays()[name], np.concatenate([part.to_arrays()[name] for part in parts]))
    assert joined.to_arrays()["run_counts"].tolist() == [0, 0, 1, 0]
    with pytest.raises(RdcodecError, match=r"parts: expected tables of one precision, got \[12, 14\]"):
        FrequencyTables.joined([parts[0], FrequencyTables.gaussian([1.0], 12)])
    with pytest.raises(RdcodecError, match=r"parts: expected tables of one precision, got \[\]"):
        FrequencyTables.joined([])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"raw_bits": None}, "raw_bits: expected all of raw_bits, run_counts, runs or none"),
        ({"runs": None}, "runs: expected all of raw_bits, run_counts, runs or none"),
        ({"raw_bits": [2, 1]}, "raw_bits, run_counts: expected one an entry and one a table, 3 and 1, got 2 and 1"),
        ({"run_counts": [2, 0]}, "raw_bits, run_counts: expected one an entry and one a table, 3 and 1, got 3 and 2"),
        ({"runs": [0, 4, 95, 2]}, r"runs: expected \[runs, 2\], a start and a length each"),
        ({"runs": [[0, 4, 95, 2]]}, r"runs: expected \[runs, 2\], a start and a length each"),
        ({"raw_bits": [2, 31, 0]}, "table 0: expected entries of 0 to 30 raw bits and an escape of none, got 31"),
        ({"raw_bits": [2, 1, 1]}, "table 0: expected entries of 0 to 30 raw bits and an escape of none, got 1"),
        ({"raw_bits": [2, 2, 0]}, "table 0: expected runs of as many symbols as its entries stand for, 1 or more each, got 6"),
        ({"raw_bits": [2, 30, 0], "runs": [[0, 4], [95, 2**30]]}, None),
        ({"run_counts": [0], "runs": np.zeros((0, 2), int)}, "table 0: expected runs of as many symbols"),
        ({"runs": [[0, 6], [95, 0]]}, "table 0: expected runs of as many symbols as its entries stand for, 1 or more each, got 0"),
        ({"runs": [[0, 4], [3, 2]]}, "table 0: expected runs that do not overlap, got symbol 8 in two"),
        ({"runs": [[3, 2], [0, 4]]}, "table 0: expected runs that do not overlap, got symbol 8 in two"),
        ({"run_counts": [1]}, "runs: the run_counts ask for another number of runs than the 2 given|table 0: expected runs"),
        ({"run_counts": [3]}, "runs: the run_counts ask for another number of runs than the 2 given"),
        ({"runs": [[0, 4], [2**31 - 7, 2]]}, None),
        ({"runs": [[0, 4], [2**31 - 6, 2]]}, "table 0: the symbols must lie within int32, got offset 5"),
        ({"runs": [[0, 4], [2**32 - 1, 2]]}, "table 0: the symbols must lie within int32, got offset 5"),
        ({"runs": [[0, 4], [-1, 2]]}, "runs: expected 0 to 4294967295, got -1 at position 2"),
        ({"offsets": [2**31 - 97 + 1 - 1]}, None),
        ({"offsets": [2**31 - 96]}, "table 0: the symbols must lie within int32, got offset 2147483552"),
        ({"offsets": [-(2**31)]}, None),
    ],
)
def test_arrays_that_make_no_tables(change, message):
    arrays = {**SMALL, **change}
    if message is None:
        FrequencyTables.from_frequencies(**arrays)
        return
    with pytest.raises(RdcodecError, match=message):
        FrequencyTables.from_frequencies(**arrays)


def test_more_places_than_32_bits_are_refused():
    count = 5
    with pytest.raises(
        RdcodecError, match="table 0: expected runs of as many symbols as its entries stand for, 1 or more each, got 4294967296"
    ):
        FrequencyTables.from_frequencies(
            [1024, 1024, 1024, 1023, 1], [count], [-(2**31)], 12, [30] * 4 + [0], [2], [[0, 2**31], [2**31, 2**31]]
        )


# ---- blocks that no encoder writes


@pytest.mark.parametrize(
    ("block", "message"),
    [
        # states: 0 for entry 0, 2048 for entry 1, 3072 for the escape
        ("18 00", "byte 2: expected 2 more bits of a symbol in the escape section"),
        ("38 01 00 a0", "byte 3: expected the escape section to end in less than 8 zero bits, got 6 bits left over"),
        ("10 00 0c", "byte 3: expected 1 more bits of a symbol in the escape section"),
        ("30 01 00 0c 80", "byte 4: expected an escaped symbol that no run of its table has, got 5"),
        ("30 01 00 0c df", "byte 4: expected an escaped symbol that no run of its table has, got 100"),
        ("30 01 00 0c ff", "byte 4: expected an escaped symbol that no run of its table has, got 132"),
        ("30 01 00 0c 00", "byte 4: expected an Exp-Golomb code"),
    ],
)
def test_raw_bytes(block, message):
    tables, data = FrequencyTables.from_frequencies(**SMALL), bytes.fromhex(block)
    with pytest.raises(CorruptStreamError, match=message):
        tables.decode(data, [0])
    with pytest.raises(CorruptStreamError):
        reference.decode_block(tables.to_arrays(), data, [0])


def outcome(decode, *args):
    try:
        return decode(*args).tolist()
    except CorruptStreamError:
        return "refused"


@pytest.mark.parametrize("lanes", [1, 4])
def test_damage_gives_what_the_reference_makes_of_it(lanes):
    arrays = {
        **SMALL,
        "frequencies": [*SMALL["frequencies"], 3000, 1096],
        "counts": [3, 2],
        "offsets": [5, -1],
        "raw_bits": [2, 1, 0, 0, 0],
    }
    tables = FrequencyTables.from_frequencies(**{**arrays, "run_counts": [2, 0]})
    rng = np.random.default_rng(lanes)
    index = rng.integers(0, 2, 120).astype(np.uint8)
    symbols = np.where(index == 0, rng.choice([5, 6, 7, 8, 100, 101, 50, 3, 10**6], 120), rng.choice([-1, -1, -1, 7], 120)).astype(np.int32)
    block = tables.encode(symbols, index, lanes)
    damaged = [block[:size] for size in range(len(block))] + [block + b"\0"]
    damaged += [bytes(byte ^ (1 << bit % 8) * (at == bit // 8) for at, byte in enumerate(block)) for bit in range(8 * len(block))]
    for data in damaged:
        fast = outcome(tables.decode, array("B", list(data)), index)
        assert fast == outcome(reference.decode_block, tables.to_arrays(), data, index)
        assert fast != symbols.tolist()
