"""Frequency tables of a codec from the symbols that it really codes."""

import numpy as np

from rdcodec.calibration.references import REFERENCES, REFERRED, reference_scale, reference_tables
from rdcodec.calibration.tables import REACH, SCALES, SHAPES, level_tables, prior_level_pmf, symbol_table, with_tables
from rdcodec.codecs.transform_coding import SIDE_TABLES
from rdcodec.entropy import FrequencyTables

__all__ = ["ADAPTATION", "CODE_UNIT", "PRIOR_UNIT", "fit_tables", "prior_tables", "with_memory"]

ADAPTATION = 100  # tokens that the scales of components count for before they follow the text
GAINS = 16
CODE_UNIT = 8  # of the integers by which codewords are compared: per standard deviation of what codewords leave over
PRIOR_UNIT = 2 * CODE_UNIT**2  # of the logarithms of their probabilities, beside squared distances


def prior_tables(config, tensors, latents=None):
    """Tensors of a codec with tables before anything was counted.

    Parameters
    ----------
    config, tensors : dict
    latents : FrequencyTables, optional
        Of hyper-latents.
    """
    steps = len(tensors["step_offsets"])
    sides = [np.ones(size) for size in (GAINS, len(tensors["word_prior"]), steps, *[len(tensors["scale_offsets"])] * steps)]
    return _with_tables(config, tensors, latents, sides, [], np.zeros((SHAPES, SCALES, 2, 2 * REACH + 1)))


def fit_tables(codec, windows, qualities, report=lambda fraction: None):
    """A codec with tables fitted to the symbols of another one that differs in nothing else.

    Parameters
    ----------
    codec : TransformCoding
    windows : sequence of ndarray
        float32 [tokens, channels] each, coded on their own.
    qualities : sequence of int
        One a window.
    report : callable, optional
        Called with a fraction, 0 to 1.
    """
    config, tensors = codec.config, codec.tensors
    first = codec.first_level_table
    levels, sides = np.zeros(SHAPES * SCALES * 2 * (2 * REACH + 1)), [np.zeros(0)] * first
    for i, (window, quality) in enumerate(zip(windows, qualities)):
        coded = codec.coded_symbols(window, int(quality))
        for symbols, tables in zip(coded.side, coded.side_tables):
            for table in np.unique(tables):
                sides[table] = _added(sides[table], symbols[tables == table])
        inside = np.abs(coded.levels) <= REACH
        row = coded.level_tables[inside].astype(np.int64) - first
        levels += np.bincount(row * (2 * REACH + 1) + coded.levels[inside] + REACH, minlength=len(levels))
        report((i + 1) / len(windows))
    shared = SIDE_TABLES + len(tensors["step_offsets"])
    latents = _subset(codec.tables, shared, codec.latents) if codec.latents else None
    counts = levels.reshape(SHAPES, SCALES, 2, -1)
    return type(codec)(config, _with_tables(config, tensors, latents, sides[:shared], sides[shared + codec.latents :], counts))


def with_memory(codec):
    """A codec that refers to earlier tokens and whose scales follow them, from one that does neither; its tables do not fit yet.

    Parameters
    ----------
    codec : TransformCoding
    """
    tensors = codec.tensors
    tensors["reference_scale"] = reference_scale(tensors["component_scale"], tensors["unit"])
    config = {**codec.config, "referred": REFERRED, "references": REFERENCES, "adaptation": ADAPTATION}
    first = codec.first_level_table
    before, levels = _subset(codec.tables, 0, first), _subset(codec.tables, first, len(codec.tables) - first)
    return type(codec)(config, with_tables(tensors, before, *reference_tables(REFERRED, REFERENCES, []), levels))


def _added(counts, symbols):
    """Counts of the symbols 0, 1, ..., as many as have been seen; hyper-latents may be below, which nobody asks for."""
    more = np.bincount(np.maximum(symbols, 0))
    if len(more) < len(counts):
        counts, more = more, counts
    total = np.array(more, np.float64)
    total[: len(counts)] += counts
    return total


def _with_tables(config, tensors, latents, sides, references, levels):
    gains, codewords, steps, *scales = sides
    sizes = len(tensors["word_prior"]), len(tensors["step_offsets"]), len(tensors["scale_offsets"])
    codewords, steps = _sized(codewords, sizes[0]), _sized(steps, sizes[1])
    scales = np.array([_sized(row, sizes[2]) for row in scales])
    known = codewords.sum() * np.exp(tensors["word_prior"] / PRIOR_UNIT)
    tables = [symbol_table(_sized(gains, GAINS), 0.01), symbol_table(codewords + known, 0.01), symbol_table(steps, 0.5)]
    tables += [symbol_table(row, 0.2) for row in scales + 0.02 * scales.mean(axis=0)]
    if latents is not None:
        tables.append(latents)
    tables += reference_tables(config["referred"], config["references"], references)
    return with_tables(tensors, *tables, level_tables(levels, prior_level_pmf()))


def _sized(counts, size):
    """Counts of so many symbols; the last one stands for those beyond."""
    kept = np.zeros(size)
    kept[: min(len(counts), size)] = counts[:size]
    kept[-1] += counts[size:].sum()
    return kept


def _subset(tables, first, count):
    """Some tables of a set, on their own."""
    arrays = tables.to_arrays()
    ends = np.cumsum(arrays["counts"], dtype=np.int64)
    rows = slice(0 if first == 0 else int(ends[first - 1]), int(ends[first + count - 1]))
    kept = {name: arrays[name][first : first + count] for name in ("counts", "offsets")}
    if "runs" in arrays:
        run_ends = np.concatenate([[0], np.cumsum(arrays["run_counts"], dtype=np.int64)])
        kept["run_counts"] = arrays["run_counts"][first : first + count]
        kept["runs"] = arrays["runs"][run_ends[first] : run_ends[first + count]]
        kept["raw_bits"] = arrays["raw_bits"][rows]
    return FrequencyTables.from_frequencies(arrays["frequencies"][rows], precision=int(arrays["precision"]), **kept)
