"""Training that goes wrong stops before its weights do."""

import math
from collections import deque
from statistics import median

from rdcodec.errors import RdcodecError

__all__ = ["Guard"]

EXPLODED = 4  # times the running median of the rate ...
PATIENCE = 5  # ... in so many steps on end
REMEMBERED = 64  # steps of the running median
FEWEST = 8  # that make one


class Guard:
    """Watches the figures of each step.

    Attributes
    ----------
    suspicious : int
        Steps on end, the latest among them, with a rate far above the usual one.
    """

    def __init__(self):
        self.suspicious = 0
        self._rates = deque(maxlen=REMEMBERED)

    def check(self, step, loss, bits_per_token, gradient_norm):
        """Look at a step before its gradient changes the weights.

        Raises
        ------
        RdcodecError
            A figure is no finite number, or the rate has exploded.
        """
        if not all(map(math.isfinite, (loss, bits_per_token, gradient_norm))):
            raise RdcodecError(
                f"training diverged at step {step}: loss {loss:g} nats, {bits_per_token:g} bits a token, gradient of norm"
                f" {gradient_norm:g}; the last checkpoint is from before that"
            )
        usual = median(self._rates) if len(self._rates) >= FEWEST else math.inf
        if bits_per_token <= EXPLODED * usual:
            self.suspicious = 0
            self._rates.append(bits_per_token)
            return
        self.suspicious += 1
        if self.suspicious == PATIENCE:
            raise RdcodecError(
                f"training diverged at step {step}: {bits_per_token:g} bits a token, after a median of {usual:g};"
                " the last checkpoint is from before that"
            )
