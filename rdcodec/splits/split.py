"""How an architecture is cut: where its blocks are, what they take, and what a forward pass over given states needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from rdcodec.splits.layouts import FeatureMaps, Streams, Tokens

if TYPE_CHECKING:
    from rdcodec.types import Model, States

__all__ = [
    "Split",
    "decoder_inputs",
    "embedded_inputs",
    "image_inputs",
    "pixel_inputs",
    "sound_inputs",
    "text_inputs",
    "token_inputs",
]


def embedded_inputs(model, h):
    """Embeddings of as many tokens as h has, as wide as the model's own, which may be narrower than its blocks."""
    return {"inputs_embeds": h.new_zeros(*h.shape[:2], model.get_input_embeddings().embedding_dim)}


def text_inputs(model: Model, h: States):
    """Arguments of a forward over as many tokens as h has: their values are of no account."""
    return {**embedded_inputs(model, h), "use_cache": False}


def token_inputs(model, h):
    """For models of text that take no embeddings."""
    return {"input_ids": torch.zeros(h.shape[:2], dtype=torch.int64, device=h.device)}


def decoder_inputs(model, h):
    """For the decoder, which has its own argument where an encoder is before it."""
    embedded = text_inputs(model, h)
    if model.config.is_encoder_decoder:
        embedded["decoder_inputs_embeds"] = embedded.pop("inputs_embeds")
    return embedded


def image_inputs(model, h):
    size = model.config.image_size
    height, width = (size, size) if isinstance(size, int) else size
    return {"pixel_values": h.new_zeros(len(h), model.config.num_channels, height, width)}


def pixel_inputs(model, h):
    """An image of one pixel, for models of images of any size."""
    return {"pixel_values": h.new_zeros(len(h), model.config.num_channels, 1, 1)}


def sound_inputs(model, h):
    """Spectra at twice the rate of tokens: the second convolution has a stride of 2."""
    return {"input_features": h.new_zeros(len(h), model.config.num_mel_bins, 2 * h.shape[1])}


@dataclass(frozen=True)
class Split:
    """How an architecture, or a part of it, is cut.

    Parameters
    ----------
    blocks : str or tuple of str
        Dotted path from the base model (`model.base_model`) to the list of blocks, or several, of which the first that exists
        holds. ``*`` stands for every item of a list.
    end : str or None
        Dotted path from the base model to what follows the last block, a norm: its output is the last hidden state. That of the block
        is where there is none.
    inputs : callable
        (model, h) -> keyword arguments of a forward pass with the shape of h.
    layout : Tokens, Streams or FeatureMaps
        What the blocks take.
    chained : bool
        Blocks use more of earlier ones than the hidden state, so that those before a split point run in the tail too.
    needs_tokens : bool
        Blocks use embeddings of the token ids besides the hidden state, so that the tail needs the ids.
    cuts : callable
        (configuration, number of blocks) -> how many layers, from the first on, are split points.
    """

    blocks: str | tuple[str, ...]
    end: str | None = None
    inputs: Callable = text_inputs
    layout: Tokens | Streams | FeatureMaps = Tokens()
    chained: bool = False
    needs_tokens: bool = False
    cuts: Callable = lambda config, count: count

    def paths(self) -> tuple[str, ...]:
        """The paths to the list of blocks, of which the first that exists holds."""
        return (self.blocks,) if isinstance(self.blocks, str) else self.blocks
