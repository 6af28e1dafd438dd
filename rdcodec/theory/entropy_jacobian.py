"""How much a codec's entropy model magnifies small changes: the spectral norm of the Jacobian of code lengths by the components coded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from rdcodec.calibration.tables import scale_ends
from rdcodec.codecs.costs import COST_BITS, COST_LEVELS
from rdcodec.codecs.grid import GRID_STEPS
from rdcodec.codecs.transform_coding import FEATURE_UNIT
from rdcodec.errors import RdcodecError
from rdcodec.estimators import Estimate, spectral_norm
from rdcodec.net import IntegerNet
from rdcodec.theory.jacobian import REPEATS, STEPS, over_inputs
from rdcodec.training.export import float_net
from rdcodec.training.networks import LATENT_UNIT, SCALE_UNIT, chain
from rdcodec.training.rate import level_slope

if TYPE_CHECKING:
    from rdcodec.codecs.learned import LearnedCodec
    from rdcodec.codecs.transform import TransformCodec
    from rdcodec.types import Array, Progress, Seed

__all__ = ["entropy_norm", "entropy_norms", "networks_of"]


def entropy_norm(
    codec: TransformCodec | LearnedCodec, h: Array, quality: int | None = None, steps: int = STEPS, seed: Seed = 0
) -> Estimate:
    """Spectral norm of the Jacobian, at one input, of the code length of every level by the components that are quantised.

    A component changes its own code length, by the slope of its table, and through the networks means and scales, and so the
    code lengths, of others: of its own token by hyper-latents, of later tokens by context. Components count in quantisation
    half steps, so that the norm is in bits for a half step. Levels, codewords, steps and tables are those that the codec chooses
    and stay; what references and scales that follow the text add is not in it. A calibrated codec has no networks: its
    Jacobian is diagonal.

    Parameters
    ----------
    codec : TransformCodec or LearnedCodec
    h : ndarray
        float32 [tokens, channels], a row of tokens from its beginning.
    quality : int, optional
        The codec's default where it is not given.
    steps : int
        Of Lanczos' iteration.
    seed : int, numpy.random.Generator or None
        Of its start, as `spectral_norm` takes it.

    Returns
    -------
    Estimate
        As `spectral_norm` gives it after so many steps.

    Raises
    ------
    RdcodecError
        The codec has no symbols, h is not finite or of another shape, or the quality is out of range.
    """
    if not hasattr(codec, "coded_symbols"):
        raise RdcodecError(f"codec: expected a transform codec or a learned one, got family {codec.family!r}")
    slopes = _slopes(codec, h, quality)
    nets = networks_of(codec)
    if not nets:
        largest = float(slopes.of_value.abs().max())
        return Estimate(largest, None, (largest, largest), "largest singular value", slopes.of_value.numel(), confidence=1.0)
    at = _at(codec, h, quality)

    def predicted(change):
        """Means in half steps and scales in grid steps, of components that differ by so many half steps [tokens, components]."""
        return _predicted(codec, nets, at, change)

    of_value, of_scale = slopes
    zero = torch.zeros_like(of_value)
    pull = torch.func.vjp(predicted, zero)[1]

    def jvp(vector):
        change = torch.from_numpy(np.asarray(vector)).view(zero.shape)
        mean, scale = torch.func.jvp(predicted, (zero,), (change,))[1]
        return (of_value * (change - mean) + of_scale * scale).flatten()

    def vjp(vector):
        bits = torch.from_numpy(np.asarray(vector)).view(zero.shape)
        (through,) = pull((-of_value * bits, of_scale * bits))
        return (of_value * bits + through).flatten()

    return spectral_norm((jvp, vjp, zero.numel()), steps=steps, seed=seed)


def entropy_norms(
    codec: TransformCodec | LearnedCodec,
    states: Array,
    quality: int | None = None,
    repeats: int = REPEATS,
    steps: int = STEPS,
    seed: Seed = 0,
    progress: Progress | None = None,
) -> Estimate:
    """`entropy_norm` of many inputs, each from several random starts, as `head_norms` has the head's.

    Parameters
    ----------
    codec, quality, steps
        As `entropy_norm` takes them.
    states : ndarray
        float32 [documents, tokens, channels], at least 2.
    repeats : int
        Starts of each, at least 1.
    seed : int, numpy.random.Generator or None
    progress : callable, optional
        (stage, fraction) -> None

    Returns
    -------
    Estimate
        As `head_norms` gives it.

    Raises
    ------
    RdcodecError
        As `entropy_norm`, or there are fewer than 2 inputs.
    """
    return over_inputs(states, repeats, seed, progress, lambda h, generator: entropy_norm(codec, h, quality, steps, generator))


class _Slopes(NamedTuple):
    """Bits that a level's code grows by, float64 [tokens, components]: for half a step outwards, and for a step of the grid of scales."""

    of_value: torch.Tensor
    of_scale: torch.Tensor


