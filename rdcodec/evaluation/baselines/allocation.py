"""Bits for components of a transform, by dynamic programming."""

from typing import NamedTuple

import numpy as np

__all__ = ["Allocation", "Group"]


class Group(NamedTuple):
    """Components `start`, `start` + 1, ... of `size` that share scales, at `bits` an integer; 0 bits drop them."""

    start: int
    size: int
    bits: int


class Allocation:
    """The division of components into groups of least error, for every budget at once.

    Parameters
    ----------
    errors : dict of Group to float
        Every group that may be chosen, and its error.
    overhead : int
        Bits of a group's scales, where its bits are not 0.
    most : int
        Largest budget, in bits.
    """

    def __init__(self, errors, overhead, most):
        self._overhead = overhead
        self._candidates = sorted(errors)
        self._components = max(group.start + group.size for group in errors)
        self._least = np.full((self._components + 1, most + 1), np.inf)  # error of the first components within a budget
        self._least[0] = 0
        self._last = np.full((self._components + 1, most + 1), -1, np.int32)  # candidate that comes last there
        for number, group in enumerate(self._candidates):  # by their starts: what ends where one starts is known by then
            cost = self._cost(group)
            if cost > most:
                continue
            end = group.start + group.size
            reached = self._least[group.start, : most + 1 - cost] + errors[group]
            better = reached < self._least[end, cost:]
            self._least[end, cost:][better] = reached[better]
            self._last[end, cost:][better] = number

    def error(self, budget):
        """Least error of all components; infinite where no division keeps within the budget."""
        return float(self._least[-1, budget])

    def groups(self, budget):
        """Groups of all components, in their order, of least error within a budget that allows one."""
        groups, end = [], self._components
        while end:
            group = self._candidates[self._last[end, budget]]
            groups.append(group)
            budget, end = budget - self._cost(group), group.start
        return groups[::-1]

    def _cost(self, group):
        return group.size * group.bits + (self._overhead if group.bits else 0)
