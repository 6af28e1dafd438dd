"""Frequency tables of learned codecs, from the symbols that they really code."""

import numpy as np

from rdcodec.calibration.fit import WORD_PRIOR_UNIT
from rdcodec.calibration.tables import REACH, SCALES, SHAPES, level_tables, prior_level_pmf, symbol_table, with_tables
from rdcodec.codecs.front import SIDE_TABLES
from rdcodec.entropy import FrequencyTables

__all__ = ["fit_tables", "prior_tables"]

GAINS = 16
LATENT_REACH = 255
PRECISION = 15
PASSES = 2  # the search for scales goes by the tables, which go by the scales


def prior_tables(tensors, latent_pmf):
    """Tensors with tables before anything was counted.

    Parameters
    ----------
    tensors : dict of ndarray
        Words and steps of a `LearnedCodec`.
    latent_pmf : ndarray
        float64 [latents, values], probabilities of hyper-latents from -LATENT_REACH on.
    """
    counts = np.zeros((SHAPES, SCALES, 2, 2 * REACH + 1))
    return _with_tables(tensors, latent_pmf, [np.ones(size) for size in _side_sizes(tensors)], counts)


def fit_tables(family, config, tensors, latent_pmf, windows, qualities, report):
    """Tensors with tables fitted to windows of hidden states.

    Parameters
    ----------
    family : type
        Of `LearnedCodec`.
    config, tensors : dict
        Of the codec, with tables to begin with.
    latent_pmf : ndarray
        As for `prior_tables`.
    windows : ndarray
        float32 [windows, tokens, channels]
    qualities : ndarray
        int [windows]
    report : callable
        Called with a fraction, 0 to 1.
    """
    for number in range(PASSES):
        codec = family(config, tensors)
        counts = np.zeros(SHAPES * SCALES * 2 * (2 * REACH + 1))
        sides = [np.zeros(size) for size in _side_sizes(tensors)]
        for i, (window, quality) in enumerate(zip(windows, qualities.tolist())):
            symbols, tables, levels, index = codec._symbols(window, quality, codec._new_state())
            _count(sides, symbols, tables)
            inside = np.abs(levels) <= REACH
            row = index[inside].astype(np.int64) - codec._first_level_table()
            counts += np.bincount(row * (2 * REACH + 1) + levels[inside] + REACH, minlength=len(counts))
            report((number + (i + 1) / len(windows)) / PASSES)
        counts = counts.reshape(SHAPES, SCALES, 2, -1)
        tensors = _with_tables(tensors, latent_pmf, sides, counts)
    return tensors


def _side_sizes(tensors):
    """Symbols of the tables of gains, words, steps, and of scales for each step."""
    steps = len(tensors["step_offsets"])
    return [GAINS, len(tensors["word_prior"]), steps, *[len(tensors["scale_offsets"])] * steps]


def _count(sides, symbols, tables):
    """Add a window's gains, words, steps and scales."""
    for values, table in zip([*symbols[:SIDE_TABLES], symbols[-1]], [*tables[:SIDE_TABLES], tables[-1]]):
        for t in np.unique(table):
            here = values[table == t]
            sides[t] += np.bincount(np.minimum(here, len(sides[t]) - 1), minlength=len(sides[t]))


def _with_tables(tensors, latent_pmf, sides, counts):
    gains, words, steps, *scales = sides
    known = words.sum() * np.exp(tensors["word_prior"] / WORD_PRIOR_UNIT)
    mean = np.mean(scales, axis=0)
    tables = [symbol_table(gains, 0.01), symbol_table(words + known, 0.01), symbol_table(steps, 0.5)]
    tables += [symbol_table(row + 0.02 * mean, 0.2) for row in scales]
    if len(latent_pmf):
        tables.append(FrequencyTables.from_pmf(latent_pmf, -LATENT_REACH, precision=PRECISION))
    return with_tables(tensors, *tables, level_tables(counts, prior_level_pmf()))