def _slopes(codec, h, quality):
    """Between the neighbours of a level, 0 at level 0, where code lengths are even; between the neighbours of a table."""
    coded = codec.coded_symbols(h, quality)
    costs = torch.from_numpy(codec.level_costs().astype(np.float64) / 2**COST_BITS)
    levels = torch.from_numpy(coded.levels)
    magnitude = levels.abs().clamp(max=COST_LEVELS - 2)
    table = coded.level_tables.astype(np.int64) - codec.first_level_table
    here, above, below = (torch.from_numpy(np.clip(table + 2 * more, *scale_ends(table))) for more in (0, 1, -1))
    middle = torch.zeros_like(levels, dtype=torch.float64)  # of the interval of values that become a level
    of_value = level_slope(costs.view(-1), here * COST_LEVELS + magnitude, magnitude, levels, middle)
    return _Slopes(of_value, (costs[above, magnitude] - costs[below, magnitude]) / 2)


class _At(NamedTuple):
    """Where the networks are: [tokens, components] in units, the exponent [tokens, 1] apart; the spacing is in units a half step."""

    residual: torch.Tensor
    base: torch.Tensor
    codeword: torch.Tensor
    exponent: torch.Tensor
    spacing: torch.Tensor


def _at(codec, h, quality):
    quality = codec.default_quality if quality is None else quality
    units, y = codec.units, codec.components(h, quality)
    codewords, steps = codec.choose(y)
    base = codec.codebook[codewords] / FEATURE_UNIT
    exponent = ((codec.step_offsets[steps] - quality) / GRID_STEPS)[:, None]
    parts = y / units - base, base, base[:, codec.tensors["word_components"]], exponent, np.exp2(exponent) / units
    return _At(*map(torch.from_numpy, parts))


def _predicted(codec, nets, at, change):
    change = change * at.spacing
    parts = [at.codeword, at.exponent]
    if codec.uses_context:
        before = at.base + at.residual + change
        parts.insert(0, torch.cat([torch.zeros_like(before[:1]), before[:-1]]))
    if "latents" in nets:
        z = chain(nets["latents"], (at.residual + change)[None])[0]
        parts.append(z + ((LATENT_UNIT * z).round() / LATENT_UNIT - z).detach())  # rounding passes changes on, as in training
    mean, scale = chain(nets["predictor"], torch.cat(parts, -1)[None])[0].chunk(2, -1)
    return mean / at.spacing, SCALE_UNIT * scale


def networks_of(codec):
    """A codec's networks in floats, by name: "predictor", of means and scales, and "latents", where there are any."""
    units = {"predictor": np.repeat([1 / FEATURE_UNIT, 1 / SCALE_UNIT], codec.channels), "latents": np.full(codec.latents, 1 / LATENT_UNIT)}
    tensors = codec.tensors
    found = (name for name in units if f"{name}.0.weight" in tensors)
    return {name: float_net(IntegerNet.from_tensors(name, tensors), units[name]) for name in found}
