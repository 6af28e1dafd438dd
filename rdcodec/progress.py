"""How far long work has come, in a line now and then: for notebooks, logs, and programs that say nothing themselves."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic

__all__ = ["ProgressLines"]

FIRST, NEXT = 10, 30  # seconds until the first line, and between the others


class ProgressLines:
    """Called as ``progress(stage, fraction, figures="")``, prints a line to stderr when work takes long, with the time that is left.

    Parameters
    ----------
    clock : callable
        Seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._stage: str | None = None
        self._began = self._last = clock()
        self._due = self._began + FIRST

    def __call__(self, stage: str, fraction: float, figures: str = "") -> None:
        now = self._clock()
        if stage != self._stage:
            self._stage, self._began = stage, self._last  # its first part has been done already
        self._last = now
        if now < self._due or not 0 < fraction < 1:
            return
        self._due = now + NEXT
        left = _duration((now - self._began) * (1 - fraction) / fraction)
        print(f"{stage}: {fraction:.0%}, about {left} left{figures and ', '}{figures}", file=sys.stderr, flush=True)


def _duration(seconds):
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
