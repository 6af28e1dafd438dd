"""Text of tokens that come one by one."""

__all__ = ["TextPieces", "TextUntil"]

UNFINISHED = "\ufffd"


class TextPieces:
    """Turns tokens into pieces of text, none of which a later token changes.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
    """

    def __init__(self, tokenizer):
        self._tokenizer = tokenizer
        self._tokens, self._shown = [], 0

    def add(self, token):
        """str : what a token adds, which is nothing while a letter of several tokens is under way."""
        self._tokens.append(token)
        text = self._text()
        if text.endswith(UNFINISHED):
            return ""
        return self._piece(text)

    def rest(self):
        """str : what was held back, at the end of the text."""
        return self._piece(self._text())

    def of(self, tokens):
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


class TextUntil:
    """Text up to the first of some stops, none of which is shown, not even in part.

    Parameters
    ----------
    pieces : TextPieces
    stops : sequence of str

    Attributes
    ----------
    ended : bool
        Whether a stop has come.
    """

    def __init__(self, pieces, stops):
        self._pieces, self._stops = pieces, stops
        self._held = ""
        self.ended = False

    def add(self, token):
        """str : what a token adds."""
        return self._shown(self._pieces.add(token))

    def rest(self):
        """str : what was held back, at the end of the text."""
        piece = "" if self.ended else self._shown(self._pieces.rest())
        piece, self._held = piece + self._held, ""
        return piece

    def _shown(self, piece):
        text = self._held + piece
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.ended, self._held = True, ""
            return text[: min(found)]
        kept = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept]


def _overlap(text, stop):
    """How much of the end of a text a stop may begin with."""
    return next((count for count in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:count])), 0)
