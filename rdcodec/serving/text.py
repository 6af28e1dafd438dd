"""Text up to where it is to stop."""

__all__ = ["TextUntil"]


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
