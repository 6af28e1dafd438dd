"""A learned codec as a differentiable module: quantised by the codec's own trellis, and paying the rate of its tables."""

from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from rdcodec import _core
from rdcodec.codecs.front import SIDE_TABLES
from rdcodec.codecs.grid import GRID_STEPS
from rdcodec.codecs.learned import FEATURE_UNIT
from rdcodec.codecs.transform import INWARD_UNIT
from rdcodec.training.loop import Reconstruction
from rdcodec.training.rate import LevelRate

__all__ = ["CodecModule"]

PASSES = 3  # over what is decoded, which predictions depend on and which depends on them
TRANSFORM_RATE = 2e-5
SCALE_RATE = 10  # times that of the networks, in grid steps


class CodecModule(nn.Module):
    """The float twin of a learned codec.

    Parameters
    ----------
    codec : LearnedCodec
        Gives the transform, words, steps and tables to start from.
    networks : EntropyNetworks
    """

    def __init__(self, codec, networks):
        super().__init__()
        self.codec = codec
        self.networks = networks
        t, config = codec._t, codec._config()
        self.register_buffer("mean", torch.from_numpy(t["mean"].copy()))
        self.register_buffer("analysis", _float(t["analysis"], config["analysis_bits"]))
        self.register_buffer("synthesis", _float(t["synthesis"], config["synthesis_bits"]))
        self.register_buffer("unit", torch.from_numpy(codec._units.astype(np.float32)))
        self.register_buffer("inward", torch.tensor([0, *codec._inward]) / INWARD_UNIT)
        self.component_scale = nn.Parameter(torch.from_numpy(t["component_scale"].astype(np.float32)))
        # What training adds to the transform, between components in units of their deviation.
        self.register_buffer("deviation", torch.exp2(self.component_scale.detach() / GRID_STEPS))
        shape = codec.channels, codec.channels
        self.analysis_change = nn.Parameter(torch.zeros(shape), requires_grad=False)
        self.synthesis_change = nn.Parameter(torch.zeros(shape), requires_grad=False)
        self.level_rate = LevelRate(codec)
        for name, costs in zip(("gain_costs", "word_costs", "step_costs", "choice_costs"), _side_costs(codec)):
            self.register_buffer(name, costs)

    def trains_transform(self, trained):
        """Whether the transform takes part in the training: there is nothing to gain from it without a distortion."""
        self.analysis_change.requires_grad_(trained)
        self.synthesis_change.requires_grad_(trained)

    def forward(self, h, quality):
        """`Reconstruction` of h float32 [windows, tokens, channels] at qualities int64 [windows]."""
        side = self._side(h, quality)
        y = self._changed((torch.ldexp(h, -side.gains[..., None]) - self.mean) @ self.analysis, self.analysis_change)
        base = side.base * self.unit
        spacing = torch.exp2(side.exponent / GRID_STEPS)[..., None]
        mean, scale, latent_bits = self._predict(y, base, spacing, side)
        u = (y - mean) / spacing
        points, levels, odd = self._quantise(u)
        decoded = (u + (points - u).detach()) * spacing + mean
        token_scale = self.codec._zero_scale - side.exponent[..., None]
        bits = self.level_rate(u, levels, odd, self.component_scale + scale + token_scale, self.choice_costs[side.steps])
        h_hat = self._changed(decoded, self.synthesis_change) @ self.synthesis + self.mean
        return Reconstruction(torch.ldexp(h_hat, side.gains[..., None]), bits + side.bits + latent_bits)

    def _changed(self, y, change):
        return y + (y / self.deviation) @ change * self.deviation if change.requires_grad else y

    @torch.no_grad()
    def _side(self, h, quality):
        """What is said of each token before its levels, and how many bits it takes, as the codec itself chooses it."""
        codec, shape = self.codec, h.shape[:2]
        gains, y = codec._analyse(np.ascontiguousarray(h.detach().cpu().numpy().reshape(-1, h.shape[-1])))
        words, steps = codec._choose_words(y), codec._choose_steps(y)

        def placed(values):
            return torch.from_numpy(np.ascontiguousarray(values)).to(h.device).view(*shape, *values.shape[1:])

        base = placed(codec._words[words].astype(np.float32) / FEATURE_UNIT)
        gains, word_of, step_of = (placed(values.astype(np.int64)) for values in (gains, words, steps))
        bits = self.gain_costs[gains.clamp(max=len(self.gain_costs) - 1)] + self.word_costs[word_of] + self.step_costs[step_of]
        return _Side(
            gains=gains,
            steps=step_of,
            base=base,
            word=base[..., codec._t["word_components"]],
            exponent=placed(codec._step_offsets[steps].astype(np.float32)) - quality[:, None],
            bits=bits,
        )

    def _predict(self, y, base, spacing, side):
        """Mean of every component, the word's part included, what is added to its scale, and bits of hyper-latents."""
        said = side.word, side.exponent / GRID_STEPS, (y - base) / self.unit
        mean, passes = base, 1 if self.training else PASSES
        before = None
        for _ in range(passes if self.networks.looks_back else 0):
            with torch.no_grad():
                if before is not None:
                    mean = base + self.networks(before, *said)[0] * self.unit
                decoded = self._quantise((y - mean) / spacing)[0] * spacing + mean
                before = F.pad(decoded[:, :-1] / self.unit, (0, 0, 1, 0))
        mean, scale, bits = self.networks(before, *said)
        return base + mean * self.unit, scale, bits

    @torch.no_grad()
    def _quantise(self, u):
        """Points of the trellis search for u [windows, tokens, components], levels, and which quantiser each is of."""
        levels = _core.trellis_quantise(np.ascontiguousarray(u.double().cpu().numpy().reshape(-1, u.shape[-1])))
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
        if self.analysis_change.requires_grad:
            changes = [self.analysis_change, self.synthesis_change]
            groups.append({"params": changes, "lr": TRANSFORM_RATE, "weight_decay": 0.0})
        return groups

    @torch.no_grad()
    def transforms(self):
        """Analysis and synthesis with what training added, float64 ndarrays [channels, channels]."""
        identity, deviation = torch.eye(len(self.deviation), dtype=torch.float64), self.deviation.double().cpu()

        def factor(change):
            return identity + change.double().cpu() / deviation[:, None] * deviation

        analysis = self.analysis.double().cpu() @ factor(self.analysis_change)
        return analysis.numpy(), (factor(self.synthesis_change) @ self.synthesis.double().cpu()).numpy()


class _Side(NamedTuple):
    """What is said of tokens [windows, tokens] and, for base and word in units, of components."""

    gains: torch.Tensor
    steps: torch.Tensor
    base: torch.Tensor
    word: torch.Tensor
    exponent: torch.Tensor
    bits: torch.Tensor


def _float(integers, bits):
    return torch.from_numpy(np.ldexp(integers.astype(np.float64), -bits).astype(np.float32))


def _side_costs(codec):
    """Code lengths in bits of gains, words and steps, and of scales for each step."""
    arrays = codec._tables.to_arrays()
    ends = np.cumsum(arrays["counts"])
    rows = []
    for table in range(SIDE_TABLES + len(codec._step_offsets)):
        frequencies = arrays["frequencies"][ends[table] - arrays["counts"][table] : ends[table]].astype(np.float64)
        bits = int(arrays["precision"]) - np.log2(np.maximum(frequencies[:-1], 1.0))
        rows.append(torch.from_numpy(bits.astype(np.float32)))
    return [*rows[:SIDE_TABLES], torch.stack(rows[SIDE_TABLES:])]
