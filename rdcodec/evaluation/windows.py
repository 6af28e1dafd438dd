"""Windows of tokens to measure on, and apart from them the rest of the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from rdcodec.arguments import texts_of
from rdcodec.errors import RdcodecError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rdcodec.types import Seed, Tokenizer

__all__ = ["TextWindows", "cut_text", "whole_windows"]


class TextWindows(NamedTuple):
    """Token ids cut into windows, int64 [windows, tokens] each: `measured` to measure on, `rest` what comes behind them."""

    measured: torch.Tensor
    rest: torch.Tensor


def cut_text(tokenizer: Tokenizer, text: str, window: int = 512, windows: int = 24, seed: Seed = None) -> TextWindows:
    """Tokenise a text whole and cut it into consecutive windows without overlap.

    Neighbouring windows are alike. What is to hold for the whole text needs windows that are drawn from all of it.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
    text : str
    window : int
        Tokens a window, at least 2: a loss needs a token to predict.
    windows : int
        Windows to measure on: the first ones of the text, or those drawn.
    seed : int or numpy.random.Generator, optional
        Draw them at random from the whole text, without replacement, in the order drawn; the rest keeps its order.

    Returns
    -------
    TextWindows

    Raises
    ------
    RdcodecError
        `window` or `windows` is too small, or the text is too short.
    """
    if window < 2:
        raise RdcodecError(f"window: expected at least 2 tokens, got {window}")
    if windows < 1:
        raise RdcodecError(f"windows: expected at least 1, got {windows}")
    ids = _token_ids(tokenizer, text)
    if len(ids) < window * windows:
        raise RdcodecError(f"text: {windows} windows of {window} tokens were asked for, it makes {len(ids)} tokens")
    rows = _cut(ids, window)
    if seed is not None:
        drawn = torch.from_numpy(np.random.default_rng(seed).permutation(len(rows)))
        rows = rows[torch.cat([drawn[:windows], drawn[windows:].sort().values])]
    return TextWindows(rows[:windows], rows[windows:])


def whole_windows(tokenizer: Tokenizer, texts: str | Sequence[str], window: int = 512) -> torch.Tensor:
    """All windows of texts, int64 [windows, tokens]: consecutive, none over the border of two texts.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
    texts : str or list of str
        At least one.
    window : int
        Tokens a window.
    """
    return torch.cat([_cut(_token_ids(tokenizer, text), window) for text in texts_of(texts)])


def _token_ids(tokenizer, text):
    return torch.tensor(tokenizer(text, verbose=False)["input_ids"], dtype=torch.int64)


def _cut(ids, window):
    return ids[: len(ids) // window * window].view(-1, window)
