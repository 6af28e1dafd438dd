"""What the estimators stand on, each beside NumPy, SciPy or published values."""

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.special import digamma, polygamma

from rdcodec import RdcodecError, _core
from rdcodec.estimators.lanczos import tridiagonalise


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [  # the known answers of Random123
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox(counter, key, expected):
    assert _core.philox(counter, key) == expected


def test_signs_are_the_bits_of_philox():
    seed, draw = 2**63 + 5, 2**40 + 3
    signs = _core.random_signs(seed, draw, 300)
    for i in (0, 31, 32, 127, 128, 299):
        words = _core.philox((i // 128, 0, draw % 2**32, draw >> 32), (seed % 2**32, seed >> 32))
        assert signs[i] == 1 - 2 * (words[i % 128 // 32] >> i % 32 & 1)
    many = np.stack([_core.random_signs(1, d, 1000) for d in range(100)])
    assert abs(many.mean()) < 4 / np.sqrt(many.size)


@pytest.mark.parametrize("x", [1e-12, 1e-3, 0.5, 1, 1.4616321449683623, 5.5, 9.999, 10, 12.3, 1e4, 1e15])
def test_polygamma(x):
    assert _core.digamma(x) == pytest.approx(digamma(x), rel=1e-14, abs=1e-15)
    assert _core.trigamma(x) == pytest.approx(polygamma(1, x), rel=1e-14)


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (8, 24), (25, 257), (130, 600)])
def test_products_are_the_same_at_every_level(shape, cpu):
    x = np.random.default_rng(0).normal(size=shape)
    gram, scalar = (np.full((shape[0],) * 2, 3.0) for _ in range(2))
    _core.gram_add(x, False, gram, cpu)
    _core.gram_add(np.ascontiguousarray(x.T), True, scalar, "scalar")
    assert np.array_equal(gram, scalar)
    assert np.allclose(np.tril(gram), np.tril(x @ x.T + 3), rtol=1e-12)
    assert (gram[np.triu_indices(shape[0], 1)] == 3).all()


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 200])
def test_cholesky_and_solve(n):
    x = np.random.default_rng(n).normal(size=(n, n + 5))
    matrix = x @ x.T
    factor, right = matrix.copy(), x.copy()
    _core.cholesky(factor)
    assert np.allclose(np.tril(factor), np.linalg.cholesky(matrix), rtol=1e-9, atol=1e-12)
    _core.solve_lower(factor, right)
    assert np.allclose(right, np.linalg.solve(np.linalg.cholesky(matrix), x), rtol=1e-7, atol=1e-9)


def test_cholesky_refuses_what_is_not_positive():
    for bad in (np.zeros((3, 3)), -np.eye(2), np.full((2, 2), np.nan), np.diag([1.0, np.inf])):
        with pytest.raises(RdcodecError, match="covariance: expected a positive definite one, but it is singular"):
            _core.cholesky(bad)


@pytest.mark.parametrize("transposed", [False, True])
def test_matrix_times_vectors(transposed):
    rng = np.random.default_rng(0)
    matrix, vectors = rng.normal(size=(37, 2100)), rng.normal(size=(3, 37 if transposed else 2100))
    expected = vectors @ (matrix if transposed else matrix.T)
    assert np.allclose(_core.matrix_vectors(matrix, vectors, transposed), expected, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("n", [1, 2, 5, 80])
def test_tridiagonal_eigenvectors(n):
    rng = np.random.default_rng(n)
    diagonal, beside = rng.normal(size=n), rng.normal(size=n - 1)
    beside[::7] = 0
    matrix = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
    values = diagonal.copy()
    vectors = _core.tridiagonal_eigen(values, beside.copy())
    assert np.allclose(np.sort(values), np.linalg.eigvalsh(matrix), atol=1e-13)
    assert np.allclose(matrix @ vectors, vectors * values, atol=1e-13)
    assert np.allclose(vectors.T @ vectors, np.eye(n), atol=1e-13)


@pytest.mark.parametrize("n", [1, 2, 3, 50])
@pytest.mark.parametrize("rank", [0, 1, 99])
def test_tridiagonal_form_keeps_eigenvalues(n, rank):
    x = np.random.default_rng(n).normal(size=(n, min(n, rank)))
    matrix = x @ x.T
    values, beside = _core.tridiagonal_form(matrix.copy())
    _core.tridiagonal_eigen(values, beside)
    assert np.allclose(np.sort(values), np.linalg.eigvalsh(matrix), atol=1e-11)


def test_lanczos_stops_where_the_space_is_complete():
    values = np.array([3.0, 3.0, 1.0, 0.0])
    diagonal, beside, _ = tridiagonalise(lambda v: v * values, np.ones((2, 4)), 4)
    assert np.allclose(beside[:, 2:], 0) and np.allclose(diagonal[:, :3].sum(axis=1), 4)
    assert not diagonal[:, 3].any()


@pytest.mark.parametrize(("n", "d"), [(2, 1), (33, 1), (500, 1), (500, 2), (1000, 3), (700, 8), (600, 32)])
@pytest.mark.parametrize("k", [1, 4, 20])
def test_neighbours_are_those_of_scipy(n, d, k, cpu):
    if k >= n:
        return
    x = np.random.default_rng(0).normal(size=(n, d))
    x[: n // 5] = np.round(x[: n // 5])  # ties
    expected = cKDTree(x).query(x, k=k + 1)[0][:, 1:]
    assert np.allclose(_core.neighbour_distances(x, k, cpu), expected, rtol=1e-13)


def test_neighbours_of_equal_points_are_at_distance_zero():
    x = np.repeat(np.arange(3.0), 100)[:, None]
    assert not _core.neighbour_distances(x, 99).any()
    assert (_core.neighbour_distances(x, 100)[:, 99] == 1).all()


@pytest.mark.parametrize("k", [-1, 0, 5, 6])
def test_neighbours_must_be_others(k):
    with pytest.raises(RdcodecError, match="neighbours: expected at least 1 and fewer than the 5 points"):
        _core.neighbour_distances(np.zeros((5, 1)), k)
