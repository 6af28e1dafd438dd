"""What a learned codec's entropy model was chosen from: networks of its layout, in balls of norms that are measured from it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rdcodec.calibration.tables import SCALES
from rdcodec.codecs.costs import COST_BITS
from rdcodec.codecs.grid import grid_power
from rdcodec.estimators import covering_bound
from rdcodec.theory.entropy_jacobian import networks_of
from rdcodec.training.networks import LIMIT, SCALE_UNIT

if TYPE_CHECKING:
    from rdcodec.codecs.learned import LearnedCodec
    from rdcodec.estimators import Estimate

__all__ = ["NetworkFamily", "family_bound", "network_family"]


class NetworkFamily(NamedTuple):
    """Layers' weights, then their biases, in balls whose radii are powers of two.

    Attributes
    ----------
    parameters, radii, lipschitz : ndarray
        As `covering_bound` takes them: a layer's weights in the sum over taps of spectral norms, biases in the Euclidean norm.
    price : float
        Nats by which delta is smaller for this family: radii were chosen after the training, from all powers of two.
    """

    parameters: np.ndarray
    radii: np.ndarray
    lipschitz: np.ndarray
    price: float


def network_family(codec: LearnedCodec, quality: int | None = None) -> NetworkFamily:
    """The networks that predict means and scales, of the codec's layout: every one whose layers are within these norms.

    What a token is given to a network has components of magnitude `LIMIT` at most, and so has every hidden layer. A layer of weights W_k,
    k its taps, changes by no more than sum |W_k| times what its input changes by, in the largest Euclidean norm of a token; other
    weights change it by the norm of the difference times sqrt(inputs) LIMIT; clipping is 1-Lipschitz. Code lengths, interpolated
    between tables and levels and with levels held fixed, have the slopes of the codec's tables. Tables, hyper-latents, codewords and
    transforms are not of the family: they are those of the codec.

    Parameters
    ----------
    codec : LearnedCodec
    quality : int, optional
        The codec's default where it is not given: a prediction counts in half steps of the smallest step that a token can have.

    Returns
    -------
    NetworkFamily
    """
    quality = codec.default_quality if quality is None else quality
    weights, biases = zip(*((layer.weight.numpy(), layer.bias.numpy()) for layer in networks_of(codec)["predictor"]))
    norms = [sum(np.linalg.norm(weight[..., tap], 2) for tap in range(weight.shape[2])) for weight in weights]
    exponents = np.array([_exponent(norm) for norm in (*norms, *map(np.linalg.norm, biases))])
    radii = 2.0**exponents
    after = np.append(np.cumprod(radii[1 : len(norms)][::-1])[::-1], 1.0)  # of all later layers
    slope = _slope(codec, quality) * math.sqrt(codec.channels)
    inputs = np.array([LIMIT * math.sqrt(weight.shape[1]) for weight in weights])
    return NetworkFamily(
        np.array([array.size for array in (*weights, *biases)]),
        radii,
        slope * np.concatenate([after * inputs, after]),
        float(np.sum(np.abs(exponents) * math.log(2) + math.log(3))),  # sum over all k of 2^-|k| is 3
    )


def family_bound(codec: LearnedCodec, quality: int | None, bound: float, samples: int, delta: float) -> Estimate:
    """How far the code length of any network of `network_family` is from its mean over windows, in bits a token; as `covering_bound`.

    Parameters
    ----------
    codec, quality
        As `network_family` takes them.
    bound : float
        Bits a token, to which code lengths are clipped.
    samples : int
        Windows.
    delta : float
    """
    family = network_family(codec, quality)
    found = covering_bound(family.parameters, family.radii, family.lipschitz, bound, samples, delta * math.exp(-family.price))
    return replace(found, confidence=1 - delta)


def _exponent(norm):
    """Of the least power of two that a norm is within."""
    return 0 if norm == 0 else math.ceil(math.log2(norm) - 1e-9)


def _slope(codec, quality):
    """Bits that one level's code changes by at most, for a change of 1 in what the network says of it: mean and scale together."""
    costs = codec.level_costs().astype(np.float64) / 2**COST_BITS
    by_scale = np.abs(np.diff(costs.reshape(-1, SCALES, 2, costs.shape[-1]), axis=1)).max() * SCALE_UNIT
    half_step = float(grid_power(int(codec.step_offsets.min()) - quality))
    by_mean = codec.level_slope / 2 * codec.units.max() / half_step
    return math.hypot(by_scale, by_mean)
