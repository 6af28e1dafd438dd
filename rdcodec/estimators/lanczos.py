"""Lanczos' tridiagonal form of symmetric operators, for several starts at once."""

import numpy as np

from rdcodec import _core

# A direction that is left over after orthogonalisation counts as none below this share of what there was.
NOTHING = 1e-12


def tridiagonalise(apply, start, steps):
    """Run Lanczos with full reorthogonalisation.

    Parameters
    ----------
    apply : callable
        Of vectors [starts, n], the operator applied to each.
    start : ndarray of float64, [starts, n]
        Not zero.
    steps : int
        At most n.

    Returns
    -------
    diagonal : ndarray, [starts, steps]
    beside : ndarray, [starts, steps]
        The last column is the norm of what is left.
    basis : ndarray, [starts, steps, n]
        Zero from the step on where the invariant subspace was complete.
    """
    starts, n = start.shape
    basis = np.zeros((starts, steps, n))
    diagonal, beside = np.zeros((starts, steps)), np.zeros((starts, steps))
    current = start / norms(start)[:, None]
    for k in range(steps):
        basis[:, k] = current
        image = apply(current)
        before = norms(image)
        diagonal[:, k] = (image * current).sum(axis=1)
        for _ in range(2):  # once is not always enough (Kahan)
            image -= np.einsum("vkn,vk->vn", basis[:, : k + 1], np.einsum("vkn,vn->vk", basis[:, : k + 1], image))
        left = norms(image)
        beside[:, k] = np.where(left > NOTHING * before, left, 0)
        current = np.where(beside[:, k, None] > 0, image / np.where(left > 0, left, 1)[:, None], 0)
    return diagonal, beside, basis


def ritz(diagonal, beside):
    """Eigenvalues [steps] and eigenvectors [steps, steps], as columns, of one start's form."""
    values = diagonal.copy()
    vectors = _core.tridiagonal_eigen(values, beside[:-1].copy())
    return values, vectors


def norms(vectors):
    return np.sqrt((vectors * vectors).sum(axis=-1))


def random_signs(seed, count, n):
    """Starts [count, n] of signs, each expected to weigh all eigenvectors alike."""
    return np.stack([_core.random_signs(seed, draw, n) for draw in range(count)])
