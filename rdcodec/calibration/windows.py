"""Windows of tokens from calibration text, and other inputs, to fit and to hold out."""

from __future__ import annotations

import numpy as np
import torch

from rdcodec.arguments import texts_of
from rdcodec.errors import RdcodecError
from rdcodec.splits import longest_input

__all__ = ["Windows", "all_windows", "batches", "cut_inputs", "cut_windows", "default_tokens", "windows_of"]

WINDOW = 512  # tokens
LEAST_TOKENS = 12_000  # by default, for the tables and codewords of narrow models ...
CHANNEL_TOKENS = 42  # ... for each channel ...
MOST_TOKENS = 86_000  # ... and what most machines have memory for
LEAST_WINDOWS = 4
HELD_OUT = 1 / 6  # windows held out for each one fitted ...
HELD_OUT_MOST = 4 * WINDOW  # tokens
HELD_OUT_INPUTS = 128  # at most, where an input has one output distribution
SEED = 20


class Windows:
    """Token ids to fit and, apart from them, to choose settings by.

    Attributes
    ----------
    fit, held_out : torch.Tensor
        int64 [windows, tokens]
    counts : ndarray
        int64 [vocabulary], of all tokens of the texts but the held-out ones.
    """

    def __init__(self, fit, held_out, counts):
        self.fit = fit
        self.held_out = held_out
        self.counts = counts


def default_tokens(channels: int) -> int:
    """int : tokens that `rdcodec.calibrate` fits to where it is not told: 42 a channel, 12,000 to 86,000."""
    return min(max(LEAST_TOKENS, CHANNEL_TOKENS * channels), MOST_TOKENS)


def all_windows(model, tokenizer, texts):
    """All windows of the texts.

    Returns
    -------
    rows : torch.Tensor
        int64 [windows, tokens]: consecutive, none over the border of two texts.
    ids : list of torch.Tensor
        Token ids of each text.
    """
    window = min(WINDOW, longest_input(model))
    ids = [torch.tensor(tokenizer(text, verbose=False)["input_ids"], dtype=torch.int64) for text in (*texts_of(texts), "")]
    return torch.cat([part[: len(part) // window * window].view(-1, window) for part in ids]), ids


def cut_windows(model, tokenizer, texts, tokens, or_all=False):
    """Windows spread evenly over the texts; with `or_all`, of all of them where they hold fewer tokens.

    Raises
    ------
    RdcodecError
        The texts hold too few tokens.
    """
    rows, ids = all_windows(model, tokenizer, texts)
    window = rows.shape[1]
    wanted, held_out = _counts(tokens, window)
    if or_all and LEAST_WINDOWS <= len(rows) < wanted + held_out:
        wanted = max(2, int(len(rows) / (1 + HELD_OUT)))
        held_out = len(rows) - wanted
    if len(rows) < wanted + held_out:
        raise RdcodecError(
            f"texts: {wanted} windows of {window} tokens to fit and {held_out} to hold out were asked for"
            f" (tokens={tokens}), they make {len(rows)}"
        )
    chosen = np.linspace(0, len(rows) - 1, wanted + held_out).round().astype(int)
    shuffled = np.random.default_rng(SEED).permutation(chosen)
    held = rows[np.sort(shuffled[:held_out])]
    vocabulary = model.get_input_embeddings().weight.shape[0]
    counts = torch.bincount(torch.cat(ids), minlength=vocabulary) - torch.bincount(held.flatten(), minlength=vocabulary)
    return Windows(rows[shuffled[held_out:]], held, counts.numpy())


def _counts(tokens, window):
    """Windows to fit, and to hold out."""
    wanted = max(2, -(-tokens // window))
    return wanted, min(-(-HELD_OUT_MOST // window), max(2, round(wanted * HELD_OUT)))


def cut_inputs(inputs):
    """Inputs to fit and, apart from them, to choose settings by, drawn at random.

    Raises
    ------
    RdcodecError
        There are too few.
    """
    if len(inputs) < 4:
        raise RdcodecError(f"inputs: expected at least 4, got {len(inputs)}")
    held_out = min(HELD_OUT_INPUTS, max(2, round(len(inputs) * HELD_OUT / (1 + HELD_OUT))))
    shuffled = inputs[torch.from_numpy(np.random.default_rng(SEED).permutation(len(inputs)))]
    return shuffled[held_out:], shuffled[:held_out]


def windows_of(tokens, states):
    """How many windows of states [windows, tokens, channels] make at least so many tokens."""
    return -(-tokens // states.shape[1])


def batches(states, inputs):
    """Pairs of states [windows, tokens, channels] and the inputs they are of, as many at a time as go through a model together."""
    size = windows_of(WINDOW, states)
    return list(zip(states.split(size), inputs[: len(states)].split(size), strict=True))
