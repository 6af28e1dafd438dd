"""Log-determinants and the Gaussian bound: closed forms, both shapes, both methods, coverage, bad input."""

import numpy as np
import pytest

from rdcodec import RdcodecError
from rdcodec.estimators import gaussian_entropy_bound, log_det_covariance

SHAPES = [(2, 1), (3, 4), (30, 1), (50, 7), (40, 40), (400, 60), (60, 400)]


def ledoit_wolf(y):
    """The shrunk covariance as its definition has it, sample by sample."""
    n, p = y.shape
    x = y - y.mean(axis=0)
    s = x.T @ x / n
    target = np.trace(s) / p * np.eye(p)
    distance = np.sum((s - target) ** 2) / p
    noise = sum(np.sum((np.outer(row, row) - s) ** 2) for row in x) / p / n**2
    rho = min(noise / distance, 1) if distance > 0 else 1.0
    return (1 - rho) * s + rho * target, rho


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spread", [0, 1, 2])
def test_value_is_the_log_determinant_of_the_shrunk_covariance(shape, spread):
    rng = np.random.default_rng(0)
    y = rng.normal(size=shape) * 10.0 ** (spread * rng.uniform(-1, 1, shape[1])) + 5
    shrunk, rho = ledoit_wolf(y)
    found = log_det_covariance(y)
    assert found.value == pytest.approx(np.linalg.slogdet(shrunk)[1] / np.log(2), rel=1e-9, abs=1e-9)
    assert found.terms["shrinkage"] == pytest.approx(rho, rel=1e-9, abs=1e-12)
    assert found.terms["per_feature"] == found.value / shape[1]
    bound = gaussian_entropy_bound(y, step=2.0)
    expected = np.linalg.slogdet(2 * np.pi * np.e * (shrunk / 4 + np.eye(shape[1]) / 12))[1] / 2 / np.log(2)
    assert bound.value == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("shape", [(300, 50), (50, 300), (200, 200)])
def test_quadrature_agrees_within_its_error(shape):
    y = np.random.default_rng(1).normal(size=shape) * np.linspace(0.1, 3, shape[1])
    exact = log_det_covariance(y).value
    found = log_det_covariance(y, "lanczos", probes=64, steps=50)
    assert abs(found.value - exact) < 4 * found.error
    assert found.error < 0.02 * abs(exact) + 3
    assert found == log_det_covariance(y, "lanczos", probes=64, steps=50)
    assert found.value != log_det_covariance(y, "lanczos", probes=64, steps=50, seed=1).value


def test_coverage():
    rng = np.random.default_rng(2)
    scales = np.array([1.0, 2.0, 0.5, 3.0])
    mix = rng.normal(size=(4, 4))
    covariance = mix @ np.diag(scales**2) @ mix.T
    truth = np.linalg.slogdet(covariance)[1] / np.log(2)
    hits = 0
    for _ in range(1000):
        low, high = log_det_covariance((rng.normal(size=(500, 4)) * scales) @ mix.T).interval
        hits += low <= truth <= high
    assert hits >= 0.94 * 1000


@pytest.mark.parametrize("scale", [0.01, 0.3, 1, 20])
def test_bound_is_above_the_entropy_of_a_rounded_gaussian(scale):
    y = np.round(np.random.default_rng(3).normal(0, scale, (20000, 1)))
    _, counts = np.unique(y, return_counts=True)
    p = counts / counts.sum()
    plugin = -np.sum(p * np.log2(p))
    bound = gaussian_entropy_bound(y)
    assert bound.interval[1] > plugin
    if scale > 2:
        assert bound.value == pytest.approx(plugin, abs=0.02)


def test_memory_maps_and_element_types(tmp_path):
    y = np.random.default_rng(4).normal(size=(50, 90)).astype(np.float16)
    np.save(tmp_path / "y.npy", y)
    mapped = np.load(tmp_path / "y.npy", mmap_mode="r")
    assert log_det_covariance(mapped) == log_det_covariance(y.astype(np.float64))


def test_constant_columns():
    y = np.random.default_rng(5).normal(size=(100, 3)) * [1, 1, 0]
    found = log_det_covariance(y)  # shrinkage fills the constant column
    assert np.isfinite(found.value) and found.interval[0] == -np.inf
    assert np.isfinite(gaussian_entropy_bound(y).interval).all()
    rank = gaussian_entropy_bound(np.ones((5, 3)))
    assert rank.value == pytest.approx(1.5 * np.log2(2 * np.pi * np.e / 12))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros((0, 3)), "y: expected at least 2 samples, got 0"),
        (np.zeros((1, 3)), "y: expected at least 2 samples, got 1"),
        (np.zeros((3, 0)), r"y: expected real numbers \[samples, features\], got float64 of shape \(3, 0\)"),
        (np.zeros((3, 2, 2)), "y: expected real numbers"),
        (np.zeros((3, 2), complex), "y: expected real numbers"),
        (np.array([[1.0, 2, 3], [2, 5, 9]]), "y: expected a covariance that is positive definite after shrinkage"),
        (np.ones((4, 2)), "y: expected samples that differ, got the same one"),
        (np.array([[1.0, np.nan], [0, 1]]), "y: expected finite values, got NaN or infinity"),
        (np.array([[1.0, np.inf], [0, 1]]), "y: expected finite values, got NaN or infinity"),
    ],
)
def test_bad_input(y, message):
    with pytest.raises(RdcodecError, match=message):
        log_det_covariance(y)


def test_bad_options():
    y = np.random.default_rng(0).normal(size=(5, 2))
    with pytest.raises(RdcodecError, match="method: expected exact or lanczos, got 'qr'"):
        log_det_covariance(y, "qr")
    with pytest.raises(RdcodecError, match="probes, steps: expected at least 2 and 1, got 1 and 5"):
        log_det_covariance(y, "lanczos", probes=1, steps=5)
    with pytest.raises(RdcodecError, match=r"seed: expected 0 to 2\^64 - 1, got -1"):
        log_det_covariance(y, "lanczos", seed=-1)
    for step in (0, -1, np.nan, np.inf):
        with pytest.raises(RdcodecError, match="step: expected a number above 0"):
            gaussian_entropy_bound(y, step)


@pytest.mark.parametrize("shape", [(60, 5), (5, 60)])
@pytest.mark.parametrize("exponent", [-540, 530])  # 1e-162, 1e160
def test_squares_neither_overflow_nor_vanish(shape, exponent):
    y = np.random.default_rng(9).normal(size=shape)
    for method in ("exact", "lanczos"):
        plain, scaled = log_det_covariance(y, method), log_det_covariance(np.ldexp(y, exponent), method)
        assert scaled.value == pytest.approx(plain.value + 2 * exponent * shape[1], abs=1e-8)
        assert scaled.error == pytest.approx(plain.error)
    step = 2.0**exponent
    assert gaussian_entropy_bound(y * step, step).value == pytest.approx(gaussian_entropy_bound(y).value, abs=1e-9)
    assert gaussian_entropy_bound(y * 2.0**-540).value == pytest.approx(gaussian_entropy_bound(np.zeros(shape)).value)
