"""Checks of arguments that many functions take."""

import operator

from rdcodec.errors import RdcodecError

__all__ = ["HOTTEST", "MOST", "integer", "texts_of"]

MOST = 2**63 - 1  # that the core takes
HOTTEST = 100  # temperature of draws


def integer(name, value, lowest, highest, expected=None, error=RdcodecError):
    """`value`, an integer of any type, as an int.

    Where it is none, or below the lowest or above the highest, an error that names it and what was `expected`.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is not None and lowest <= number <= highest:
        return number
    error, got = (RdcodecError, value) if number is None else (error, number)
    raise error(f"{name}: expected {expected or f'{lowest} to {highest}'}, got {repr(got)[:200]}")


def texts_of(texts):
    """Texts as a list: one string is one text, not its characters."""
    return [texts] if isinstance(texts, str) else list(texts)
