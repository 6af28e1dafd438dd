"""What every estimator returns."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

__all__ = ["Estimate"]

# Standard errors to each side that hold 95% of a normal distribution.
NORMAL_95 = 1.959963984540054


def student_95(freedom):
    """Standard errors to each side that hold 95% of Student's distribution: exact for 1 and 2 degrees of freedom, else within
    0.2% by Abramowitz and Stegun's expansion 26.7.5."""
    if freedom < 3:
        return math.tan(0.475 * math.pi) if freedom == 1 else 0.95 * math.sqrt(2 / (1 - 0.95**2))
    z = NORMAL_95
    corrections = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(correction / freedom**power for power, correction in enumerate(corrections, 1))


@dataclass(frozen=True)
class Estimate:
    """A number, how far to trust it, and what it is made of; `float` of it is the value, and it unpacks to value and error.

    Attributes
    ----------
    value : float
    error : float or None
        Standard error, or standard deviation of the posterior; None for what is exact or bounded instead.
    interval : tuple of float, or None
        Lowest and highest value.
    unit : str
        "bits", or what else the value is counted in.
    samples : int
        What the value was estimated from.
    terms : dict of str to float
        The parts of the value, and figures that go with it.
    confidence : float or None
        Probability that the interval holds what is estimated: 1 where that is certain, None where nothing is said.

    Examples
    --------
    >>> from rdcodec.estimators import entropy
    >>> found = entropy([40, 60], "plugin")
    >>> value, error = found
    >>> float(found) == value, found.confidence
    (True, 0.95)
    """

    value: float
    error: float | None
    interval: tuple[float, float] | None
    unit: str
    samples: int
    terms: dict[str, float] = field(default_factory=dict)
    confidence: float | None = None

    @classmethod
    def normal(cls, value: float, error: float, unit: str, samples: int, **terms: float) -> Estimate:
        """An estimate with the interval that holds 95% of a normal distribution around it."""
        value, error = float(value), float(error)
        interval = value - NORMAL_95 * error, value + NORMAL_95 * error
        return cls(value, error, interval, unit, samples, {name: float(term) for name, term in terms.items()}, 0.95)

    @classmethod
    def student(cls, value: float, error: float, freedom: int, unit: str, samples: int, **terms: float) -> Estimate:
        """An estimate with the interval that holds 95% of Student's distribution of so many degrees of freedom around it, for an
        error that was estimated from few numbers."""
        found = cls.normal(value, error, unit, samples, **terms)
        reach = student_95(freedom) * found.error
        return replace(found, interval=(found.value - reach, found.value + reach))

    def __float__(self):
        return self.value

    def __iter__(self):
        return iter((self.value, self.error))

    def __str__(self):
        doubt = f" ± {self.error:.3g}" if self.error is not None else f" in [{self.interval[0]:.6g}, {self.interval[1]:.6g}]"
        return f"{self.value:.6g}{doubt} {self.unit} (n = {self.samples})"
