"""Checks of arguments that many functions take."""

import operator

from rdcodec.errors import RdcodecError

__all__ = ["MOST", "integer"]

MOST = 2**63 - 1  # that the core takes


def integer(name, value, lowest, highest, expected=None, error=RdcodecError):
    """`value`, an integer of any type, as an int.

    Where it is none, or below the lowest or above the highest, an error that names it and what was `expected`.
    """
    expected = f"{name}: expected {expected or f'{lowest} to {highest}'}"
    try:
        number = operator.index(value)
    except TypeError:
        raise RdcodecError(f"{expected}, got {repr(value)[:200]}") from None
    if not lowest <= number <= highest:
        raise error(f"{expected}, got {repr(number)[:200]}")
    return number
