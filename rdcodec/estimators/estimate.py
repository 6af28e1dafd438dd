"""What every estimator returns."""

from dataclasses import dataclass, field

__all__ = ["Estimate"]

# Standard errors to each side that hold 95% of a normal distribution.
NORMAL_95 = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """A number, how far to trust it, and what it is made of.

    Attributes
    ----------
    value : float
    error : float or None
        Standard error, or standard deviation of the posterior; None for what is exact or bounded instead.
    interval : tuple of float, or None
        Lowest and highest value; the function that returns the estimate says with what confidence.
    unit : str
        "bits", or what else the value is counted in.
    samples : int
        What the value was estimated from.
    terms : dict of str to float
        The parts of the value, and figures that go with it.
    """

    value: float
    error: float | None
    interval: tuple[float, float] | None
    unit: str
    samples: int
    terms: dict[str, float] = field(default_factory=dict)

    @classmethod
    def normal(cls, value, error, unit, samples, **terms):
        """An estimate with the interval that holds 95% of a normal distribution around it."""
        value, error = float(value), float(error)
        interval = value - NORMAL_95 * error, value + NORMAL_95 * error
        return cls(value, error, interval, unit, samples, {name: float(term) for name, term in terms.items()})

    def __str__(self):
        doubt = f" ± {self.error:.3g}" if self.error is not None else f" in [{self.interval[0]:.6g}, {self.interval[1]:.6g}]"
        return f"{self.value:.6g}{doubt} {self.unit} (n = {self.samples})"
