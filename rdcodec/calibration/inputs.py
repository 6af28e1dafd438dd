"""What a model is given where all there is are texts, images or other inputs of one kind.

An encoder and a decoder of text are given the same text: the decoder as it would be while it writes what the encoder has read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from rdcodec.errors import RdcodecError
from rdcodec.splits import head_states

__all__ = ["PaddedTexts", "check_one_input", "check_padding", "input_states", "kept_of", "main_input", "predicts_tokens", "tensors_of"]

MASK = "attention_mask"


@dataclass(frozen=True)
class PaddedTexts:
    """Texts of several lengths, cut and shared out as a tensor of their ids is.

    Attributes
    ----------
    ids : torch.Tensor
        int64 [texts, tokens]
    kept : torch.Tensor
        bool [texts, tokens], False where a token is padding.
    """

    ids: torch.Tensor
    kept: torch.Tensor

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, rows):
        return PaddedTexts(self.ids[rows], self.kept[rows])

    def split(self, size):
        return [PaddedTexts(*part) for part in zip(self.ids.split(size), self.kept.split(size))]

    @property
    def mask(self):
        """As models take it."""
        return self.kept.long()


def check_one_input(model):
    """Refuse a model that takes inputs of two kinds, neither of which makes the other.

    Raises
    ------
    RdcodecError
        The message says what to do instead.
    """
    if _decodes_text(model) and model.main_input_name != "input_ids":
        raise RdcodecError(
            f"model: {type(model).__name__} takes {model.main_input_name} and the text that belongs to them, which cannot be given here;"
            " compress_at codes it with a codec that is not fitted (rdcodec.codecs.IntegerCodec), and head_states and run_tail,"
            " which take both, measure it"
        )


def tensors_of(model, inputs):
    """The main input of a model, and its mask if there is padding, of a tensor or of what a tokenizer or an image processor returns.

    Raises
    ------
    RdcodecError
        The main input is not there, or there is another one that says something.
    """
    if not isinstance(inputs, Mapping):
        return inputs, None
    if model.main_input_name not in inputs:
        raise RdcodecError(f"inputs: expected {model.main_input_name}, got {', '.join(map(str, inputs)) or 'nothing'}")
    others = [name for name, values in inputs.items() if name not in (model.main_input_name, MASK) and values.any()]
    if others:
        raise RdcodecError(f"inputs: expected {model.main_input_name} and {MASK} alone, got {', '.join(others)} besides")
    mask = inputs.get(MASK)
    return inputs[model.main_input_name], None if mask is None or mask.all() else mask


def check_padding(inputs, mask):
    """Refuse a mask that does not fit inputs, or has nothing of some of them.

    Raises
    ------
    RdcodecError
    """
    if mask.shape != inputs.shape:
        raise RdcodecError(f"{MASK}: expected {list(inputs.shape)} as the inputs of a classifier have, got shape {tuple(mask.shape)}")
    if not mask.any(dim=1).all():
        raise RdcodecError(f"{MASK}: expected a token in every text, one is all padding")


def kept_of(inputs, tokens):
    """bool array [inputs, tokens]: which tokens of the states of inputs are no padding."""
    return inputs.kept.cpu().numpy() if isinstance(inputs, PaddedTexts) else np.ones((len(inputs), tokens), bool)


def input_states(model, layer, inputs, attention_mask=None):
    """`head_states` of inputs [batch, ...]."""
    if isinstance(inputs, PaddedTexts):
        inputs, attention_mask = inputs.ids, inputs.mask
    return head_states(model, layer, inputs, attention_mask, **_decoder_input(model, inputs))


def main_input(model, inputs):
    """Arguments of `run_tail` by which a model knows its own tokens: where they are padding, which one it pools at.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    inputs : torch.Tensor, PaddedTexts or None
        [batch, ...], its main input. Images are of no account behind the split, and embedding them takes time.
    """
    if isinstance(inputs, PaddedTexts):
        return {**main_input(model, inputs.ids), MASK: inputs.mask}
    if inputs is None or inputs.is_floating_point() or inputs.numel() == 0:
        return {}
    return {model.main_input_name: inputs, **_decoder_input(model, inputs)}


def _decoder_input(model, inputs):
    return {"decoder_input_ids": inputs} if _decodes_text(model) else {}


def predicts_tokens(model):
    """Whether it has a head over a vocabulary."""
    return getattr(model, "get_output_embeddings", lambda: None)() is not None


def _decodes_text(model):
    """Whether it is an encoder and a decoder with a head over a vocabulary; classifiers give their decoders something themselves."""
    return model.config.is_encoder_decoder and predicts_tokens(model)
