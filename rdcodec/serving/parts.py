"""The two parts of a language model, each on a machine of its own: only the blocks on one side of the split are loaded.

The class of the model loads itself, as ever, but modules that belong to the other end are emptied before any weight is read: no
memory is taken for theirs and, of safetensors, nothing is read.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from rdcodec.errors import RdcodecError
from rdcodec.memory import give_back
from rdcodec.models import load_model, load_weights
from rdcodec.splits import Site, find_site, longest_input, run_tail
from rdcodec.splits.fingerprint import blocks_fingerprint
from rdcodec.splits.layouts import Tokens

if TYPE_CHECKING:
    from rdcodec.types import Model, PathLike, Tokenizer

__all__ = ["Part", "load_head", "load_tail", "part_of"]


@dataclass(frozen=True)
class Part:
    """A language model, or what one end of a split needs of it.

    Attributes
    ----------
    site : rdcodec.splits.Site
        Where it is cut.
    tokenizer : transformers.PreTrainedTokenizerBase or None
    fingerprint : str or None
        Of the blocks at both ends of the model and on both sides of the cut, which tells models apart; None where weights cannot
        be looked at.
    longest : int or float
        Tokens that the model takes at most.
    """

    site: Site
    tokenizer: Tokenizer | None
    fingerprint: str | None
    longest: float


def part_of(model: Model, layer: int, tokenizer: Tokenizer | None = None) -> Part:
    """A whole model as the part of either end, or of both.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A decoder of text, in evaluation mode.
    layer : int
        0 to n_layers - 1.
    tokenizer : transformers.PreTrainedTokenizerBase, optional

    Returns
    -------
    Part

    Raises
    ------
    RdcodecError
        As `rdcodec.splits.find_site`; the model writes no text, or the blocks behind the cut take more than the hidden state.
    """
    site = _cut(model, layer)
    split, kind = site.split, type(site.model).__name__
    if site.model.config.is_encoder_decoder or not site.model.can_generate():
        raise RdcodecError(f"model: expected a decoder of text, got {kind}")
    if split.chained or split.needs_tokens or type(split.layout) is not Tokens:
        raise RdcodecError(f"model: the blocks of {kind} take more than the hidden state; its two parts cannot be apart")
    return Part(site, tokenizer, blocks_fingerprint(_landmarks(site)), longest_input(site.model))


def load_head(name: PathLike, layer: int, dtype: str | torch.dtype = "float32") -> Part:
    """What runs before block `layer` of a language model: embeddings and blocks.

    Parameters
    ----------
    name : str or path
        As of `rdcodec.load_model`.
    layer : int
        0 to n_layers - 1.
    dtype : str or torch.dtype
        "float32", "float16" or "bfloat16".

    Returns
    -------
    Part

    Raises
    ------
    ImportError, FileNotFoundError, RdcodecError
        As `load_model` and `part_of`.
    """
    model, tokenizer = load_model(name, dtype, _prepared(layer, _others_of_head))
    part = part_of(model, layer, tokenizer)
    for module in _others_of_head(part.site):
        _empty(module)
    gc.collect()
    give_back()
    return part


def load_tail(name: PathLike, layer: int, dtype: str | torch.dtype = "float32") -> Part:
    """As `load_head`: the blocks from `layer` on, and what makes logits of them. It reads no tokenizer, for tokens are all that it says."""
    part = part_of(load_weights(name, dtype, _prepared(layer, _others_of_tail)), layer)
    site = part.site
    for module in _others_of_tail(site):
        _empty(module)
    for block in site.skipped:
        block.forward = site.block.forward  # by which what stands in for a block learns, now, how blocks return their state
    run_tail(site.model, layer, torch.zeros(1, 1, site.channels, dtype=site.model.dtype, device=site.model.device))
    gc.collect()
    give_back()
    return part


def _cut(model, layer):
    """The split point, which has blocks behind it."""
    site = find_site(model, layer)
    if site.is_last:
        raise RdcodecError(f"layer: expected 0 to {site.layer - 1}, got {layer}, behind which there are no blocks")
    return site


def _prepared(layer, others):
    """Empties a new model but for its own end, and blocks that are looked at for its fingerprint."""

    def prepare(model):
        site = _cut(model, layer)
        looked_at = _landmarks(site)
        for module in others(site):
            if module not in looked_at:
                _empty(module)

    return prepare


def _others_of_head(site):
    return [*site.blocks[site.layer :], *_untied(site.model, site.model.get_output_embeddings())]


def _others_of_tail(site):
    return [*site.skipped, *_untied(site.model, site.model.get_input_embeddings())]


def _untied(model, embeddings):
    """Embeddings of one end alone: those of the other are the same weights where they are tied."""
    return [] if model.config.get_text_config().tie_word_embeddings else [embeddings]


def _landmarks(site):
    """The first block, the last one, and those on both sides of the cut."""
    last = len(site.blocks) - 1
    return [site.blocks[i] for i in sorted({0, max(site.layer - 1, 0), site.layer, last})]


def _empty(module):
    """Drop what a module holds. Its other attributes stay: models choose masks for their blocks by these."""
    for held in (module._modules, module._parameters, module._buffers):
        held.clear()
    module._is_hf_initialized = True  # there is nothing to draw at random
