"""How the hidden state of an architecture is laid out: as tokens, or as a feature map whose places are tokens."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from rdcodec.errors import RdcodecError

if TYPE_CHECKING:
    from typing import Any

__all__ = ["FeatureMaps", "Streams", "Tokens"]


class Tokens:
    """[batch, tokens, channels], as wide as the part of the model that `config` describes."""

    def channels(self, config: Any, block: torch.nn.Module) -> int:
        """int : channels of a token before the block."""
        return config.get_text_config().hidden_size

    def channels_behind(self, config: Any, block: torch.nn.Module) -> int:
        """int : channels of a token behind the block."""
        return self.channels(config, block)

    def to_tokens(self, state: torch.Tensor) -> torch.Tensor:
        """[batch, tokens, channels] of a block's own state; errors as PyTorch's for another rank."""
        return state

    def from_tokens(self, h: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
        """h [batch, tokens, channels] in place of a block's own state; an `RdcodecError` where it does not fit."""
        if own.shape != h.shape:
            raise RdcodecError(f"h: expected shape {tuple(own.shape)}, as the model's own state, got {tuple(h.shape)}")
        return h


class Streams:
    """[streams, batch, tokens, width]: the streams of a token, one after the other, are its channels."""

    def channels(self, config: Any, block: torch.nn.Module) -> int:
        """int : channels of a token before the block."""
        config = config.get_text_config()
        return config.altup_num_inputs * config.hidden_size

    def channels_behind(self, config: Any, block: torch.nn.Module) -> int:
        """int : channels of a token behind the block."""
        return self.channels(config, block)

    def to_tokens(self, state: torch.Tensor) -> torch.Tensor:
        """[batch, tokens, channels] of a block's own state; errors as PyTorch's for another rank."""
        return state.permute(1, 2, 0, 3).flatten(2)

    def from_tokens(self, h: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
        """h [batch, tokens, channels] in place of a block's own state; an `RdcodecError` where it does not fit."""
        expected = (*own.shape[1:3], own.shape[0] * own.shape[3])
        if expected != h.shape:
            raise RdcodecError(f"h: expected shape {expected}, as the model's own state, got {tuple(h.shape)}")
        return h.unflatten(2, (own.shape[0], own.shape[3])).permute(2, 0, 1, 3).contiguous()


class FeatureMaps:
    """[batch, channels, height, width], with channels that differ by layer; tokens are its places, row by row."""

    def channels(self, config: Any, block: torch.nn.Module) -> int:
        """int : channels of a token before the block."""
        return next(module for module in block.modules() if isinstance(module, torch.nn.Conv2d)).in_channels

    def channels_behind(self, config: Any, block: torch.nn.Module) -> int:
        """int : channels of a token behind the block."""
        return [module for module in block.modules() if isinstance(module, torch.nn.Conv2d)][-1].out_channels

    def to_tokens(self, state: torch.Tensor) -> torch.Tensor:
        """[batch, tokens, channels] of a block's own state; errors as PyTorch's for another rank."""
        return state.flatten(2).mT

    def from_tokens(self, h: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
        """h [batch, tokens, channels] as a map of the size of the block's own, or as a square one where blocks before it were skipped; an `RdcodecError`
        where its tokens are neither."""
        height, width = own.shape[2:]
        tokens = h.shape[1]
        if height * width != tokens:
            height = width = math.isqrt(tokens)
        if height * width != tokens:
            raise RdcodecError(f"h: expected [batch, tokens, channels] of a square feature map, got {tokens} tokens")
        return h.mT.unflatten(2, (height, width)).contiguous()
