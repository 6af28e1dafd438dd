"""Frequency tables: the rounding of pmfs, the invariants, the built-in set."""

import hashlib
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wide_parts import entries_and_bits

from rdcodec import RdcodecError
from rdcodec.entropy import FrequencyTables


def entries_of(tables, t=0):
    """Offset and frequencies of one table, the escape last."""
    arrays = tables.to_arrays()
    ends = np.cumsum(arrays["counts"])
    return int(arrays["offsets"][t]), arrays["frequencies"][ends[t] - arrays["counts"][t] : ends[t]].astype(int)


def entry_probabilities(tables, pmf, offset):
    """What each entry of the only table stands for; the last one for everything else."""
    entries, _ = entries_and_bits(tables, offset + np.arange(len(pmf)))
    inside = np.bincount(entries[entries >= 0], np.asarray(pmf)[entries >= 0], int(tables.to_arrays()["counts"][0]) - 1)
    return np.append(inside, 1.0 - inside.sum())


def code_length(p, frequencies, precision):
    return float((p * (precision - np.log2(frequencies))).sum())


def shortest_by_search(p, precision):
    """The least code length of all frequencies >= 1 that sum to 2**precision, by trying all of them, entry after entry."""
    units = 2**precision
    lengths = precision - np.log2(np.arange(1, units + 1))
    best = p[0] * lengths  # best[k]: the first entries with k + 1 units in all
    for probability in p[1:]:
        with_next = np.full(units, np.inf)
        for f in range(1, units):
            np.minimum(with_next[f:], best[:-f] + probability * lengths[f - 1], out=with_next[f:])
        best = with_next
    return best[units - 1]


@pytest.mark.parametrize("precision", [12, 13])
@pytest.mark.parametrize(
    "pmf",
    [
        [1.0],
        [0.5],
        [0.5, 0.5],
        [1 / 3, 1 / 3, 1 / 3],
        [0.9, 0.09, 0.009],
        [0.999, 0.0005, 0.0003],
        [1e-4, 0.7, 2e-4, 0.1, 1e-3],
        [0.25, 1e-12, 0.0, 0.25],
        [0.4, 0.3, 0.2, 0.1 - 1e-4],
    ],
)
def test_rounding_is_optimal(pmf, precision):
    tables = FrequencyTables.from_pmf([pmf], -1, precision)
    _, frequencies = entries_of(tables)
    p = entry_probabilities(tables, pmf, -1)
    assert code_length(p, frequencies, precision) == pytest.approx(shortest_by_search(p, precision), abs=1e-12)


logarithms = st.lists(st.floats(-20.0, 0.0), min_size=1, max_size=60)


@given(logarithms, st.integers(12, 15), st.floats(0.5, 1.0))
def test_no_unit_is_better_elsewhere(logarithms, precision, mass):
    """Optimality for any pmf: the code length is convex in every frequency, so no exchange of one unit may shorten it.

    The weights are spread over six decades, so that some entries lie at the edge of a second unit.
    """
    weights = np.exp2(logarithms)
    pmf = mass * weights / weights.sum()
    tables = FrequencyTables.from_pmf([pmf], 7, precision)
    _, f = entries_of(tables)
    p = entry_probabilities(tables, pmf, 7)
    assert f.min() >= 1 and f.sum() == 2**precision
    gain = p * np.log1p(1.0 / f)
    loss = np.where(f > 1, p * np.log(f / np.maximum(f - 1.0, 1e-300)), np.inf)
    for taker in range(len(f)):
        others = np.delete(loss, taker)
        assert gain[taker] <= others.min() + 1e-12


def test_far_tails_are_left_to_the_escape():
    """A support much wider than the distribution must not cost: this is what counts of 1 for every symbol get wrong."""
    scale = 0.5
    edges = np.arange(-340, 342) - 0.5
    below = np.array([0.5 * math.erfc(-x / scale / math.sqrt(2)) for x in edges])
    pmf = np.diff(below)
    tables = FrequencyTables.from_pmf([pmf], -340, 15)
    _, frequencies = entries_of(tables)
    assert len(frequencies) < 10
    p = entry_probabilities(tables, pmf, -340)
    entropy = -sum(x * math.log2(x) for x in pmf if x > 0)
    assert code_length(p, frequencies, 15) < entropy * 1.0005


