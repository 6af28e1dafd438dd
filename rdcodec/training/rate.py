"""What levels cost, as a differentiable function: code lengths in the tables that a codec would have."""

import numpy as np
import torch
from torch import nn

from rdcodec.calibration.tables import REACH, SCALES, SHAPES, level_pmf, prior_level_pmf
from rdcodec.codecs.costs import COST_BITS, COST_LEVELS, RATED_MAGNITUDES, code_lengths

__all__ = ["LevelRate", "level_slope"]

LEAST_PROBABILITY = 2.0**-15  # what a table can give
COUNT_DECAY = 0.98  # of what levels were counted so far, a step
REFIT_STEPS = 25  # between new tables


class LevelRate(nn.Module):
    """Code lengths of levels under predicted scales.

    Tables are those of a codec at first; in training they follow the levels that meet them.

    Parameters
    ----------
    codec : LearnedCodec
    """

    def __init__(self, codec):
        super().__init__()
        self.register_buffer("shape", torch.from_numpy(codec.tensors["component_shape"].astype(np.int64)))
        self.register_buffer("candidates", torch.from_numpy(codec.scale_offsets.astype(np.int64)))
        arrays, tables = codec.tables.to_arrays(), range(codec.first_level_table, len(codec.tables))
        costs = np.array([code_lengths(arrays, table, COST_LEVELS) for table in tables], np.float32)
        self.register_buffer("costs", torch.from_numpy(costs))
        self.register_buffer("counts", torch.zeros(SHAPES, SCALES, 2, 2 * REACH + 1, dtype=torch.float64))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def forward(self, u, levels, odd, scale, choice_costs):
        """Bits of each token's levels and of the choice of its scale.

        Scales have a gradient by interpolation between tables, in training alone: what is estimated takes the nearest table.
        Values have one by the slope of the code length.

        Parameters
        ----------
        u : torch.Tensor
            [windows, tokens, components], what was quantised, in half steps ...
        levels, odd : torch.Tensor
            int64 [windows, tokens, components] ... the levels, and which quantiser each is of.
        scale : torch.Tensor
            [windows, tokens, components], grid index that is predicted.
        choice_costs : torch.Tensor
            [windows, tokens, candidates], bits by which a token says its scale.

        Returns
        -------
        torch.Tensor
            [windows, tokens]
        """
        magnitude = levels.abs().clamp(max=COST_LEVELS - 2)
        with torch.no_grad():
            choice = self._best_candidate(magnitude, odd, scale, choice_costs)
        if not self.training:
            scale = scale.round()  # as the codec takes it
        position = (scale + self.candidates[choice][..., None]).clamp(0, SCALES - 1)
        low = position.detach().floor().clamp(max=SCALES - 2)
        part = position - low
        at = self._row(low.long(), odd) * COST_LEVELS + magnitude
        costs = self.costs.view(-1)
        here, above = costs[at], costs[at + 2 * COST_LEVELS]
        bits = here + part * (above - here)
        slope = level_slope(costs, at, magnitude, levels, u)
        if self.training:
            self._count(levels, odd, low.long() + (torch.rand_like(part) < part.detach()))
        bits = (bits + slope * (u - u.detach())).sum(-1)
        return bits + choice_costs.gather(-1, choice[..., None])[..., 0]

    def rated(self, scale):
        """What the quantiser goes by: costs uint16 [tables, 2, magnitudes], and the table uint32 of each of scales [..., components]."""
        costs = self.costs[:, :RATED_MAGNITUDES].cpu().numpy() * 2**COST_BITS
        rows = self.shape * SCALES + scale.detach().round().long().clamp(0, SCALES - 1)
        return np.ascontiguousarray(np.rint(costs), np.uint16), rows.cpu().numpy().astype(np.uint32)

    def _row(self, scale, odd):
        return 2 * (self.shape * SCALES + scale) + odd

    def _best_candidate(self, magnitude, odd, scale, choice_costs):
        """The candidate whose tables give the levels and itself the shortest code."""
        nearest, totals = scale.round().long(), []
        for candidate in self.candidates.tolist():
            row = self._row((nearest + candidate).clamp(0, SCALES - 1), odd)
            totals.append(self.costs.view(-1)[row * COST_LEVELS + magnitude].sum(-1))
        return (torch.stack(totals, -1) + choice_costs).argmin(-1)

    @torch.no_grad()
    def _count(self, levels, odd, table):
        """Keep count of levels by table; now and then, make new tables of the counts."""
        inside = levels.abs() <= REACH
        at = self._row(table, odd) * self.counts.shape[-1] + levels + REACH
        self.counts.mul_(COUNT_DECAY)
        ones = torch.ones((), dtype=torch.float64, device=at.device)
        self.counts.view(-1).index_add_(0, at[inside], ones.expand(int(inside.sum())))
        self.steps += 1
        if int(self.steps) % REFIT_STEPS == 0:
            pmf = level_pmf(self.counts.cpu().numpy(), prior_level_pmf())[..., REACH : REACH + COST_LEVELS]
            bits = -np.log2(np.maximum(pmf, LEAST_PROBABILITY))
            self.costs.copy_(torch.from_numpy(bits.reshape(-1, COST_LEVELS)))


@torch.no_grad()
def level_slope(costs, at, magnitude, levels, u):
    """Bits by which the code grows, half a step outwards: between the neighbours of a level; at zero, as far as u is from it."""
    outer = costs[at + 1] - costs[at - (magnitude > 0).long()]
    centre = (costs[at + 1] - costs[at]) * (u / 2).clamp(-1, 1)
    return torch.where(magnitude > 0, outer * levels.sign() / 2, centre) / 2
