"""Settings of tuning a model to a codec."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rdcodec.errors import RdcodecError
from rdcodec.training.distortion import KINDS
from rdcodec.training.settings import Schedule

if TYPE_CHECKING:
    import torch

__all__ = ["METHODS", "PARTS", "TuneSettings"]

PARTS = ("tail", "head", "both")
METHODS = ("lora", "full")


@dataclass(frozen=True, kw_only=True)
class TuneSettings(Schedule):
    """How a model is tuned to a codec. The loss is D + lambda R, in nats a token.

    Attributes
    ----------
    part : str
        Blocks that are trained: those of the "tail", behind the split, those of the "head", before it, or "both". Embeddings, norms
        outside of blocks and the output head stay as they are.
    method : str
        "lora", adapters of low rank beside linear layers, or "full", all weights of the blocks.
    rank : int
        Of the adapters.
    alpha : float
        The adapters' products are added alpha / rank times.
    targets : tuple of str
        Names of the linear layers that get adapters, such as "q_proj"; all, where there are none.
    kind : str
        D: "kl", KL(untuned and uncompressed || tuned and compressed), or "cross-entropy", by how much the negative log-likelihood of
        the text's next token is above that of the untuned and uncompressed model.
    lambda_rate : float
        Nats that a bit is worth, 0 or more. Bits depend on the head alone, so with the tail it is 0.

    Raises
    ------
    RdcodecError
        A value is out of its range.

    Examples
    --------
    >>> TuneSettings(steps=300, lambda_rate=1e-4)
    Traceback (most recent call last):
        ...
    rdcodec.errors.RdcodecError: lambda_rate: expected 0 where the tail is tuned, since bits depend on the head alone, got 0.0001
    """

    part: str = "tail"
    method: str = "lora"
    rank: int = 16
    alpha: float = 32.0
    targets: tuple[str, ...] = ()
    kind: str = "kl"
    lambda_rate: float = 0.0
    learning_rate: float = 5e-4
    validate_every: int = 100
    checkpoint_every: int = 50

    def __post_init__(self):
        super().__post_init__()
        for name, choices in (("part", PARTS), ("method", METHODS), ("kind", KINDS)):
            self._check(name, choices.__contains__, f"one of {', '.join(choices)}")
        self._check("rank", lambda value: value >= 1, "at least 1")
        self._check("alpha", lambda value: 0 < value < math.inf, "more than 0")
        self._check("lambda_rate", lambda value: 0 <= value < math.inf, "0 or more nats a bit")
        if self.part == "tail" and self.lambda_rate:
            raise RdcodecError(
                f"lambda_rate: expected 0 where the tail is tuned, since bits depend on the head alone, got {self.lambda_rate}"
            )

    def loss(self, distortion: torch.Tensor, bits: torch.Tensor, quality: torch.Tensor) -> torch.Tensor:
        """Mean of D + lambda R over windows, each float32 [windows], in nats a token; bits a token. Shapes that differ are PyTorch's errors."""
        return (distortion + self.lambda_rate * bits).mean()
