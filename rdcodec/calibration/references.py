"""What a codec needs to refer to earlier tokens: by what these are compared, and the tables of distances and weights."""

import numpy as np

from rdcodec.calibration.tables import PRECISION, symbol_table
from rdcodec.codecs.grid import grid_power
from rdcodec.codecs.references import WEIGHT_UNIT
from rdcodec.codecs.transform_coding import FEATURE_UNIT, MOST_REFERENCE_SCALE
from rdcodec.entropy import FrequencyTables

__all__ = ["REFERENCES", "REFERRED", "reference_scale", "reference_tables"]

REFERRED = 2048  # earlier tokens
REFERENCES = 4  # of a token
CODE_UNIT = 20  # of the integers by which tokens are compared: a component's deviation with the error of a usual step
USUAL_STEP = 1.0  # half of it
PRIOR_WEIGHT = 30  # tokens that the pooled distribution is worth in a table of distances
DECAY = 0.6  # of the density of distances from one power of two to the next, beyond those that were seen
NEVER = 0.02  # of tokens, that the prior has refer to some earlier one where nothing was counted


def reference_scale(component_scale, unit):
    """Int32 [components]: what 64ths of a unit are multiplied by, in 1/4096, for tokens to be compared.

    Parameters
    ----------
    component_scale, unit : array of int
        Tensors of the codec.
    """
    deviation = np.sqrt(grid_power(2 * component_scale.astype(np.int64)) + USUAL_STEP**2) / 2.0**unit
    return np.clip(np.rint(MOST_REFERENCE_SCALE / FEATURE_UNIT * CODE_UNIT / deviation), 0, MOST_REFERENCE_SCALE).astype(np.int32)


def reference_tables(referred, most, counts):
    """Tables of the distances of first references, of those of further ones, of weights, and of what can only be 0.

    Parameters
    ----------
    referred, most : int
        As in the codec's config.
    counts : list of array
        How often each symbol met each of these tables, up to the largest that was seen; nothing before anything was counted.
    """
    if not most:
        return []
    classes = referred.bit_length()
    counts = counts or [np.zeros(0)] * (2 * classes + 2)
    weights = np.zeros(2 * WEIGHT_UNIT + 1)
    weights[: len(counts[2 * classes])] = counts[2 * classes]
    distances = [table for slot in (0, 1) for table in _distance_tables(counts[slot * classes : (slot + 1) * classes], referred)]
    return [*distances, symbol_table(weights, 0.5), symbol_table(np.array([1.0]), 0)]


def _distance_tables(counts, referred):
    """A table for each class of how many earlier tokens there are; distances share the probability of their power of two."""
    classes = len(counts)
    sizes = np.array([[_distances(power, c, referred) for power in range(1, classes + 1)] for c in range(1, classes + 1)], np.float64)
    seen = np.zeros((classes, classes + 1))  # by class: no reference, then powers of two
    for c, row in enumerate(counts):
        power = np.frexp(np.arange(len(row), dtype=np.float64))[1]
        seen[c] += np.bincount(power, weights=row, minlength=classes + 1)[: classes + 1]
    density = _density(seen, sizes)
    return [_distance_table(seen[c], density * sizes[c], sizes[c], _pooled(seen)) for c in range(classes)]


def _distances(power, available_class, referred):
    """How many distances of 2**(power - 1) to 2**power - 1 there are where so many tokens are available."""
    most = min(2**available_class - 1, referred)
    return max(0, min(2**power - 1, most) - 2 ** (power - 1) + 1)


def _density(seen, sizes):
    """Relative probability of a distance by its power of two, as a token of any class would have it."""
    exposed = seen.sum(axis=1) @ sizes
    density = np.zeros(len(exposed))
    for power, (times, exposure) in enumerate(zip(seen[:, 1:].sum(axis=0), exposed)):
        before = density[power - 1] * DECAY if power else 1.0
        density[power] = times / exposure if times > 0 else before
    return density


def _pooled(seen):
    """How often a token refers to none."""
    return (seen[:, 0].sum() + NEVER) / (seen.sum() + 2 * NEVER)


def _distance_table(seen, relative, sizes, none):
    prior = np.concatenate([[none], (1 - none) * relative / relative.sum()])
    p = seen + PRIOR_WEIGHT * prior
    p = p / p.sum()
    each = np.repeat(p[1:] / np.maximum(sizes, 1), sizes.astype(np.int64))
    pmf = np.concatenate([p[:1], each])
    return FrequencyTables.from_pmf(pmf[None] / pmf.sum(), 0, precision=PRECISION)
