"""Spectral norms: Lipschitz constants of linear maps, and of others at a point by their derivative."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rdcodec import _core
from rdcodec.arguments import MOST, integer
from rdcodec.errors import RdcodecError
from rdcodec.estimators.estimate import Estimate
from rdcodec.estimators.lanczos import ritz, tridiagonalise
from rdcodec.estimators.samples import finite, seed_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rdcodec.types import Array, ArrayLike, Seed

__all__ = ["spectral_norm"]

# Relative error that sums of double precision are given room for.
ROUNDING = 1e-12

# Up to this side a matrix is asked directly, by Cholesky, whether t^2 I - A^T A is positive definite: for t this much above the
# value.
CERTIFIED_SIDE = 2048
SLACKS = (1e-9, 1e-7, 1e-5, 1e-3, 1e-2)

# Chance that the bound on what Lanczos has not seen fails.
FAILURE = 1e-6


def spectral_norm(
    matrix_or_callables: ArrayLike | tuple[Callable[[Array], Array], Callable[[Array], Array], int], steps: int = 64, seed: Seed = 0
) -> Estimate:
    """Largest singular value of a matrix or a linear operator, by Lanczos on A^T A with full reorthogonalisation.

    Parameters
    ----------
    matrix_or_callables : array_like of float, [outputs, inputs], or tuple
        A tuple (jvp, vjp, inputs): jvp takes a float64 vector [inputs] to the operator times it, vjp a vector [outputs] to the
        transpose times it, such as those of `torch.func` at a point; results are whatever ``np.asarray`` takes.
    steps : int
        At least 1; each one is a product with A and one with its transpose. Memory is steps times inputs.
    seed : int, numpy.random.Generator or None
        Of the start, a Gaussian vector; as `rademacher_complexity` takes it.

    Returns
    -------
    Estimate
        No error but an interval. Its low end is a Ritz value, which is never too large. Its high end is, for a matrix whose
        smaller side is at most 2,048, certified by a Cholesky factor where one of a few margins above the value suffices;
        otherwise it is the smallest of the Frobenius norm (matrices only) and the bound of Kuczynski and Wozniakowski [1]_ for
        random starts, which fails with probability 1e-6. terms: "residual", |A^T A v - value^2 v| / (2 value) for the Ritz
        vector v: that near lies a singular value; "steps"; "certified", 1 if the high end holds with certainty.

    Raises
    ------
    RdcodecError
        The matrix is empty or not finite, or a callable gives a result of the wrong size or that is not finite.

    References
    ----------
    .. [1] J. Kuczynski, H. Wozniakowski, Estimating the largest eigenvalue by the power and Lanczos algorithms with a random
       start, 1992.

    Examples
    --------
    >>> import numpy as np
    >>> from rdcodec.estimators import spectral_norm
    >>> print(spectral_norm(np.diag([3.0, 2.0, 1.0])))
    3 in [3, 3] largest singular value (n = 3)
    """
    steps = integer("steps", steps, 1, MOST, "at least 1")
    if isinstance(matrix_or_callables, tuple):
        apply, inputs = _operator(*matrix_or_callables)
        return _estimate(apply, inputs, steps, seed, math.inf, lambda value: None)
    matrix = finite(np.ascontiguousarray(matrix_or_callables, np.float64), "matrix")
    if matrix.ndim != 2 or not matrix.size:
        raise RdcodecError(f"matrix: expected [outputs, inputs], not empty, got shape {matrix.shape}")
    if matrix.shape[0] < matrix.shape[1]:
        matrix = np.ascontiguousarray(matrix.T)
    scale = float(np.abs(matrix).max()) or 1.0  # squares neither overflow nor vanish
    matrix = matrix / scale
    found = _estimate(
        lambda v: _core.matrix_vectors(matrix, _core.matrix_vectors(matrix, v, False), True),
        matrix.shape[1],
        steps,
        seed,
        math.sqrt((matrix * matrix).sum()),
        lambda value: _certificate(matrix, value),
    )
    low, high = found.interval
    terms = {**found.terms, "residual": found.terms["residual"] * scale}
    return replace(found, value=found.value * scale, interval=(low * scale, high * scale), terms=terms)


def _operator(jvp, vjp, inputs):
    """A^T A for vectors [1, inputs], and their length."""

    def product(name, function, vector):
        return finite(np.asarray(function(vector), dtype=np.float64).ravel(), name)

    def apply(vectors):
        image = product("vjp", vjp, product("jvp", jvp, vectors[0]))
        if image.size != inputs:
            raise RdcodecError(f"vjp: expected {inputs} values, one an input, got {image.size}")
        return image[None]

    if inputs < 1:
        raise RdcodecError(f"inputs: expected at least 1, got {inputs}")
    return apply, int(inputs)


def _estimate(apply, inputs, steps, seed, frobenius, certificate):
    start = np.random.Generator(np.random.Philox(seed_of(seed))).standard_normal((1, inputs))
    diagonal, beside, _ = tridiagonalise(apply, start, min(steps, inputs))
    values, vectors = ritz(diagonal[0], beside[0])
    top = values.argmax()
    square = max(values[top], 0.0)
    value = math.sqrt(square)
    taken = int((diagonal[0] != 0).sum()) or 1
    left = abs(beside[0, -1] * vectors[-1, top])
    high, is_certain = _high_end(value, left, inputs, taken, not beside[0].all(), certificate)
    if frobenius < high:
        high, is_certain = frobenius, True
    terms = {"residual": float(left / (2 * value)) if value > 0 else 0.0, "steps": float(taken), "certified": float(is_certain)}
    interval = value * (1 - ROUNDING), max(high, value) * (1 + ROUNDING)
    return Estimate(value, None, interval, "largest singular value", inputs, terms, 1.0 if is_certain else 1 - FAILURE)


def _high_end(value, left, inputs, taken, is_complete, certificate):
    """What the norm is not above, and whether that is certain."""
    certified = certificate(value) if value > 0 else None
    if certified is not None:
        return certified, True
    if is_complete or taken == inputs:  # the start has some of every eigenvector
        return math.sqrt(value**2 + left), True
    return _unseen(value, inputs, taken), False


def _unseen(value, inputs, steps):
    """What the norm is below with probability 1 - FAILURE, given the Ritz value after some steps."""
    missed = (math.log(1.648 * math.sqrt(inputs) / FAILURE) / (2 * steps - 1)) ** 2
    return value / math.sqrt(1 - missed) if missed < 1 else math.inf


def _certificate(matrix, value):
    """The least margin above the value that Cholesky proves to bound the norm, or None."""
    side = matrix.shape[1]
    if side > CERTIFIED_SIDE:
        return None
    gram = np.zeros((side, side))
    _core.gram_add(matrix, True, gram)
    for slack in SLACKS:
        bound = value * (1 + slack)
        shifted = -gram
        shifted[np.diag_indices(side)] += bound**2
        try:
            _core.cholesky(shifted)
        except RdcodecError:
            continue
        return bound
    return None
