"""Where models can be cut: an entry of the table of architectures, looked up by `config.model_type`, applied to a model."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedModel

from rdcodec.arguments import integer
from rdcodec.errors import RdcodecError
from rdcodec.splits.architectures import ARCHITECTURES, REFUSED
from rdcodec.splits.hooks import Output
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
    """A split point found in a model: the input of `block`, or the last hidden state, `channels` a token.

    Attributes
    ----------
    split : Split
    model, base : torch.nn.Module
        Without wrappers, and without its head.
    blocks : list of torch.nn.Module
        Of the model, or of its encoder or decoder.
    layer : int
        Index of the block among these; their number where the split point is behind them.
    channels : int
    layout : Tokens, Streams or FeatureMaps
        Of the state there.
    place : torch.nn.Module or rdcodec.splits.hooks.Output
        Where hooks get at it: the block, whose input it is, or the output of what is behind the last one.
    """

    split: Split
    model: PreTrainedModel
    base: torch.nn.Module
    blocks: list
    layer: int
    channels: int
    layout: Tokens | Streams | FeatureMaps
    place: torch.nn.Module | Output

    @property
    def is_last(self) -> bool:
        """Whether the split point is the last hidden state, behind all blocks."""
        return self.layer == len(self.blocks)

    @property
    def block(self) -> torch.nn.Module:
        """The block whose input is the split point; the last one where that is behind it."""
        return self.blocks[self.layer - self.is_last]

    @property
    def skipped(self) -> list[torch.nn.Module]:
        """The blocks that a model which goes on from here has no need of."""
        return [] if self.split.chained else self.blocks[: self.layer]


def register_split(
    model_type: str,
    blocks: str | tuple[str, ...],
    *,
    end: str | None = None,
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
    end : str, optional
        Path from `model.base_model` to the norm behind the last block, whose output is the last hidden state; that of the last block
        where there is none.
    inputs : callable, optional
        (model, h) -> keyword arguments of a forward pass over as many tokens as h has; text by default.
    layout : Tokens or FeatureMaps, optional
        `FeatureMaps` for convolutional models, whose blocks take [batch, channels, height, width].

    Examples
    --------
    >>> register_split("olmo3", "layers", end="norm")
    >>> "olmo3" in known_architectures()
    True
    """
    _SPLITS[model_type] = (Split(blocks, end, inputs, layout),)


def known_architectures() -> list[str]:
    """list of str : the model types that can be cut, sorted."""
    return sorted(_SPLITS)


def find_site(model: torch.nn.Module, layer: int) -> Site:
    """The input of block `layer` of a model, or its last hidden state.

    Parameters
    ----------
    model : torch.nn.Module
        A transformers.PreTrainedModel, alone or in a wrapper (PEFT, DataParallel, a module of one's own).
    layer : int
        0 to n_layers: the index of the hidden state in Hugging Face's count. The layers of an encoder and a decoder are
        counted through, the encoder's first; those of a ResNet through all stages. n_layers is the last hidden state, behind the final
        norm where there is one: what heads and poolers take, `last_hidden_state`.

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
    split, config, blocks, at = cuts[-1]
    if at + 1 == len(blocks):
        cuts.append((split, config, blocks, len(blocks)))
    split, config, blocks, at = cuts[integer("layer", layer, 0, len(cuts) - 1)]
    if at < len(blocks):
        return Site(split, model, base, blocks, at, split.layout.channels(config, blocks[at]), split.layout, blocks[at])
    end = None if split.end is None else attrgetter(split.end)(base)
    if end is not None:
        return Site(split, model, base, blocks, at, Tokens().channels(config, end), Tokens(), Output(end))
    return Site(split, model, base, blocks, at, split.layout.channels_behind(config, blocks[-1]), split.layout, Output(blocks[-1]))


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