def test_symbols_that_pay_are_kept():
    first, frequencies = entries_of(FrequencyTables.from_pmf([[0.001, 0.0, 0.998, 0.001]], 10))
    assert first == 10 and len(frequencies) == 5


def test_zeros_at_the_ends_are_dropped():
    first, frequencies = entries_of(FrequencyTables.from_pmf([[0.0, 0.0, 0.5, 0.5, 0.0]], -2))
    assert first == 0 and len(frequencies) == 3


def test_missing_mass_belongs_to_the_escape():
    _, frequencies = entries_of(FrequencyTables.from_pmf([[0.25, 0.25]], 0))
    assert frequencies.tolist() == [4096, 4096, 8192]


def test_more_symbols_than_units():
    """A flat pmf over more symbols than there are units still gives a table that codes all of them."""
    tables = FrequencyTables.from_pmf(np.full((1, 10000), 1e-4), -5000, 12)
    symbols = np.arange(-5000, 5000, 77, dtype=np.int32)
    index = np.zeros(len(symbols), np.uint8)
    assert tables.decode(tables.encode(symbols, index), index).tolist() == symbols.tolist()


@pytest.mark.parametrize(
    ("pmf", "message"),
    [
        ([[0.5, -0.1]], "table 0: pmf: .* position 1"),
        ([[0.5, 0.5], [0.5, np.nan]], "table 1: pmf: .* position 1"),
        ([[np.inf]], "table 0: pmf"),
        ([[0.0, 0.0]], "table 0: pmf: expected a sum above 0"),
        ([[0.7, 0.7]], "table 0: pmf: expected a sum above 0 and at most 1; the row has 2 symbols and sums to 1.4"),
        ([[]], "^table 0: pmf: expected 1 to 2.30 symbols, got 0; the row has 0 symbols"),
        ([0.5, 0.5], "pmf: expected .tables, symbols., got 1 dimensions"),
        (np.zeros((0, 3)), "at least one table"),
    ],
)
def test_bad_pmf(pmf, message):
    with pytest.raises(RdcodecError, match=message):
        FrequencyTables.from_pmf(pmf, 0)


@pytest.mark.parametrize(
    ("offset", "message"),
    [
        ([0, 1], "^offset: expected one integer"),
        (2**31 - 1, "^table 0: offset: the symbols must lie within int32, got 2147483647; the row has 2 symbols"),
        (2**40, "^offset: expected"),
    ],
)
def test_bad_offset(offset, message):
    with pytest.raises(RdcodecError, match=message):
        FrequencyTables.from_pmf([[0.5, 0.5]], offset)


@pytest.mark.parametrize("symbols", [1, 2, 300, 20_000])
def test_a_table_may_end_at_the_last_symbol_and_begin_at_the_first(symbols):
    for offset in (2**31 - symbols, -(2**31)):
        tables = FrequencyTables.from_pmf(np.full((1, symbols), 1 / symbols), offset, 12)
        assert int(tables.to_arrays()["offsets"][0]) == offset
        coded = np.array([offset, offset + symbols - 1, 2**31 - 1, -(2**31), 0] * 50, np.int64).astype(np.int32)
        index = np.zeros(len(coded), np.uint8)
        for lanes in (1, 2, 32):
            assert np.array_equal(tables.decode(tables.encode(coded, index, lanes), index), coded)


@pytest.mark.parametrize("precision", [11, 16, -1, 2**40])
def test_bad_precision(precision):
    with pytest.raises(RdcodecError, match="precision: expected 12 to 15 bits"):
        FrequencyTables.gaussian([1.0], precision)
    with pytest.raises(RdcodecError, match="precision: expected 12 to 15 bits"):
        FrequencyTables.from_frequencies([1, 1], [2], [0], precision)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf, 2.0**21])
def test_bad_scale(scale):
    with pytest.raises(RdcodecError, match=r"scales\[1\]"):
        FrequencyTables.gaussian([1.0, scale])


