"""Short passages of text whose last word is to be predicted, as LAMBADA has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from rdcodec.errors import RdcodecError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rdcodec.types import Seed, Tokenizer

__all__ = ["Passages", "cut_passages"]

TOKENS = (60, 100)
PARAGRAPHS = re.compile(r"\n\s*\n")
SENTENCE = re.compile(r"\S.*?[.!?](?=\s|$)")
WORD = re.compile(r"(?s)(.*\S)(\s+[^\W\d_]{2,})\s*[.!?]")


class Passages(NamedTuple):
    """Passages that end with a word.

    Attributes
    ----------
    ids : list of torch.Tensor
        int64 [tokens], of each.
    words : list of int
        How many of the last tokens are the last word.
    """

    ids: list
    words: list


def cut_passages(tokenizer: Tokenizer, text: str, passages: int = 2000, tokens: tuple[int, int] = TOKENS, seed: Seed = 0) -> Passages:
    """Draw passages from all of a text: whole sentences of one paragraph, up to the last word, without the sign behind it.

    A model is given a passage as a document of its own. Passages do not overlap. The last word is of letters alone, at least two.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
    text : str
        Paragraphs have empty lines between them; how their own lines are broken does not matter.
    passages : int
    tokens : tuple of int
        Fewest tokens of a passage, its last word included, and most tokens with the sign behind it.
    seed : int or numpy.random.Generator
        Of the draw, which is without replacement.

    Returns
    -------
    Passages

    Raises
    ------
    RdcodecError
        `passages` or `tokens` is out of range, or the text makes fewer passages.
    """
    if passages < 1:
        raise RdcodecError(f"passages: expected at least 1, got {passages}")
    if not 3 <= tokens[0] <= tokens[1]:
        raise RdcodecError(f"tokens: expected the fewest, at least 3, and the most, got {tokens}")
    found = [passage for paragraph in PARAGRAPHS.split(text) for passage in _of_paragraph(tokenizer, paragraph, tokens)]
    if len(found) < passages:
        raise RdcodecError(f"text: {passages} passages of {tokens[0]} to {tokens[1]} tokens were asked for, it makes {len(found)}")
    drawn = np.random.default_rng(seed).permutation(len(found))[:passages]
    return Passages(*map(list, zip(*(found[i] for i in drawn))))


def _of_paragraph(tokenizer: Tokenizer, paragraph: str, tokens: tuple[int, int]) -> Iterator[tuple[torch.Tensor, int]]:
    """(ids, tokens of the last word) of passages that begin at a sentence, each behind the one before."""
    sentences = SENTENCE.findall(" ".join(paragraph.split()))
    first = 0
    while first < len(sentences):
        last, passage = first, None
        while passage is None and last < len(sentences):
            text = " ".join(sentences[first : last + 1])
            if len(_ids(tokenizer, text)) > tokens[1]:
                break
            passage = _passage(tokenizer, text, tokens)
            last += 1
        if passage is not None:
            yield passage
        first = first + 1 if passage is None else last


def _passage(tokenizer, text, tokens):
    """(ids, tokens of the last word) of sentences, None where they do not end with a word of tokens of its own, or are too short."""
    parts = WORD.fullmatch(text)
    if parts is None:
        return None
    context, whole = (_ids(tokenizer, part) for part in (parts[1], parts[1] + parts[2]))
    words = len(whole) - len(context)
    if len(whole) < tokens[0] or words < 1 or whole[: len(context)] != context:
        return None
    return torch.tensor(whole, dtype=torch.int64), words


def _ids(tokenizer, text):
    return tokenizer(text, verbose=False)["input_ids"]
