"""What tests of wide tables share: which symbols an entry stands for, what a table takes of a pmf, and tables of all kinds."""

import numpy as np

from rdcodec.entropy import FrequencyTables


def rows_of(arrays, counts, t):
    """The rows of table t in arrays that hold those of all, as `counts` says how many each has."""
    end = int(arrays[counts][: t + 1].sum())
    return slice(end - int(arrays[counts][t]), end)


def runs_of(arrays, t):
    """int64 [runs, 2] of table t; an ordinary table is one run."""
    if "runs" in arrays and arrays["run_counts"][t]:
        return arrays["runs"][rows_of(arrays, "run_counts", t)].astype(np.int64)
    return np.array([[0, arrays["counts"][t] - 1]], np.int64)


def entries_and_bits(tables, symbols, t=0):
    """For symbols of table t the entry of each, -1 for those that are escaped, and its raw bits, by the definition of docs/format.md."""
    arrays = tables.to_arrays()
    distance = np.asarray(symbols, np.int64) - int(arrays["offsets"][t])
    entries = np.arange(arrays["counts"][t] - 1)
    raw_bits = arrays["raw_bits"][rows_of(arrays, "counts", t)][:-1].astype(np.int64) if "raw_bits" in arrays else 0 * entries
    placed = np.concatenate([np.arange(start, start + length) for start, length in runs_of(arrays, t)])
    entry_of_place = np.repeat(entries, 1 << raw_bits)
    assert len(placed) == len(entry_of_place)
    order = np.argsort(placed)
    at = np.minimum(np.searchsorted(placed[order], distance), len(placed) - 1)
    found = np.where(placed[order][at] == distance, entry_of_place[order][at], -1)
    return found, np.where(found >= 0, raw_bits[found], 0)


def escape_bits(tables, symbols, t=0):
    """Bits of the codes of symbols that table t has no entry for, beside those of the escape itself."""
    arrays = tables.to_arrays()
    distance, runs = np.asarray(symbols, np.int64) - int(arrays["offsets"][t]), runs_of(arrays, t)
    end = int(runs.sum(axis=1).max())
    has_gaps = runs[:, 1].sum() < end
    order = max(0, (end + 1).bit_length() - 4)
    number = np.where(distance >= end, 2 * (distance - end), 2 * (-1 - distance) + 1) + 2**order
    code = 2 * np.frexp(np.maximum(number, 1).astype(float))[1] - 1 - order
    return has_gaps + np.where((distance >= 0) & (distance < end), (end - 1).bit_length(), code)


def expected_bits(tables, pmf, offset, t=0):
    """Of a symbol of the pmf; what the pmf lacks to 1 takes the escape alone."""
    arrays = tables.to_arrays()
    cost = tables.precision - np.log2(arrays["frequencies"][rows_of(arrays, "counts", t)].astype(float))
    symbols, p = offset + np.flatnonzero(pmf), pmf[pmf > 0]
    entries, raw = entries_and_bits(tables, symbols, t)
    beside = np.where(entries < 0, escape_bits(tables, symbols, t), raw)
    return float((p * (cost[entries] + beside)).sum() + max(0.0, 1 - pmf.sum()) * cost[-1])  # entry -1 is the escape


def entropy(pmf):
    parts = np.append(pmf[pmf > 0], max(0.0, 1 - pmf.sum()))
    parts = parts[parts > 0]
    return float(-(parts * np.log2(parts)).sum())


def scaled(weights):
    """Probabilities in proportion to weights."""
    weights = np.asarray(weights, float)
    return weights / weights.sum()


def tables_of_all_kinds(precision=13):
    """A set: ordinary, with raw bits, with gaps, in the order of probabilities, and at both ends of int32.

    Returns the tables, and of each the symbols that it was made for.
    """
    rng = np.random.default_rng(precision)
    sparse = np.zeros(3000)
    sparse[rng.choice(3000, 200, replace=False)] = rng.exponential(size=200)
    noise = rng.exponential(size=20_000)
    rows = [
        (scaled(0.7 ** np.abs(np.arange(-20, 21))), -20),
        (np.full(2**16, 2.0**-16), -(2**31)),
        (np.full(50_000, 1 / 50_000), 2**31 - 50_000),
        (scaled(sparse), -1500),
        (scaled([1.0, *np.zeros(10**5), 3.0]), -7),
        (scaled(noise), 10**6),
    ]
    tables = FrequencyTables.joined(FrequencyTables.from_pmf(pmf[None], offset, precision) for pmf, offset in rows)
    return tables, [offset + np.flatnonzero(pmf) for pmf, offset in rows]


def symbols_of_all_kinds(tables, symbols, n, rng, wild=0.05):
    """Symbols and table indices: those of the tables, and a share of any int32 or of what lies in gaps."""
    index = rng.integers(0, len(tables), n).astype(np.uint8)
    drawn = np.array([rng.choice(symbols[t]) for t in index], np.int64)
    anywhere, near = rng.random((2, n)) < wild
    drawn[anywhere] = rng.integers(-(2**31), 2**31, anywhere.sum())
    drawn[near] += rng.integers(-3, 4, near.sum())
    return np.clip(drawn, -(2**31), 2**31 - 1).astype(np.int32), index
