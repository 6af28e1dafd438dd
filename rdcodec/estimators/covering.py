"""A bound for all members of a family with parameters at once: those of a cover by a union bound, others by how near they are to one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rdcodec.arguments import MOST, integer
from rdcodec.errors import RdcodecError
from rdcodec.estimators.estimate import Estimate
from rdcodec.estimators.samples import DELTA, between

if TYPE_CHECKING:
    from rdcodec.types import ArrayLike

__all__ = ["covering_bound"]

# Shares of the bound that a member may be off the nearest one of the cover: which is best does not depend on samples.
SHARES = 2.0 ** -np.arange(3, 64)


def covering_bound(
    parameters: ArrayLike, radii: ArrayLike, lipschitz: ArrayLike, bound: float, samples: int, delta: float = DELTA
) -> Estimate:
    """How far the true mean of any loss of a family with parameters may be from its mean over samples, on either side.

    *Family*: losses in 0 to B of parameters in blocks, each from a ball of a norm of its own, and Lipschitz in them whatever the
    sample: |loss of a - loss of b| <= sum over blocks of L_i |a_i - b_i|. *Assumption*: independent samples of one law, or drawn from
    a population without replacement. A ball of radius r in p dimensions has a cover of (1 + 2r/e)^p balls of radius e [1]_, so
    that with probability 1 - delta, for all parameters at once, the distance is at most 2t + B sqrt((sum of p_i ln(1 + 2 r_i/e_i)
    + ln(2/delta)) / 2n) by Hoeffding's inequality for each member of the cover, where sum of L_i e_i = t.

    Parameters
    ----------
    parameters : array_like of int, [blocks]
        p_i, at least 1.
    radii : array_like of float, [blocks]
        r_i, above 0.
    lipschitz : array_like of float, [blocks]
        L_i, above 0, in bits.
    bound : float
        B, what no loss exceeds, in bits.
    samples : int
        n, at least 1.
    delta : float
        Probability that the bound fails; between 0 and 1.

    Returns
    -------
    Estimate
        In bits, at most B, beyond which nothing can be; as interval (0, bound). terms: "parameters" in all; "cover", its
        logarithm in nats; "discretisation" 2t; "deviation" the rest; "raw" their sum; "vacuous" 1 where that is B or more; "needed",
        how many samples it takes for the distance to be B / 2.

    Raises
    ------
    RdcodecError
        An argument is out of range, or there are not as many of each.

    References
    ----------
    .. [1] R. Vershynin, High-Dimensional Probability, 2018, corollary 4.2.13.

    Examples
    --------
    >>> from rdcodec.estimators import covering_bound
    >>> [f"{covering_bound([100], [1.0], [5.0], 1.0, n).value:.2f}" for n in (100, 10_000, 10**6)]
    ['1.00', '0.21', '0.02']
    """
    p, r, slopes = _blocks(parameters, radii, lipschitz)
    bound, delta = between(bound, "bound", 0, math.inf), between(delta, "delta", 0, 1)
    samples = integer("samples", samples, 1, MOST, "at least 1")
    off = bound * SHARES  # t, of which each block has what its parameters are of all
    cover = (p * np.log1p(2 * r * slopes / (off[:, None] * p / p.sum()))).sum(axis=1)
    nats = cover + math.log(2 / delta)
    distances = 2 * off + bound * np.sqrt(nats / (2 * samples))
    best = int(distances.argmin())
    raw = float(distances[best])
    terms = {
        "parameters": float(p.sum()),
        "cover": float(cover[best]),
        "discretisation": float(2 * off[best]),
        "deviation": raw - float(2 * off[best]),
        "raw": raw,
        "vacuous": float(raw >= bound),
        "needed": float((nats / (2 * (0.5 - 2 * SHARES) ** 2)).min()),
    }
    value = min(raw, bound)
    return Estimate(value, None, (0.0, value), "bits", samples, terms, 1 - delta)


def _blocks(parameters, radii, lipschitz):
    found = [np.atleast_1d(np.asarray(values, np.float64)) for values in (parameters, radii, lipschitz)]
    if found[0].ndim != 1 or not found[0].size or any(values.shape != found[0].shape for values in found):
        raise RdcodecError(f"parameters, radii and lipschitz: expected as many of each, got shapes {[values.shape for values in found]}")
    for name, values, least in zip(("parameters", "radii", "lipschitz"), found, (1, 0, 0)):
        if not (np.isfinite(values).all() and (values >= least).all() and (values > 0).all()):
            raise RdcodecError(f"{name}: expected finite numbers, {'at least 1' if least else 'above 0'}, got {values[:8].tolist()}")
    return found
