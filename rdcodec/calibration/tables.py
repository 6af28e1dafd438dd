"""Frequency tables of a transform codec: of the side information of each token, and of levels on the grid of scales."""

from functools import cache

import numpy as np

from rdcodec import _core
from rdcodec.codecs.grid import GRID_STEPS, LevelGrid, grid_power
from rdcodec.entropy import WIDE_ARRAYS, FrequencyTables

__all__ = [
    *("PRECISION", "SCALES", "SHAPES", "ZERO_SCALE", "level_counts", "level_pmf", "level_tables", "prior_level_pmf"),
    *("scale_ends", "symbol_table", "with_tables"),
]

PRECISION = 15
SHAPES = 2  # of components: about Gaussian, and heavier tails
OCTAVES = (-4, 7)  # of the scales of the grid, in units of the quantiser's spacing
ZERO_SCALE = -OCTAVES[0] * GRID_STEPS  # grid index of scale 1
SCALES = (OCTAVES[1] - OCTAVES[0]) * GRID_STEPS + 1
REACH = 640  # largest level that is counted; others are left to the escape
PRIOR_SAMPLES = (64, 576)  # tokens, components
PRIOR_WEIGHT = 300  # symbols that the prior is worth in a table
NEIGHBOUR_WEIGHT = 0.25  # of the counts of the next scales
SEED = 21


def with_tables(tensors, *parts):
    """Tensors of a codec with these tables, of all parts in their order, in the place of any that it has."""
    others = {name: tensor for name, tensor in tensors.items() if name not in WIDE_ARRAYS}
    return others | FrequencyTables.joined(parts).to_arrays()


def symbol_table(counts, prior):
    """A table of the symbols 0, 1, ... from counts, where each is taken as seen `prior` times more."""
    counts = np.asarray(counts, np.float64) + prior
    return FrequencyTables.from_pmf(counts[None] / counts.sum(), 0, precision=PRECISION)


def level_counts(levels, token_scale, component_scale, component_shape):
    """How often each level met each table: float64 [shapes, scales, 2, levels], the last from -REACH to REACH."""
    grid = LevelGrid.of(component_scale, component_shape, SCALES, 0)
    counts = _core.levels_count(grid, levels, np.ascontiguousarray(token_scale, np.int32), SHAPES * SCALES * 2, REACH)
    return counts.reshape(SHAPES, SCALES, 2, -1).astype(np.float64)


@cache
def prior_level_pmf():
    """Probabilities of levels for Gaussian components of every scale, from simulation: [scales, 2, levels]."""
    normal = np.random.default_rng(SEED).standard_normal(PRIOR_SAMPLES)
    zeros = np.zeros(PRIOR_SAMPLES[1], np.int32)
    pmf = np.empty((SCALES, 2, 2 * REACH + 1))
    for index, scale in enumerate(grid_power(np.arange(SCALES) - ZERO_SCALE)):
        levels = _core.trellis_quantise(normal * scale)
        counts = level_counts(levels, np.full(len(levels), index), zeros, zeros)[0, index]
        counts += _smooth_tail(scale) * 0.5
        pmf[index] = (counts + counts[:, ::-1]) / (2 * counts.sum(axis=1, keepdims=True))
    return pmf


def scale_ends(rows):
    """Of rows of `level_tables`, those of the same shapes and quantisers with the least and the largest scale; a step between is two rows."""
    least = rows // (2 * SCALES) * (2 * SCALES) + rows % 2
    return least, least + 2 * (SCALES - 1)


def level_tables(counts, prior):
    """Tables of levels from counts [shapes, scales, 2, levels] and the prior's probabilities."""
    pmf = level_pmf(counts, prior)
    return FrequencyTables.from_pmf(pmf.reshape(-1, pmf.shape[-1]), -REACH, precision=PRECISION)


def level_pmf(counts, prior):
    """Probabilities of levels [shapes, scales, 2, levels] from counts of that shape and the prior's probabilities."""
    pooled = counts + counts[..., ::-1]
    pooled[:, 1:] += NEIGHBOUR_WEIGHT * (counts + counts[..., ::-1])[:, :-1]
    pooled[:, :-1] += NEIGHBOUR_WEIGHT * (counts + counts[..., ::-1])[:, 1:]
    pmf = pooled + PRIOR_WEIGHT * prior
    return pmf / pmf.sum(axis=-1, keepdims=True)


def _smooth_tail(scale):
    """A Laplacian over levels, one count in all: no level of the support is impossible."""
    decay = np.exp(-1.0 / max(scale, 0.05))
    weights = decay ** np.abs(np.arange(-REACH, REACH + 1))
    return weights / weights.sum()
