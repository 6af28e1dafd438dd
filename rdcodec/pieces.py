"""Text of tokens that come one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rdcodec.types import Tokenizer

__all__ = ["TextPieces"]

UNFINISHED = "\ufffd"


class TextPieces:
    """Turns tokens into pieces of text, none of which a later token changes.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._tokens: list[int] = []
        self._shown = 0

    def add(self, token: int) -> str:
        """str : what a token adds, which is nothing while a letter of several tokens is under way."""
        self._tokens.append(token)
        text = self._text()
        if text.endswith(UNFINISHED):
            return ""
        return self._piece(text)

    def rest(self) -> str:
        """str : what was held back, at the end of the text."""
        return self._piece(self._text())

    def of(self, tokens: Iterable[int]) -> Iterator[str]:
        """Yields the pieces of an iterable of tokens as they come, some of which are empty."""
        for token in tokens:
            yield self.add(token)
        yield self.rest()

    def _piece(self, text):
        piece, self._shown = text[self._shown :], max(len(text), self._shown)
        if "\n" in piece:  # a new line begins anew, so that a long text is not decoded over and over
            self._tokens, self._shown = self._tokens[-1:], len(self._tokenizer.decode(self._tokens[-1:], skip_special_tokens=True))
        return piece

    def _text(self):
        return self._tokenizer.decode(self._tokens, skip_special_tokens=True)
