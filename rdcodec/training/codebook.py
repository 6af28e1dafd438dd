"""Codewords as few bytes: rounded the more coarsely the less often a codeword is used, and entropy-coded."""

import numpy as np

from rdcodec.codecs.codebook import CODEWORD_EXPONENTS, codeword_tables
from rdcodec.codecs.transform_coding import FEATURE_UNIT
from rdcodec.entropy import FrequencyTables

__all__ = ["pack_codebook"]

BITS_PER_COMPONENT = 2.5  # of the codebook
CLASSES = 16  # of components, by how much codewords vary in them
FINEST, COARSEST = -3, 2  # binary logarithms of steps, in deviations
DEAD_ZONE = 0.58  # of a step that rounds to zero
ERROR = 0.33  # variance of the error that a usual step leaves
PRIOR = 0.01  # symbols
REACH = 255
PRECISION = 15
SEARCHES = 12


def pack_codebook(codewords, deviation, unit, prior):
    """Tensors of a codebook, see `rdcodec.codecs.codebook`.

    The mean loss of rounding is the sum over codewords of probability times squared step, its size that of the logarithms of the
    steps: at the least loss for a size, squared steps are in inverse proportion to probabilities.

    Parameters
    ----------
    codewords : ndarray
        float64 [codewords, components]
    deviation, unit : ndarray
        float64 [components], of what codewords leave over; and the unit of components, a power of two.
    prior : ndarray
        float64 [codewords], probabilities.
    """
    values = codewords / unit * FEATURE_UNIT
    spread = np.sqrt(np.square(deviation) + ERROR) / unit * FEATURE_UNIT
    component = np.maximum(np.rint(np.log2(spread)) + FINEST, 0).astype(np.uint8)
    rank = np.argsort(np.argsort((values / spread).std(axis=0), kind="stable"), kind="stable")
    fixed = {"component_exponents": component, "component_classes": (rank * CLASSES // len(rank)).astype(np.uint8)}
    lowest, highest = -40.0, 0.0  # binary logarithm of the probability whose step is a deviation
    for _ in range(SEARCHES):
        middle = (lowest + highest) / 2
        tensors = {**fixed, **_rounded(values, component, prior, middle, fixed)}
        too_large = 8 * tensors["words"].size > BITS_PER_COMPONENT * codewords.size
        lowest, highest = (middle, highest) if too_large else (lowest, middle)
    return {**fixed, **_rounded(values, component, prior, highest, fixed)}


def _rounded(values, component, prior, at_deviation, fixed):
    steps = np.clip(np.rint((at_deviation - np.log2(prior)) / 2), FINEST, COARSEST) - FINEST
    tensors = {**fixed, "word_exponents": steps.astype(np.uint8)}
    scaled = np.abs(values) * 2.0 ** -(steps[:, None] + component)
    levels = (np.sign(values) * np.floor(scaled + 1 - DEAD_ZONE)).astype(np.int32)
    index = codeword_tables(tensors)
    tables = _tables(levels, index)
    kept = {f"word_{name}": array for name, array in tables.to_arrays().items() if name != "precision"}
    coded = tables.encode(levels.ravel(), index.ravel())
    return {**kept, "word_exponents": tensors["word_exponents"], "words": np.frombuffer(coded, np.uint8)}


def _tables(levels, index):
    """Frequency tables of the levels that meet them, as wide as they are."""
    parts = []
    for table in range(CLASSES * CODEWORD_EXPONENTS):
        met = np.clip(levels[index == table], -REACH, REACH)
        reach = max(1, int(np.abs(met).max(initial=0)))
        counts = np.bincount(met + reach, minlength=2 * reach + 1) + PRIOR
        parts.append(FrequencyTables.from_pmf(counts[None] / counts.sum(), -reach, precision=PRECISION))
    return FrequencyTables.joined(parts)
