"""How much the model's output minds an error in a token: a predictor from the token's own components."""

import numpy as np

from rdcodec.codecs.grid import GRID_STEPS, grid_round
from rdcodec.codecs.transform import FEATURE_LIMIT
from rdcodec.codecs.transform_coding import MOST_STEP_OFFSET

__all__ = ["SensitivityPredictor", "fit_predictor", "step_offsets"]

RIDGE = 0.1
FEATURE_UNIT = 64  # integer features a standard deviation
WEIGHT_BITS = 16
BANDS = (8, 32, 96, 256)  # where bands of components end
STEP_GRID = 4  # grid steps between the steps a token can have
STEP_RANGE = (-5, 6)  # of these
PRIOR_TOKENS = 20  # that the prediction counts for beside the tokens of a step


class SensitivityPredictor:
    """Integers that `TransformCodec` computes a token's step from; attributes are named like its tensors."""

    def __init__(self, feature_scale, feature_weights, band_edges, band_weights, step_thresholds, step_offsets):
        self.feature_scale = feature_scale
        self.feature_weights = feature_weights
        self.band_edges = band_edges
        self.band_weights = band_weights
        self.step_thresholds = step_thresholds
        self.step_offsets = step_offsets


def fit_predictor(y, sensitivity):
    """Linear predictor of the logarithm of the sensitivity from components and the logarithms of their bands' energies.

    Parameters
    ----------
    y : ndarray
        float64 [n, components], largest variance first.
    sensitivity : ndarray
        float64 [n]: expected loss of an error of unit variance in every component. The least loss at a given rate wants
        a step proportional to its power -1/2.
    """
    scale = (FEATURE_UNIT / np.maximum(y.std(axis=0), 1e-9)).astype(np.float32)
    features = np.clip(np.rint(y * scale.astype(np.float64)), -FEATURE_LIMIT, FEATURE_LIMIT)
    edges = [0, *(end for end in BANDS if end < y.shape[1]), y.shape[1]]
    bands = np.stack([grid_round(np.square(features[:, a:b]).sum(axis=1) + 1) for a, b in zip(edges[:-1], edges[1:])], axis=1)
    inputs = np.concatenate([features, bands], axis=1).astype(y.dtype)  # floats of the states': wide ones are many
    target = np.log2(np.maximum(sensitivity, np.quantile(sensitivity, 0.001) + 1e-30))
    weights, constant = _ridge(inputs, target)
    # -sensitivity * GRID_STEPS / 2 are the grid steps by which a token's step leaves the mean; all in integers of 2**-WEIGHT_BITS
    unit = 2.0**WEIGHT_BITS * GRID_STEPS / 2
    lowest, highest = STEP_RANGE
    borders = (np.arange(lowest, highest) + 0.5) * STEP_GRID
    predicted = inputs @ weights + constant - target.mean()
    offsets = step_offsets(np.searchsorted(borders, -predicted * GRID_STEPS / 2, side="right"), sensitivity)
    return SensitivityPredictor(
        feature_scale=scale,
        feature_weights=np.rint(weights[: y.shape[1]] * unit).astype(np.int32),
        band_edges=np.array(edges, np.int32),
        band_weights=np.rint(weights[y.shape[1] :] * unit).astype(np.int32),
        step_thresholds=np.rint(borders * 2.0**WEIGHT_BITS + (constant - target.mean()) * unit).astype(np.int64),
        step_offsets=offsets,
    )


def step_offsets(step, sensitivity):
    """What each step adds to the grid, from the mean sensitivity of the tokens that are given it.

    The prediction is of a logarithm, but the loss is a sum: where the prediction errs most, among the tokens it takes for
    insensitive, the mean is far above the typical value, and a step as coarse as the typical one would cost the most.
    """
    lowest, highest = STEP_RANGE
    expected = -np.arange(lowest, highest + 1) * STEP_GRID * 2 / GRID_STEPS  # log2
    spread = np.mean(sensitivity * 2.0 ** -expected[step])
    count = np.bincount(step, minlength=len(expected))
    total = np.bincount(step, weights=sensitivity, minlength=len(expected))
    mean = (total + PRIOR_TOKENS * spread * 2.0**expected) / (count + PRIOR_TOKENS)
    offsets = -np.log2(mean) * GRID_STEPS / 2
    offsets -= np.average(offsets, weights=count)
    offsets = np.clip(np.maximum.accumulate(offsets), -MOST_STEP_OFFSET, MOST_STEP_OFFSET)
    return np.rint(offsets).astype(np.int32)


def _ridge(inputs, target):
    """Weights and constant of a ridge regression on standardised inputs."""
    mean, deviation = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), 1e-9)
    x = (inputs - mean) / deviation
    weights = np.linalg.solve(x.T @ x + RIDGE * len(x) * np.eye(x.shape[1]), x.T @ (target - target.mean())) / deviation
    return weights, target.mean() - mean @ weights
