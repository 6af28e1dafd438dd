"""The real codec in a training: what arrives, what its bytes are, and by which way they would become fewer."""

import numpy as np
import torch

from rdcodec.codecs.costs import COST_BITS, COST_LEVELS
from rdcodec.codecs.grid import grid_power
from rdcodec.codecs.transform_coding import TransformCoding
from rdcodec.errors import RdcodecError
from rdcodec.splits.gradients import straight_through
from rdcodec.splits.meter import Meter
from rdcodec.splits.rows import Row
from rdcodec.training.gradients import with_gradient
from rdcodec.training.rate import level_slope

__all__ = ["RateSlopes", "RealCoding"]


class RealCoding:
    """Codes hidden states as a link does, each window anew; gradients go straight through what arrives.

    Parameters
    ----------
    codec : Codec
    slopes : RateSlopes, optional
        Gradient of the bits; without it they have none.
    """

    def __init__(self, codec, slopes=None):
        self._codec = codec
        self._slopes = slopes

    def __call__(self, h, qualities):
        """What arrives of h [windows, tokens, channels], in its element type, and bits a token, float32 [windows], frame heads included.

        Parameters
        ----------
        h : torch.Tensor
        qualities : torch.Tensor
            int64 [windows]
        """
        arrived, bits = zip(*map(self._send, h.detach(), qualities.tolist()))
        arrived, bits = torch.stack(arrived), torch.tensor(bits, device=h.device)
        if self._slopes is not None and h.requires_grad:
            gradients = [self._slopes(*window) for window in zip(h.detach(), arrived, qualities.tolist())]
            bits = with_gradient(h, bits, torch.stack(gradients))
        return straight_through(h, arrived), bits

    def _send(self, h, quality):
        meter = Meter(self._codec.channels)
        arrived = Row(self._codec, quality, self._codec.frame_tokens, meter).send(h)
        return arrived, meter.bits_per_token


class RateSlopes:
    """Gradient of the bits a token with respect to the states, by the codec's own frequency tables.

    The code length of each level, in the table that the codec chose for it, has a slope. Codewords, steps, predictions, references and
    scales are taken as the codec found them: that they would follow the states is left out.

    Parameters
    ----------
    codec : TransformCoding

    Raises
    ------
    RdcodecError
        The codec is one without such tables.
    """

    def __init__(self, codec):
        if not isinstance(codec, TransformCoding):
            raise RdcodecError(
                f"lambda_rate: expected 0 for {type(codec).__name__}: only the rate of codecs with a transform, which calibrate and"
                " train make, has a gradient"
            )
        self._codec = codec
        self._costs = torch.from_numpy(codec.level_costs().astype(np.float32) / 2**COST_BITS).view(-1)

    def __call__(self, h, arrived, quality):
        """Float32 [tokens, channels] of states h [tokens, channels], of which these values arrived."""
        codec = self._codec
        values, decoded = _array(h), _array(arrived)
        coded = codec.coded_symbols(values, quality)
        gains, _, steps, *_ = coded.side
        gain = np.ldexp(1.0, gains)[:, None]
        spacing = grid_power(codec.step_offsets[steps] - quality)[:, None]
        left = codec.components(values, quality) - codec.analysis.multiply(decoded / gain - codec.tensors["mean"])
        slope = self._level_slopes(coded, left / spacing) / spacing
        gradient = slope @ codec.analysis_at(quality).values.T / gain
        return torch.from_numpy((gradient / len(values)).astype(np.float32)).to(h)

    def _level_slopes(self, coded, error):
        """Float64 [tokens, components]: bits a half step outwards; `error` is what levels leave, in half steps."""
        table = torch.from_numpy(coded.level_tables.astype(np.int64)) - self._codec.first_level_table
        levels = torch.from_numpy(coded.levels.astype(np.int64))
        magnitude = levels.abs().clamp(max=COST_LEVELS - 2)
        return level_slope(self._costs, table * COST_LEVELS + magnitude, magnitude, levels, torch.from_numpy(error)).numpy()


def _array(h):
    return np.ascontiguousarray(h.float().cpu().numpy())
