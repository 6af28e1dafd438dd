"""How far long work has come, in a line now and then: for notebooks, logs, and programs that say nothing themselves."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic

__all__ = ["ProgressLines"]

FIRST, NEXT = 10, 30  # seconds until the first line, and between the others
KNOWN = 5, 3  # seconds and reports, from the first of a stage on, after which its speed is known
APART = 0.5  # seconds between what is remembered of its course


class ProgressLines:
    """Called as ``progress(stage, fraction, figures="")``, prints a line to stderr when work takes long, with the time that is left.

    That is by the speed of late, over the newer half of a stage's time: the first parts of most work are the slowest. Nothing is said of it
    before three reports of a stage, over 5 seconds.

    Parameters
    ----------
    clock : callable
        Seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._stage: str | None = None
        self._due = clock() + FIRST
        self._course: list[tuple[float, float]] = []  # (time, fraction) of the stage
        self._reports = 0

    def __call__(self, stage: str, fraction: float, figures: str = "") -> None:
        now = self._clock()
        if stage != self._stage:
            self._stage, self._course, self._reports = stage, [], 0
        self._reports += 1
        if len(self._course) > 2 and now - self._course[-2][0] < APART:
            self._course.pop()
        self._course.append((now, fraction))
        if now < self._due or not 0 < fraction < 1:
            return
        self._due = now + NEXT
        print(", ".join(filter(None, (f"{stage}: {fraction:.0%}", self._left(), figures))), file=sys.stderr, flush=True)

    def _left(self):
        """The time left, in words; None while it is not known."""
        (began, _), (now, fraction) = self._course[0], self._course[-1]
        middle = (began + now) / 2
        then, before = max(point for point in self._course if point[0] <= middle)
        self._course = self._course[:1] + [point for point in self._course if point[0] >= then]  # what is older is not asked for again
        if now - began < KNOWN[0] or self._reports < KNOWN[1] or fraction <= before:
            return None
        return f"about {_duration((now - then) * (1 - fraction) / (fraction - before))} left"


def _duration(seconds):
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
