"""The codec that comes close to what outputs cost at least: it says which of some kept inputs has about the same output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rdcodec.arguments import MOST, integer
from rdcodec.entropy import FrequencyTables
from rdcodec.errors import RdcodecError
from rdcodec.estimators.output_rate import distributions, divergences
from rdcodec.estimators.samples import between
from rdcodec.stream import read_frame, write_frame

if TYPE_CHECKING:
    from rdcodec.types import Array, ArrayLike

__all__ = ["Exemplars"]

ROUNDS = 12


class Exemplars:
    """A codebook of kept inputs, chosen for what they cost and for how near their outputs are, entropy-constrained [1]_.

    What is sent is the number of an exemplar; the receiver puts its state, of whatever layer, in the place of the input's own and
    runs the tail. The encoder has to know the output, so it runs the whole model: this codec shows how few bits are enough, not
    how to save work.

    Parameters
    ----------
    p : array_like of float, [inputs, classes]
        Output distributions of inputs to choose from.
    slope : float
        Nats of rate that are paid for a nat of divergence less, above 0.
    most : int
        Exemplars at most, the first ones of `p` to begin with, up to half of them.

    Attributes
    ----------
    kept : numpy.ndarray
        int64 [exemplars], the numbers of the inputs that were kept.

    Raises
    ------
    RdcodecError
        Rows are no distributions, or an argument is out of range.

    References
    ----------
    .. [1] P. Chou, T. Lookabaugh, R. Gray, Entropy-constrained vector quantization, 1989.

    Examples
    --------
    >>> import numpy as np
    >>> from rdcodec.theory import Exemplars
    >>> code = Exemplars(np.eye(4)[[0, 1, 2, 3, 0, 1, 2, 3]], slope=10)
    >>> frame = code.encode(np.eye(4)[[2, 2, 1, 3]])
    >>> len(frame), [int(number) % 4 for number in code.decode(frame)]
    (8, [2, 2, 1, 3])
    """

    def __init__(self, p: ArrayLike, slope: float, most: int = 512) -> None:
        p, self._slope = distributions(p, 1), between(slope, "slope", 0, np.inf)
        most = integer("most", most, 1, MOST, "at least 1")
        self.kept = np.arange(max(1, min(most, len(p) // 2)))
        shares = np.full(len(self.kept), 1 / len(self.kept))
        for _ in range(ROUNDS):
            self._take(p, shares)
            chosen = self._chosen(p)
            counts = np.bincount(chosen, minlength=len(self.kept))
            means = np.stack([p[chosen == number].mean(axis=0) for number in np.flatnonzero(counts)])
            # of all inputs the one nearest to a cell's mean is the best for the cell
            nearest, counts = divergences(means, p).argmin(axis=1), counts[counts > 0]
            self.kept, which = np.unique(nearest, return_inverse=True)
            shares = np.bincount(which.ravel(), weights=counts) / len(p)
        self._take(p, shares)

    def _take(self, p, shares):
        self._outputs, self._costs = p[self.kept], -np.log(shares)
        self._tables = FrequencyTables.from_pmf(shares[None], 0)

    def _chosen(self, p):
        return (self._slope * divergences(p, self._outputs) + self._costs).argmin(axis=1)

    def encode(self, p: ArrayLike) -> bytes:
        """A frame that names an exemplar for each input.

        Parameters
        ----------
        p : array_like of float, [inputs, classes]
            Their outputs; at most 4,096 inputs.

        Raises
        ------
        RdcodecError
            Rows are no distributions of as many classes, or there are too many.
        """
        p = distributions(p, 1)
        if p.shape[1] != self._outputs.shape[1]:
            raise RdcodecError(f"p: expected {self._outputs.shape[1]} classes, got {p.shape[1]}")
        chosen = self._chosen(p)
        return write_frame(len(p), self._tables.encode(chosen, np.zeros_like(chosen)))

    def decode(self, frame: bytes) -> Array:
        """Numbers of kept inputs, int64 [inputs], of a frame.

        Raises
        ------
        RdcodecError
            The frame is damaged; the message says where.
        """
        read = read_frame(frame)
        return self.kept[self._tables.decode(read.payload, np.zeros(read.tokens, np.uint8))]
