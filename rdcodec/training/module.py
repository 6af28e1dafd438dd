"""A learned codec as a differentiable module: quantised by the codec's own trellis, and paying the rate of its tables."""

from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from rdcodec import _core
from rdcodec.codecs.costs import BIT_WORTH, COST_BITS, code_lengths
from rdcodec.codecs.grid import GRID_STEPS
from rdcodec.codecs.learned import LEAST_EMPHASISED
from rdcodec.codecs.transform_coding import FEATURE_UNIT, INWARD_UNIT, SIDE_TABLES
from rdcodec.training.loop import Reconstruction
from rdcodec.training.rate import LevelRate

__all__ = ["CodecModule"]

PASSES = 3  # over what is decoded, which predictions depend on and which depends on them
TRANSFORM_RATE = 4e-5
SCALE_RATE = 10  # times that of the networks, in grid steps


class CodecModule(nn.Module):
    """The float twin of a learned codec.

    Parameters
    ----------
    codec : LearnedCodec
        Gives the transform, codewords, steps and tables to start from.
    networks : EntropyNetworks
    """

    def __init__(self, codec, networks):
        super().__init__()
        self.codec = codec
        self.networks = networks
        config, t = codec.config, codec.tensors
        self._zero_scale = config["zero_scale"]
        self.register_buffer("mean", torch.from_numpy(t["mean"].copy()))
        self.register_buffer("analysis", _float(t["analysis"], config["analysis_bits"]))
        self.register_buffer("synthesis", _float(t["synthesis"], config["synthesis_bits"]))
        self.register_buffer("unit", torch.from_numpy(codec.units.astype(np.float32)))
        self.register_buffer("inward", torch.tensor([0, *config["inward"]]) / INWARD_UNIT)
        self.component_scale = nn.Parameter(torch.from_numpy(t["component_scale"].astype(np.float32)))
        # What training adds to the analysis, between components in units.
        self.emphasis = nn.Parameter(torch.zeros(codec.channels, codec.channels), requires_grad=False)
        self.level_rate = LevelRate(codec)
        # Names of buffers, and so of what a run is resumed from: that of codewords is as it was.
        for name, costs in zip(("gain_costs", "word_costs", "step_costs", "choice_costs"), _side_costs(codec)):
            self.register_buffer(name, costs)

    def trains_transform(self, trained):
        """Whether the transform takes part in the training: there is nothing to gain from it without a distortion."""
        self.emphasis.requires_grad_(trained)

    def forward(self, h, quality):
        """`Reconstruction` of h float32 [windows, tokens, channels] at qualities int64 [windows]."""
        gains, x = self.codec.tame(_flat(h))
        gains = torch.from_numpy(gains.astype(np.int64)).to(h.device).view(h.shape[:2])
        y = self._emphasised(torch.from_numpy(x).to(h).view(h.shape) @ self.analysis, quality)
        side = self._side(gains, y.detach(), quality)
        base = side.base * self.unit
        spacing = torch.exp2(side.exponent / GRID_STEPS)[..., None]
        mean, scale, latent_bits = self._predict(y, base, spacing, side)
        u, scale = (y - mean) / spacing, self._scale(scale, side)
        points, levels, odd = self._quantise(u, scale)
        decoded = (u + (points - u).detach()) * spacing + mean
        bits = self.level_rate(u, levels, odd, scale, self.choice_costs[side.steps])
        h_hat = decoded @ self.synthesis + self.mean
        return Reconstruction(torch.ldexp(h_hat, gains[..., None]), bits + side.bits + latent_bits)

    def _emphasised(self, y, quality):
        growth = torch.exp2(-quality.clamp(min=LEAST_EMPHASISED) / GRID_STEPS)[:, None, None]
        return y + growth * ((y / self.unit) @ self.emphasis) * self.unit

    def _side(self, gains, y, quality):
        """Side information of each token, and how many bits it takes, as the codec itself chooses it."""
        codec, flat = self.codec, _flat(y).astype(np.float64)
        codewords, steps = codec.choose(flat)

        def placed(values):
            return torch.from_numpy(np.ascontiguousarray(values)).to(y.device).view(*y.shape[:2], *values.shape[1:])

        base = placed(codec.codebook[codewords].astype(np.float32) / FEATURE_UNIT)
        exponent = placed(codec.step_offsets[steps].astype(np.float32)) - quality[:, None]
        codewords, steps = placed(codewords.astype(np.int64)), placed(steps.astype(np.int64))
        bits = self.gain_costs[gains.clamp(max=len(self.gain_costs) - 1)] + self.word_costs[codewords] + self.step_costs[steps]
        return _Side(steps, base, base[..., codec.tensors["word_components"]], exponent, bits)

    def _scale(self, predicted, side):
        """Place of every component on the grid of scales."""
        return self.component_scale + predicted + self._zero_scale - side.exponent[..., None]

    def _predict(self, y, base, spacing, side):
        """Mean of every component, the codeword's part included, what is added to its scale, and bits of hyper-latents."""
        given = side.codeword, side.exponent / GRID_STEPS, (y - base) / self.unit
        mean, scale, passes = base, 0, 1 if self.training else PASSES
        before = None
        for _ in range(passes if self.networks.uses_context else 0):
            with torch.no_grad():
                if before is not None:
                    mean, scale, _ = self.networks(before, *given)
                    mean = base + mean * self.unit
                decoded = self._quantise((y - mean) / spacing, self._scale(scale, side))[0] * spacing + mean
                before = F.pad(decoded[:, :-1] / self.unit, (0, 0, 1, 0))
        mean, scale, bits = self.networks(before, *given)
        return base + mean * self.unit, scale, bits

    @torch.no_grad()
    def _quantise(self, u, scale):
        """Points of the trellis search for u [windows, tokens, components] on these places of the grid, levels, and which quantiser
        each is of."""
        costs, rows = self.level_rate.rated(scale)
        levels = _core.trellis_quantise_rated(_flat(u.double()), costs, rows.reshape(-1, rows.shape[-1]), BIT_WORTH / 2**COST_BITS)
        odd = torch.from_numpy(_core.trellis_odd(levels)).to(u.device).view(u.shape).long()
        levels = torch.from_numpy(levels).to(u.device).view(u.shape).long()
        points = 2 * levels - odd * levels.sign()
        inward = self.inward[points.abs().clamp(max=len(self.inward) - 1)]
        return points - points.sign() * inward, levels, odd

    def parameter_groups(self, settings):
        """The networks at the rate of the settings; a transform in closed form is to be disturbed little."""
        groups = [
            {"params": list(self.networks.parameters()), "weight_decay": 0.01},
            {"params": [self.component_scale], "lr": SCALE_RATE * settings.learning_rate, "weight_decay": 0.0},
        ]
        if self.emphasis.requires_grad:
            groups.append({"params": [self.emphasis], "lr": TRANSFORM_RATE, "weight_decay": 0.0})
        return groups


