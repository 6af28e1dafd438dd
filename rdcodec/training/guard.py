"""Training that goes wrong stops before its weights do."""

import math
from collections import deque
from statistics import median

from rdcodec.errors import RdcodecError

__all__ = ["Guard"]

EXPLODED = 4  # times the running median of the rate, or of the loss of the output ...
RUINED = 3.0  # ... which is this much above it as well, in nats: from next to nothing a loss may rise often ...
PATIENCE = 5  # ... in so many steps on end
REMEMBERED = 64  # steps of the running median
FEWEST = 8  # that make one


class Guard:
    """Watches the figures of each step."""

    def __init__(self):
        self._rate = _Watched("bits a token", lambda usual: EXPLODED * usual)
        self._distortion = _Watched("nats", lambda usual: max(EXPLODED * usual, usual + RUINED))

    @property
    def suspicious(self):
        """int : steps on end, the latest among them, with a figure far above the usual one."""
        return max(self._rate.suspicious, self._distortion.suspicious)

    def check(self, step, loss, distortion, bits_per_token, gradient_norm):
        """Look at a step before its gradient changes the weights.

        Raises
        ------
        RdcodecError
            A figure is no finite number, or the rate or the distortion has exploded.
        """
        if not all(map(math.isfinite, (loss, distortion, bits_per_token, gradient_norm))):
            raise RdcodecError(
                f"training diverged at step {step}: loss {loss:g} nats, {bits_per_token:g} bits a token, gradient of norm"
                f" {gradient_norm:g}; the last checkpoint is from before that"
            )
        self._rate.see(step, bits_per_token)
        self._distortion.see(step, distortion)


class _Watched:
    """A figure whose usual value is its running median; `limit` says from which value on it is far above one."""

    def __init__(self, unit, limit):
        self.suspicious = 0
        self._unit = unit
        self._limit = limit
        self._seen = deque(maxlen=REMEMBERED)

    def see(self, step, value):
        usual = median(self._seen) if len(self._seen) >= FEWEST else math.inf
        if value <= self._limit(usual):
            self.suspicious = 0
            self._seen.append(value)
            return
        self.suspicious += 1
        if self.suspicious == PATIENCE:
            raise RdcodecError(
                f"training diverged at step {step}: {value:g} {self._unit}, after a median of {usual:g};"
                " the last checkpoint is from before that"
            )
