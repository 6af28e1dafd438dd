"""Where in a text the bits go."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from rdcodec.calibration.inputs import input_states
from rdcodec.errors import RdcodecError
from rdcodec.modes import evaluating
from rdcodec.pieces import TextPieces
from rdcodec.splits import unwrapped
from rdcodec.splits.fingerprint import check_codec

if TYPE_CHECKING:
    from rdcodec.evaluation.protocol import Setting
    from rdcodec.types import Model, Tokenizer

__all__ = ["TokenRates", "token_rates"]


class TokenRates(NamedTuple):
    """What each token of a window takes.

    Attributes
    ----------
    setting : Setting
        What they were coded with.
    pieces : list of str
        The text that each token adds: nothing where it is a part of a letter, or not a part of the text.
    bits : list of int
        Real bits of each token as a frame of its own, head and checksum included: what generation takes.
    window_bits : float
        Bits a token of the same window in as few frames as there can be.
    """

    setting: Setting
    pieces: list
    bits: list
    window_bits: float


@torch.no_grad()
def token_rates(model: Model, tokenizer: Tokenizer, window: torch.Tensor, setting: Setting) -> TokenRates:
    """Measure what each token of a window takes.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        As for `evaluate`.
    tokenizer : transformers.PreTrainedTokenizerBase
    window : torch.Tensor
        int64 [tokens], such as a row of what `cut_text` returns.
    setting : Setting
        Its own model, if it has one, takes the place of `model`.

    Returns
    -------
    TokenRates

    Raises
    ------
    RdcodecError
        `window` is not [tokens], at least 1; the architecture is unknown; the layer or the quality is out of range; the codec has
        other channels than the model or is of another layer.
    """
    if window.dim() != 1 or not len(window):
        raise RdcodecError(f"window: expected [tokens], at least 1, got shape {tuple(window.shape)}")
    model, codec = unwrapped(model if setting.model is None else setting.model), setting.codec
    check_codec(model, setting.layer, codec, setting.any_layer, f"codec of {setting.method}")
    with evaluating(model):
        h = input_states(model, setting.layer, window[None])[0]
    pieces = TextPieces(tokenizer)
    return TokenRates(
        setting,
        [pieces.add(token) for token in window.tolist()],
        _frame_bits(setting, h.split(1)),
        sum(_frame_bits(setting, h.split(codec.frame_tokens))) / len(window),
    )


def _frame_bits(setting, parts):
    encoder = setting.codec.encoder(setting.quality)
    return [8 * len(encoder.encode(part)) for part in parts]