class _Side(NamedTuple):
    """Side information of tokens [windows, tokens] and, for base and codeword in units, of components."""

    steps: torch.Tensor
    base: torch.Tensor
    codeword: torch.Tensor
    exponent: torch.Tensor
    bits: torch.Tensor


def _flat(values):
    """ndarray [n, last axis] of a tensor."""
    return np.ascontiguousarray(values.detach().cpu().numpy().reshape(-1, values.shape[-1]))


def _float(integers, bits):
    return torch.from_numpy(np.ldexp(integers.astype(np.float64), -bits).astype(np.float32))


def _side_costs(codec):
    """Code lengths in bits of gains, codewords and steps, and of scales for each step."""
    arrays = codec.tables.to_arrays()
    sizes = int(arrays["counts"][0]), len(codec.codebook), len(codec.step_offsets)
    scales = [len(codec.scale_offsets)] * len(codec.step_offsets)
    costs = [_symbol_costs(arrays, table, size) for table, size in enumerate([*sizes, *scales])]
    return [*costs[:SIDE_TABLES], torch.stack(costs[SIDE_TABLES:])]


def _symbol_costs(arrays, table, symbols):
    """Code lengths in bits of the symbols from 0 on, float32."""
    return torch.from_numpy(code_lengths(arrays, table, symbols).astype(np.float32))
