"""Where models can be cut: an entry of the table of architectures, looked up by `config.model_type`, applied to a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedModel

from rdcodec.arguments import integer
from rdcodec.errors import RdcodecError
from rdcodec.splits.architectures import ARCHITECTURES, REFUSED
from rdcodec.splits.layouts import Tokens
from rdcodec.splits.split import Split, text_inputs
from rdcodec.splits.wrappers import unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rdcodec.splits.layouts import FeatureMaps, Streams

__all__ = ["Site", "find_site", "known_architectures", "register_split"]

_SPLITS = {name: splits if isinstance(splits, tuple) else (splits,) for name, splits in ARCHITECTURES.items()}


@dataclass(frozen=True)
class Site:
    """A split point found in a model: the input of `block`, `channels` a token.

    Attributes
    ----------
    split : Split
    model, base : torch.nn.Module
        Without wrappers, and without its head.
    blocks : list of torch.nn.Module
        Of the model, or of its encoder or decoder.
    layer : int
        Index of the block among these.
    channels : int
    """

    split: Split
    model: PreTrainedModel
    base: torch.nn.Module
    blocks: list
    layer: int
    channels: int

    @property
    def block(self) -> torch.nn.Module:
        """The block whose input is the split point."""
        return self.blocks[self.layer]

    @property
    def skipped(self) -> list[torch.nn.Module]:
        """The blocks that a model which goes on from here has no need of."""
        return [] if self.split.chained else self.blocks[: self.layer]


def register_split(
    model_type: str,
    blocks: str | tuple[str, ...],
    *,
    inputs: Callable[[Any, torch.Tensor], dict[str, Any]] = text_inputs,
    layout: Tokens | Streams | FeatureMaps = Tokens(),
) -> None:
    """Make an architecture known.

    Its blocks must take the hidden state, [batch, tokens, channels] unless a layout says otherwise, as their first argument
    or as `hidden_states`, and return it, alone or first in a tuple; block i must be layer i of the model's cache.

    Parameters
    ----------
    model_type : str
        `model.config.model_type`.
    blocks : str or tuple of str
        Path from `model.base_model` to the list of blocks, where ``*`` stands for every item of a list; several paths where
        releases of transformers differ.
    inputs : callable, optional
        (model, h) -> keyword arguments of a forward pass over as many tokens as h has; text by default.
    layout : Tokens or FeatureMaps, optional
        `FeatureMaps` for convolutional models, whose blocks take [batch, channels, height, width].

    Examples
    --------
    >>> register_split("olmo3", "layers")
    >>> "olmo3" in known_architectures()
    True
    """
    _SPLITS[model_type] = (Split(blocks, inputs, layout),)


def known_architectures() -> list[str]:
    """list of str : the model types that can be cut, sorted."""
    return sorted(_SPLITS)


def find_site(model: torch.nn.Module, layer: int) -> Site:
    """The input of block `layer` of a model.

    Parameters
    ----------
    model : torch.nn.Module
        A transformers.PreTrainedModel, alone or in a wrapper (PEFT, DataParallel, a module of one's own).
    layer : int
        0 to n_layers - 1: the index of the hidden state in Hugging Face's count. The layers of an encoder and a decoder are
        counted through, the encoder's first; those of a ResNet through all stages.

    Returns
    -------
    Site

    Raises
    ------
    RdcodecError
        The architecture is unknown or cannot be cut, the model has no such layer, or a wrapper holds several models.
    """
    model = unwrapped(model)
    base: Any = getattr(model, "base_model", None)
    parts = [(split, *found) for split in _splits_of(model) if (found := _find_blocks(base, split)) is not None]
    if not parts:
        paths = " or ".join(path for split in _splits_of(model) for path in split.paths())
        raise RdcodecError(f"model: {type(base).__name__} has no blocks at {paths}")
    cuts = [(split, config, blocks, at) for split, config, blocks in parts for at in range(split.cuts(config, len(blocks)))]
    split, config, blocks, at = cuts[integer("layer", layer, 0, len(cuts) - 1)]
    return Site(split, model, base, blocks, at, split.layout.channels(config, blocks[at]))


def _splits_of(model):
    model_type = getattr(getattr(model, "config", None), "model_type", None)
    if model_type in _SPLITS:
        return _SPLITS[model_type]
    if model_type in REFUSED:
        raise RdcodecError(f"model: the architecture {model_type!r} cannot be cut: {REFUSED[model_type]}")
    raise RdcodecError(
        f"model: the architecture {model_type!r} is unknown; known are {', '.join(known_architectures())}."
        " Another one is made known by rdcodec.splits.register_split(model_type, path_to_its_blocks)"
    )


def _find_blocks(base, split):
    """Configuration of the part of a model that a split cuts, and its blocks; None if it has no such part."""
    for path in split.paths():
        found, config = [base], base.config
        try:
            for name in path.split("."):
                config = getattr(found[0], "config", config)
                found = [item for parent in found for item in (parent if name == "*" else [getattr(parent, name)])]
        except AttributeError:
            continue
        return config, [block for blocks in found for block in blocks]
    return None
