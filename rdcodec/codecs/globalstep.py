"""One quantisation step for everything and an order-0 entropy code a channel: the simplest codec with real entropy coding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rdcodec import _core
from rdcodec.codecs.base import Codec
from rdcodec.codecs.fields import CHANNELS, Number, check_config, check_tensors
from rdcodec.codecs.limits import check_memory, table_bytes
from rdcodec.codecs.tables import TABLE_SPECS, tables_of
from rdcodec.codecs.values import check_values, values_of
from rdcodec.entropy import FrequencyTables
from rdcodec.errors import RdcodecError

if TYPE_CHECKING:
    from rdcodec.types import States

__all__ = ["GlobalStepCodec"]

# Pseudo-counts of the smooth prior that each channel's histogram is mixed with, and the widest histogram, symbols a side.
PRIOR_COUNT = 16
WIDEST_REACH = 511

SMALLEST = np.finfo(np.float32).smallest_subnormal
LARGEST = np.finfo(np.float32).max
LARGEST_SAFE_STEP = LARGEST / 2**32  # no symbol times a smaller step is infinite
LARGEST_SYMBOL = 2**31 - 1


class GlobalStepCodec(Codec):
    """Values rounded to multiples of one step; a rANS frequency table a channel.

    Values of 2**31 - 1 steps and more are refused with an `RdcodecError`: nothing is clipped.

    Parameters
    ----------
    channels : int
    step : float
        Quantisation step, above 0; kept as float32.
    tables : FrequencyTables
        One table a channel, over multiples of the step.

    Raises
    ------
    RdcodecError
        The step is not above 0 and finite, or there is not one table a channel.

    Examples
    --------
    >>> import numpy as np
    >>> h = np.random.default_rng(0).normal(size=(500, 8)).astype(np.float32)
    >>> codec = GlobalStepCodec.fit(h, step=0.5)
    >>> bool(np.abs(codec.decode(codec.encode(h)) - h).max() <= 0.25)
    True
    """

    family = "global-step"

    FIELDS = {"channels": CHANNELS, "step": Number(float(SMALLEST), float(LARGEST))}
    SPECS = TABLE_SPECS

    def __init__(self, channels: int, step: float, tables: FrequencyTables) -> None:
        super().__init__(channels)
        self.step = _checked_step(step)
        if len(tables) != channels:
            raise RdcodecError(f"tables: expected {channels}, one a channel, got {len(tables)}")
        self.tables = tables
        self._steps = np.full(self.channels, self.step, np.float64)
        self._tables_of_channels = np.arange(self.channels, dtype=np.uint16)

    @classmethod
    def fit(cls, h: States, step: float) -> GlobalStepCodec:
        """The codec for a step, its tables fitted to calibration data.

        Parameters
        ----------
        h : ndarray or torch.Tensor
            [tokens, channels], float32, float16 or bfloat16, at least one token.
        step : float
            Quantisation step, in the units of h.

        Returns
        -------
        GlobalStepCodec

        Raises
        ------
        RdcodecError
            h has another rank, no token, or values that are not finite; the step is not above 0.
        """
        h, _ = values_of(h)
        if h.ndim != 2 or len(h) == 0:
            raise RdcodecError(f"h: expected [tokens, channels] with at least one token, got shape {h.shape}")
        channels = h.shape[1]
        check_values(h, channels)
        steps = np.full(channels, _checked_step(step), np.float64)
        return cls(channels, step, _fitted_tables(_quantise(h, steps)))

    def _config(self):
        return {"channels": self.channels, "step": float(self.step)}

    def _tensors(self):
        return self.tables.to_arrays()

    @classmethod
    def _from_parts(cls, config, tensors):
        config = check_config(cls.FIELDS, config)
        sizes = check_tensors(cls.SPECS, config["channels"], tensors)
        check_memory({"frequencies": table_bytes(sizes["frequencies"], sizes["tables"])}, tensors)
        return cls(**config, tables=tables_of(tensors))

    def _encode_tokens(self, h, quality, state):
        return self.tables.encode(_quantise(h, self._steps), self._index(len(h)))

    def _decode_tokens(self, payload, tokens, quality, state):
        values = self.tables.decode(payload, self._index(tokens)).astype(np.float32)
        if self.step < LARGEST_SAFE_STEP:
            values *= self.step
            return values
        with np.errstate(over="ignore"):
            values *= self.step
        return np.clip(values, -LARGEST, LARGEST, out=values)

    def _index(self, tokens):
        index = np.empty((tokens, self.channels), np.uint16)
        index[:] = self._tables_of_channels
        return index


def _quantise(h, steps):
    """Symbols of finite values; a value that int32 steps do not reach is refused, for it could only be sent as another one."""
    try:
        return _core.quantise(h, steps, 0.0)
    except RdcodecError:
        row, column = (int(i) for i in np.argwhere(np.abs(h.astype(np.float64) / steps) + 0.5 >= LARGEST_SYMBOL)[0])
        expected = f"h: expected magnitudes below {LARGEST_SYMBOL * steps[column]:g}, 2**31 - 1 steps"
        raise RdcodecError(f"{expected}, got {h[row, column]} at index {(row, column)}") from None


def _checked_step(step):
    with np.errstate(over="ignore"):
        value = np.float32(step)
    if not (np.isfinite(value) and value > 0):
        raise RdcodecError(f"step: expected a finite number above 0, got {step}")
    return value


def _fitted_tables(symbols):
    """A table a channel: its histogram about the median, mixed with a two-sided geometric prior of the same spread."""
    tokens, channels = symbols.shape
    centre = np.median(symbols, axis=0).astype(np.int64)
    distance = symbols - centre
    reach = int(np.clip(np.quantile(np.abs(distance), 0.9999), 1, WIDEST_REACH))
    inside = np.abs(distance) <= reach
    bins = (distance + reach + np.arange(channels) * (2 * reach + 1))[inside]
    counts = np.bincount(bins, minlength=channels * (2 * reach + 1)).reshape(channels, -1)
    spread = np.where(inside, np.abs(distance), 0).mean(axis=0) + 1 / tokens
    decay = (spread / (1 + spread))[:, None]
    prior = (1 - decay) / (1 + decay) * decay ** np.abs(np.arange(-reach, reach + 1))
    return FrequencyTables.from_pmf((counts + PRIOR_COUNT * prior) / (tokens + PRIOR_COUNT), centre - reach)
