"""What tokens say of the earlier ones that they refer to: distances and weights, and the tables that code them.

A token may refer to several, one after the other. How probable a distance is depends on how many earlier tokens there are, by
powers of two, and on whether it is the first one; after the first that is none, nothing is left to say.
"""

import numpy as np

from rdcodec.errors import CorruptStreamError

__all__ = ["ReferenceTables", "WEIGHT_UNIT"]

WEIGHT_UNIT = 8  # a weight of 1; weights are -8 to 8 of these


class ReferenceTables:
    """Which tables code references.

    Parameters
    ----------
    first : int
        Number of the first one of them.
    tokens : int
        Earlier tokens that can be referred to.
    most : int
        References of a token.

    Attributes
    ----------
    classes : int
        Of distances, for the first reference and for others each: class c is that of 2**(c - 1) to 2**c - 1 earlier tokens.
    weights, nothing : int
        The table of weights, and the one of what can only be 0.
    count : int
        Tables in all.
    """

    def __init__(self, first, tokens, most):
        self.first, self.tokens, self.most = first, tokens, most
        self.classes = tokens.bit_length()
        self.weights = first + 2 * self.classes
        self.nothing = self.weights + 1
        self.count = 2 * self.classes + 2 if most else 0

    def available(self, before, tokens):
        """How many earlier tokens each of some can refer to, where `before` is that of the first: int64 [tokens]."""
        return np.minimum(before + np.arange(tokens), self.tokens)

    def of_distances(self, slot, available, last):
        """Tables of the distances in a slot, uint16 [tokens]; `last` has those of the slot before."""
        classes = np.frexp(available.astype(np.float64))[1]
        tables = self.first + (self.classes if slot else 0) + classes - 1
        is_open = available > 0 if slot == 0 else last > 0
        return np.where(is_open, tables, self.nothing).astype(np.uint16)

    def of_weights(self, distances):
        return np.where(distances > 0, self.weights, self.nothing).astype(np.uint16)

    def said(self, distances, weights, available):
        """Symbols and their tables, a list of arrays [tokens] each, of int32 [tokens, most]."""
        symbols, tables, last = [], [], None
        for slot in range(self.most):
            here = distances[:, slot]
            symbols += [here, np.where(here > 0, weights[:, slot] + WEIGHT_UNIT, 0).astype(np.int32)]
            tables += [self.of_distances(slot, available, last), self.of_weights(here)]
            last = here
        return symbols, tables

    def decode(self, block, available):
        """Distances and weights, int32 [tokens, most], which a block holds next.

        Raises
        ------
        CorruptStreamError
        """
        distances, weights = np.zeros((2, len(available), self.most), np.int32)
        last = None
        for slot in range(self.most):
            last = block.decode(self.of_distances(slot, available, last))
            _check("reference", last, available)
            said = block.decode(self.of_weights(last))
            _check("weight", said, np.where(last > 0, 2 * WEIGHT_UNIT, 0))
            distances[:, slot], weights[:, slot] = last, np.where(last > 0, said - WEIGHT_UNIT, 0)
        return distances, weights


def _check(name, values, most):
    outside = (values < 0) | (values > most)
    if outside.any():
        at = int(outside.argmax())
        raise CorruptStreamError(f"{name} of token {at}: expected 0 to {most[at]}, got {values[at]}")
