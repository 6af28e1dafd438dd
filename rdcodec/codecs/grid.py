"""The logarithmic grid on which scales, gains, steps and quality are integers: 8 grid steps an octave."""

from typing import NamedTuple

import numpy as np

__all__ = ["GRID_STEPS", "LevelGrid", "grid_power", "grid_round"]

GRID_STEPS = 8
"""Grid steps an octave."""

# 2 ** (i / 8), written out: no machine's exp2 decides about them.
_OCTAVE = np.array(
    [
        1.0,
        1.0905077326652577,
        1.189207115002721,
        1.2968395546510096,
        1.4142135623730951,
        1.5422108254079407,
        1.681792830507429,
        1.8340080864093424,
    ]
)


class LevelGrid(NamedTuple):
    """Which table codes which level, as the core's `rdc_level_grid`.

    Attributes
    ----------
    component_scale : ndarray
        int32 [components], grid steps.
    component_shape : ndarray
        uint8 [components]
    scales : int
        Of the grid.
    first_table : int
        Of the tables of levels.
    """

    component_scale: np.ndarray
    component_shape: np.ndarray
    scales: int
    first_table: int

    @classmethod
    def of(cls, component_scale, component_shape, scales, first_table):
        """With arrays of the element types that the core takes."""
        return cls(np.ascontiguousarray(component_scale, np.int32), np.ascontiguousarray(component_shape, np.uint8), scales, first_table)


def grid_power(index):
    """``2 ** (index / 8)`` as float64, the same bits on every machine.

    Parameters
    ----------
    index : array of int

    Examples
    --------
    >>> grid_power(np.array([-8, 0, 4, 16]))
    array([0.5       , 1.        , 1.41421356, 4.        ])
    """
    octave, part = np.divmod(np.asarray(index), GRID_STEPS)
    return np.ldexp(_OCTAVE[part], octave)


def grid_round(values):
    """Grid index at or next below positive values, ``floor(8 * log2(value))``, without a logarithm.

    Parameters
    ----------
    values : array of float64, all above 0

    Returns
    -------
    array of int64

    Examples
    --------
    >>> grid_round(np.array([0.5, 1.0, 1.5, 4.0]))
    array([-8,  0,  4, 16])
    """
    mantissa, exponent = np.frexp(values)
    part = np.searchsorted(_OCTAVE, 2 * mantissa, side="right") - 1
    return GRID_STEPS * (exponent.astype(np.int64) - 1) + part