@pytest.mark.parametrize(
    ("frequencies", "counts", "offsets", "message"),
    [
        ([4096], [1], [0], "table 0: expected at least one symbol"),
        ([4095, 1, 4096, 0], [2, 2], [0, 0], r"frequencies\[3\]: expected at least 1, got 0"),
        ([4095, 2], [2], [0], "table 0: .* got 4097"),
        ([4095, 1, 4000, 95], [2, 2], [0, 0], "table 1: .* got 4095"),
        ([4095, 1], [3], [0], "frequencies: the counts"),
        ([4095, 1, 7], [2], [0], "frequencies: the counts"),
        ([4094, 1, 1], [3], [2**31 - 1], "table 0: the symbols must lie within int32"),
        ([4095, 1], [2], [0, 0], "offsets: expected one a table, 1, got 2"),
        ([], [], [], "tables: expected 1 to 65535"),
        ([4095, 1], [2], [2**31], "offsets: expected"),
        ([-1, 1], [2], [0], "frequencies: expected 0 to 65535, got -1 at position 0"),
    ],
)
def test_bad_frequencies(frequencies, counts, offsets, message):
    with pytest.raises(RdcodecError, match=message):
        FrequencyTables.from_frequencies(frequencies, counts, offsets, 12)


def test_too_many_tables():
    with pytest.raises(RdcodecError, match="tables: expected 1 to 65535 of them, got 65536"):
        FrequencyTables.from_frequencies([4095, 1] * 65536, [2] * 65536, [0] * 65536, 12)


def test_floats_are_no_frequencies():
    with pytest.raises(TypeError, match="frequencies: expected integers, got float64"):
        FrequencyTables.from_frequencies([4095.0, 1.0], [2], [0], 12)


def test_made_only_by_its_constructors():
    with pytest.raises(TypeError, match="from_pmf"):
        FrequencyTables([0.5])


def test_arrays_go_round():
    tables = FrequencyTables.gaussian([0.2, 3.0, 40.0], 13)
    arrays = tables.to_arrays()
    again = FrequencyTables.from_frequencies(**arrays)
    assert {k: v.dtype.name for k, v in arrays.items()} == {
        "frequencies": "uint16",
        "counts": "uint32",
        "offsets": "int32",
        "precision": "uint8",
    }
    for name, array in again.to_arrays().items():
        assert np.array_equal(array, arrays[name])
    assert len(again) == 3 and again.precision == 13
    arrays["frequencies"][:] = 0  # a copy: tables are immutable
    assert tables.to_arrays()["frequencies"].min() >= 1


def test_pickles():
    tables = pickle.loads(pickle.dumps(FrequencyTables.gaussian([0.5, 8.0])))
    again = FrequencyTables.gaussian([0.5, 8.0])
    assert all(np.array_equal(tables.to_arrays()[name], array) for name, array in again.to_arrays().items())


def test_builtin_tables_are_constants():
    """They belong to the format: a change of these bytes is a new version."""
    arrays = FrequencyTables.builtin_gaussian().to_arrays()
    digest = hashlib.sha256()
    for name in ("counts", "offsets", "frequencies"):
        digest.update(arrays[name].astype("<i4").tobytes())
    assert digest.hexdigest() == "86dc48394f6245acd8262af822826dc1ad9367dd6ebf5a6bd53042ccb42b5058"
    assert arrays["precision"] == 14 and len(arrays["counts"]) == 64


def test_builtin_tables_are_the_gaussians_they_claim():
    """Within 0.01% of the rate of tables that are computed here and now."""
    fitted = FrequencyTables.gaussian(np.geomspace(0.11, 256, 64))
    builtin = FrequencyTables.builtin_gaussian()
    rng = np.random.default_rng(5)
    scales = np.geomspace(0.11, 256, 64)
    index = np.repeat(np.arange(64, dtype=np.uint8), 1000)
    symbols = np.rint(rng.normal(size=index.size) * scales[index]).astype(np.int32)
    assert builtin.ideal_bits(symbols, index) == pytest.approx(fitted.ideal_bits(symbols, index), rel=1e-4)


def test_gaussian_rate_is_the_entropy():
    """Tables, trimming and escapes together: 64 scales at 14 bits lie within 0.1% of the Gaussian's own code length."""
    scales = np.geomspace(0.3, 64, 64)
    tables = FrequencyTables.gaussian(scales)
    rng = np.random.default_rng(6)
    index = rng.integers(0, 64, 50000).astype(np.uint8)
    symbols = np.rint(rng.normal(size=index.size) * scales[index]).astype(np.int32)
    width = scales[index] * math.sqrt(2)
    upper = np.abs(symbols) - 0.5
    p = [0.5 * (math.erfc(u / w) - math.erfc((u + 1) / w)) for u, w in zip(upper.tolist(), width.tolist())]
    assert tables.ideal_bits(symbols, index) <= -np.log2(p).sum() * 1.001
