"""Probabilities of integers under densities: the masses of unit cells."""

import numpy as np

__all__ = ["TAILS", "cell_masses"]

# ln(erfc(z) / t) + z^2 as a polynomial of t = 1 / (1 + z/2), with a relative error of erfc below 1.2e-7: Press et al., Numerical
# Recipes, 1992, section 6.2. Masses are differences of one function, so that they sum to 1 whatever its error.
ERFC = (
    -1.26551223,
    1.00002368,
    0.37409196,
    0.09678418,
    -0.18628806,
    0.27886807,
    -1.13520398,
    1.48851587,
    -0.82215223,
    0.17087277,
)


def _normal_tail(x):
    """Probability beyond x, at least 0, of a standard normal distribution."""
    z = x / np.sqrt(2)
    t = 1 / (1 + z / 2)
    return t / 2 * np.exp(np.polynomial.polynomial.polyval(t, ERFC) - z * z)


def _cauchy_tail(x):
    return np.arctan2(1, x) / np.pi


TAILS = {"normal": _normal_tail, "cauchy": _cauchy_tail}


def cell_masses(distances, scales, tail):
    """Masses of cells of width 1 whose middles are so far from the middle of a symmetric density.

    Parameters
    ----------
    distances : ndarray of float64
    scales : ndarray of float64
        Units of the tail in those of distances, above 0; of a shape that broadcasts.
    tail : callable
        One of `TAILS`.
    """
    middle, half = np.abs(distances) / scales, 0.5 / scales
    near, far = middle - half, tail(middle + half)
    inner = tail(np.abs(near))
    return np.where(near < 0, 1 - inner, inner) - far
