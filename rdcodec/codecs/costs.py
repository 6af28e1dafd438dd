"""Code lengths of symbols in frequency tables, by integers alone: what the search for a token's scale compares."""

import numpy as np

from rdcodec import _core

__all__ = ["BIT_WORTH", "COST_BITS", "COST_LEVELS", "ESCAPE_BITS", "RATED_MAGNITUDES", "code_lengths", "level_costs"]

COST_LEVELS = 256
COST_BITS = 8  # fractional bits of a code length in the search for a token's scale; as csrc/rdc/frequencies.h
BIT_WORTH = 0.05  # squared half steps, to the quantiser; as csrc/levels/prediction.c has it
RATED_MAGNITUDES = 8  # that differ in what they cost to it
ESCAPE_BITS = 6  # of a typical Exp-Golomb code; as csrc/entropy/code_lengths.c


def level_costs(tables, first):
    """Code lengths of the magnitudes 0 to 255 in the tables from `first` on, uint16 in 1/256 bit, by integers alone."""
    return _core.code_lengths(tables.core, first, COST_LEVELS)


def code_lengths(arrays, table, symbols):
    """Code lengths in bits of the symbols from 0 on in one of some tables.

    Symbols that the table has no entry for take its escape and a typical code.
    """
    frequencies, beside = _paid(arrays, table, symbols)
    return int(arrays["precision"]) - np.log2(frequencies) + beside


def _paid(arrays, table, symbols):
    """Of the symbols from 0 on in one of some tables: the frequencies of their entries, int64, and what is paid beside these, in bits."""
    entries = _rows(arrays["counts"], table)
    escape = entries.stop - entries.start - 1
    place, ends = np.arange(symbols) - int(arrays["offsets"][table]), np.arange(1, escape + 1)
    raw_bits = np.zeros(escape + 1, np.int64)
    if "runs" in arrays and arrays["run_counts"][table]:
        place = _places(arrays["runs"][_rows(arrays["run_counts"], table)].astype(np.int64), place)
        raw_bits = arrays["raw_bits"][entries].astype(np.int64)
        ends = np.cumsum(1 << raw_bits[:-1])
    known = (place >= 0) & (place < ends[-1])
    entry = np.where(known, np.searchsorted(ends, place, side="right"), escape)
    return arrays["frequencies"][entries][entry].astype(np.int64), np.where(known, raw_bits[entry], ESCAPE_BITS)


def _places(runs, distance):
    """Places of symbols, counted from the offset, in the runs of a wide table; -1 for those that no run has."""
    starts, lengths = runs.T
    order = np.argsort(starts)
    run = order[np.maximum(np.searchsorted(starts[order], distance, side="right") - 1, 0)]
    within = distance - starts[run]
    return np.where((within >= 0) & (within < lengths[run]), (np.cumsum(lengths) - lengths)[run] + within, -1)


def _rows(counts, table):
    """Where the rows of a table are in an array of the rows of all."""
    end = int(counts[: table + 1].sum())
    return slice(end - int(counts[table]), end)
