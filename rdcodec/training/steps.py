"""The network that predicts how much the model's output minds an error in a token, and so the token's step."""

import math

import numpy as np
import torch
from torch import nn

from rdcodec.calibration.sensitivity import STEP_GRID, STEP_RANGE, step_offsets
from rdcodec.codecs.grid import GRID_STEPS
from rdcodec.codecs.transform_coding import FEATURE_UNIT
from rdcodec.training.export import integer_net
from rdcodec.training.networks import CausalConvolution, clipped_relu

__all__ = ["fit_steps"]

HIDDEN = 128
FEATURE_LIMIT = 2**15 - 1  # of the integers that networks see
FEATURE_RANGE = 6.0  # units; beyond it components are outliers to a network of so few tokens
DROPOUT = 0.2
EPOCHS = 14
TOKENS = 4096  # a batch
RATE = 1e-3
WEIGHT_DECAY = 0.01
OUTPUT_UNIT = 1 / 8  # grid steps
SEED = 23


def fit_steps(features, sensitivity, report):
    """Network, thresholds of its output and what each step adds to the grid.

    The network is fitted by the deviance of a gamma distribution, s exp(-f) + f for the sensitivity s and its predicted
    logarithm f: unlike squared error of logarithms, it is least where exp(f) is the mean of s, and sums are what losses are.

    Parameters
    ----------
    features : ndarray
        float32 [n, components], in units.
    sensitivity : ndarray
        float64 [n]: expected loss of an error of unit variance in every component.
    report : callable
        Called with a fraction, 0 to 1.

    Returns
    -------
    dict of str to ndarray
        Tensors of `LearnedCodec`.
    """
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        layers = _fit(torch.from_numpy(features).clamp(-FEATURE_RANGE, FEATURE_RANGE), torch.from_numpy(sensitivity).float(), report)
    # From logarithms of the sensitivity to grid steps by which half a step is finer.
    unit = GRID_STEPS / 2 / math.log(2)
    with torch.no_grad():
        layers[-1].weight *= unit
        layers[-1].bias *= unit
        centre = _predicted(layers, torch.from_numpy(features)).mean()
        layers[-1].bias -= centre
    net = integer_net(layers, np.array([OUTPUT_UNIT]), int(FEATURE_RANGE * FEATURE_UNIT))
    seen = np.clip(np.rint(features * FEATURE_UNIT), -FEATURE_LIMIT, FEATURE_LIMIT).astype(np.int16)
    predicted = net.apply(seen)[:, 0].astype(np.int32)
    lowest, highest = STEP_RANGE
    thresholds = np.rint((np.arange(lowest, highest) + 0.5) * STEP_GRID / OUTPUT_UNIT).astype(np.int32)
    steps = np.searchsorted(thresholds, -predicted, side="right")
    return {**net.to_tensors("steps"), "step_thresholds": thresholds, "step_offsets": step_offsets(steps, sensitivity)}


def _predicted(layers, features):
    x = features.clamp(-FEATURE_RANGE, FEATURE_RANGE)
    for layer in layers[:-1]:
        x = clipped_relu(layer(x))
    return layers[-1](x)[..., 0]


def _fit(features, sensitivity, report):
    channels = features.shape[1]
    layers = nn.ModuleList([CausalConvolution(channels, HIDDEN), CausalConvolution(HIDDEN, HIDDEN), CausalConvolution(HIDDEN, 1)])
    nn.init.zeros_(layers[-1].weight)
    nn.init.zeros_(layers[-1].bias)
    target = sensitivity / sensitivity.mean()
    batches = max(1, len(features) // TOKENS)
    optimizer = torch.optim.AdamW(layers.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=EPOCHS * batches, pct_start=0.1)
    for epoch in range(EPOCHS):
        for index in torch.randperm(len(features)).chunk(batches)[:batches]:
            x = features[index]
            for layer in layers[:-1]:
                x = nn.functional.dropout(clipped_relu(layer(x)), DROPOUT)
            f = layers[-1](x)[..., 0]
            loss = (target[index] * torch.exp(-f) + f).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(layers.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        report((epoch + 1) / EPOCHS)
    return layers
