"""The differentiable twin of a codec: what it charges for symbols."""

import numpy as np
import pytest
from wide_parts import entries_and_bits, escape_bits

from rdcodec.codecs.costs import ESCAPE_BITS
from rdcodec.entropy import FrequencyTables
from rdcodec.training.module import _symbol_costs

PRECISION = 14
ROWS = [[8192, 4096, 4095, 1], [16000, 384], [16383, 1]]  # frequencies, the escape's last


def costs_of(table, symbols, offset=0):
    counts, offsets = [len(row) for row in ROWS], np.full(len(ROWS), offset, np.int32)
    frequencies = np.concatenate(ROWS).astype(np.uint16)
    tables = FrequencyTables.from_frequencies(frequencies, np.array(counts, np.uint32), offsets, PRECISION)
    return _symbol_costs(tables.to_arrays(), table, symbols).numpy()


@pytest.mark.parametrize("table", range(len(ROWS)))
def test_symbols_with_an_entry_cost_what_their_frequency_says(table):
    explicit = np.array(ROWS[table][:-1])
    np.testing.assert_allclose(costs_of(table, len(explicit)), PRECISION - np.log2(explicit), rtol=1e-6)


@pytest.mark.parametrize("table", range(len(ROWS)))
def test_symbols_without_an_entry_cost_an_escape(table):
    escape = PRECISION - np.log2(ROWS[table][-1]) + ESCAPE_BITS
    np.testing.assert_allclose(costs_of(table, 6)[len(ROWS[table]) - 1 :], escape, rtol=1e-6)


@pytest.mark.parametrize("pmf", [np.full(20_000, 1 / 20_000), np.repeat([0.5, 0.0, 0.5], [1, 30_000, 1]), 0.97 * 0.03 ** np.arange(4)])
def test_any_table_costs_what_blocks_pay(pmf):
    for first in (-10, 0, 3):
        tables = FrequencyTables.joined([FrequencyTables.from_pmf(pmf[None], first, PRECISION), FrequencyTables.gaussian([1e4], PRECISION)])
        for table in (0, 1):
            symbols = np.arange(40)
            paid = np.array([tables.ideal_bits([symbol], [table]) for symbol in symbols])
            beside = escape_bits(tables, symbols, table)
            expected = np.where(entries_and_bits(tables, symbols, table)[0] < 0, paid - beside + ESCAPE_BITS, paid)
            np.testing.assert_allclose(_symbol_costs(tables.to_arrays(), table, len(symbols)).numpy(), expected, rtol=1e-6)


def test_a_table_may_begin_above_or_below_0():
    plain = costs_of(0, 3)
    np.testing.assert_array_equal(costs_of(0, 2, -1), plain[1:])
    above = costs_of(0, 4, 1)
    np.testing.assert_array_equal(above[1:], plain)
    assert above[0] == PRECISION + ESCAPE_BITS
