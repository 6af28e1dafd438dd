"""Settings of a training: how it goes through its steps, and what it trades for what."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rdcodec.codecs.transform_coding import QUALITY_RANGE
from rdcodec.errors import RdcodecError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import torch


__all__ = ["Schedule", "Settings", "Tradeoff"]


class Tradeoff(NamedTuple):
    """What a bit is worth along the qualities of a codec.

    Attributes
    ----------
    lambda0 : float
        Nats by which a further bit lowers the distortion at quality 0.
    slope : float
        How often that halves, a quality.
    """

    lambda0: float
    slope: float


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How a training goes through its steps. Subclasses say what its `loss` is.

    Attributes
    ----------
    steps : int, optional
        Updates of the weights. Exactly one of `steps` and `minutes` is given.
    minutes : float, optional
        Time to train; the steps that it makes are measured once, at the start.
    qualities : tuple of int
        The lowest and the highest quality to train for; higher is finer. Each window of a step draws one.
    windows : int
        Windows that go through the model at a time, on each device.
    accumulation : int
        Times that this happens before an update.
    learning_rate : float
        At the end of the warm-up, for parameter groups that do not choose their own.
    warm_up : float
        Part of the steps over which the learning rate rises; from there it falls to 0, a half cosine.
    clip : float
        Largest norm of the gradient.
    validate_every, checkpoint_every : int
        In steps.
    seed : int
        Of the order of windows, the qualities drawn and the noise of the module.

    Raises
    ------
    RdcodecError
        A value is out of its range.
    """

    steps: int | None = None
    minutes: float | None = None
    qualities: tuple[int, int] = (0, 0)
    windows: int = 2
    accumulation: int = 1
    learning_rate: float = 1e-3
    warm_up: float = 0.05
    clip: float = 1.0
    validate_every: int = 500
    checkpoint_every: int = 200
    seed: int = 0

    def __post_init__(self):
        if (self.steps is None) == (self.minutes is None):
            raise RdcodecError(f"expected steps or minutes, got steps={self.steps} and minutes={self.minutes}")
        for name in ("steps", "windows", "accumulation", "validate_every", "checkpoint_every"):
            self._check(name, lambda value: value is None or value >= 1, "at least 1")
        for name in ("minutes", "learning_rate", "clip"):
            self._check(name, lambda value: value is None or 0 < value < math.inf, "more than 0")
        self._check("warm_up", lambda value: 0 <= value < 1, "0 to less than 1")
        self._check("qualities", lambda value: len(value) == 2 and value[0] <= value[1], "the lowest and the highest")

    def _check(self, name, holds, expected):
        value = getattr(self, name)
        if not holds(value):
            raise RdcodecError(f"{name}: expected {expected}, got {value}")

    @property
    def validation_qualities(self):
        """list of int : the lowest, the middle and the highest."""
        lowest, highest = self.qualities
        return sorted({lowest, (lowest + highest) // 2, highest})

    def rate_factor(self, fraction):
        """What the learning rate is multiplied with when a fraction, 0 to 1, of the steps is done."""
        if fraction < self.warm_up:
            return fraction / self.warm_up
        return (1 + math.cos(math.pi * (fraction - self.warm_up) / (1 - self.warm_up))) / 2


@dataclass(frozen=True, kw_only=True)
class Settings(Schedule):
    """How a codec is trained. The loss is D + lambda R, in nats a token, with a lambda for each quality.

    Attributes
    ----------
    lambda0 : float
        Nats that a bit is worth at quality 0.
    slope : float
        How often lambda halves, a quality.

    Raises
    ------
    RdcodecError
        A value is out of its range.

    Examples
    --------
    >>> settings = Settings.for_lambdas([2e-4, 5e-5], Tradeoff(lambda0=1e-4, slope=0.25), steps=1000)
    >>> settings.qualities
    (-4, 4)
    >>> f"{settings.lambda_of(-4):.6f} {settings.lambda_of(4):.6f}"
    '0.000200 0.000050'
    """

    lambda0: float = 1e-4
    slope: float = 0.25  # as the square of a quantisation step, which halves every 8 qualities

    def __post_init__(self):
        super().__post_init__()
        for name in ("lambda0", "slope"):
            self._check(name, lambda value: 0 < value < math.inf, "more than 0")

    @classmethod
    def for_lambdas(cls, lambdas: Sequence[float], tradeoff: Tradeoff, **settings: Any) -> Settings:
        """Settings of one model for a range of lambdas, at the qualities where a bit is worth them; with one lambda, at one.

        Where a bit is worth that at no quality that codecs have, at the nearest one.
        """
        if not lambdas or not all(0 < value < math.inf for value in lambdas):
            raise RdcodecError(f"lambdas: expected one or more, more than 0 nats a bit, got {list(lambdas)}")
        qualities = [round(math.log2(tradeoff.lambda0 / value) / tradeoff.slope) for value in (max(lambdas), min(lambdas))]
        middle = math.log2(max(lambdas) * min(lambdas)) / 2 + tradeoff.slope * sum(qualities) / 2
        lowest, highest = (min(max(quality, -QUALITY_RANGE), QUALITY_RANGE) for quality in qualities)
        return cls(lambda0=2.0**middle, slope=tradeoff.slope, qualities=(lowest, highest), **settings)

    def lambda_of(self, quality: Any) -> Any:
        """Nats that a bit is worth at a quality, or at each of a tensor of them."""
        return self.lambda0 * 2.0 ** (-self.slope * quality)

    def loss(self, distortion: torch.Tensor, bits: torch.Tensor, quality: torch.Tensor) -> torch.Tensor:
        """Mean over windows, of nats a token, bits a token and qualities [windows] each, in units of what a bit is worth, so that all
        qualities weigh the same. Shapes that differ are PyTorch's errors."""
        return (distortion / self.lambda_of(quality) + bits).mean()
