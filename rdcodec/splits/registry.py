"""Where models can be cut: one entry an architecture, looked up by the model's `config.model_type`."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from rdcodec.arguments import integer
from rdcodec.errors import RdcodecError
from rdcodec.splits.layouts import FeatureMaps, Tokens

__all__ = ["Split", "Site", "register_split", "find_site", "known_architectures"]


def text_inputs(model, h):
    """Arguments of a forward over as many tokens as h has: their values are of no account."""
    return {"inputs_embeds": h.detach(), "use_cache": False}


def image_inputs(model, h):
    size = model.config.image_size
    height, width = (size, size) if isinstance(size, int) else size
    return {"pixel_values": h.new_zeros(len(h), model.config.num_channels, height, width)}


def pixel_inputs(model, h):
    """An image of one pixel, for models of images of any size."""
    return {"pixel_values": h.new_zeros(len(h), model.config.num_channels, 1, 1)}


@dataclass(frozen=True)
class Split:
    """How an architecture is cut.

    Parameters
    ----------
    blocks : tuple of str
        Dotted paths from the base model (`model.base_model`) to the list of blocks; the first that exists holds. ``*``
        stands for every item of a list.
    inputs : callable
        (model, h) -> keyword arguments of a forward pass with the shape of h.
    layout : Tokens or FeatureMaps
        What the blocks take.
    """

    blocks: tuple[str, ...]
    inputs: Callable
    layout: Tokens | FeatureMaps


@dataclass(frozen=True)
class Site:
    """A split point found in a model: the input of `block`, `channels` a token."""

    split: Split
    base: torch.nn.Module
    blocks: list
    layer: int
    channels: int

    @property
    def block(self):
        return self.blocks[self.layer]


_SPLITS = {}


def register_split(model_type, blocks, *, inputs=text_inputs, layout=Tokens()):
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
    >>> register_split("olmo2", "layers")
    >>> "olmo2" in known_architectures()
    True
    """
    _SPLITS[model_type] = Split((blocks,) if isinstance(blocks, str) else tuple(blocks), inputs, layout)


def known_architectures():
    """list of str : the model types that can be cut, sorted."""
    return sorted(_SPLITS)


def find_site(model, layer):
    """The input of block `layer` of a model.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    layer : int
        0 to n_layers - 1: the index of the hidden state in Hugging Face's count; of a ResNet, its residual layers are
        counted through all stages.

    Returns
    -------
    Site

    Raises
    ------
    RdcodecError
        The architecture is unknown, or the model has no such layer.
    """
    model_type = getattr(getattr(model, "config", None), "model_type", None)
    if model_type not in _SPLITS:
        raise RdcodecError(
            f"model: the architecture {model_type!r} is unknown; known are {', '.join(known_architectures())}."
            " Another one is made known by rdcodec.splits.register_split(model_type, path_to_its_blocks)"
        )
    split = _SPLITS[model_type]
    base = model.base_model
    blocks = _blocks(base, split)
    layer = integer("layer", layer, 0, len(blocks) - 1)
    return Site(split, base, blocks, layer, split.layout.channels(model, blocks[layer]))


def _blocks(base, split):
    for path in split.blocks:
        found = [base]
        try:
            for name in path.split("."):
                found = [item for parent in found for item in (parent if name == "*" else [getattr(parent, name)])]
        except AttributeError:
            continue
        return [block for blocks in found for block in blocks]
    raise RdcodecError(f"model: {type(base).__name__} has no blocks at {' or '.join(split.blocks)}")


for _model_type in ("llama", "mistral", "gpt_neox", "gemma3_text", "qwen2", "qwen3"):
    register_split(_model_type, "layers")
register_split("gemma3", "language_model.layers")
register_split("gpt2", "h")
for _model_type in ("bert", "roberta"):
    register_split(_model_type, "encoder.layer")
register_split("vit", ("layers", "encoder.layer"), inputs=image_inputs)
register_split("resnet", "encoder.stages.*.layers", inputs=pixel_inputs, layout=FeatureMaps())
