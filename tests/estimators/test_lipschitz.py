"""Spectral norms: known spectra, NumPy, torch's derivatives, certified intervals, bad input."""

import numpy as np
import pytest
import torch

from rdcodec import RdcodecError
from rdcodec.estimators import spectral_norm


def with_singular_values(values, shape, seed=0):
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.normal(size=(side, side)))[0] for side in shape)
    k = min(shape)
    return (left[:, :k] * np.resize(values, k)) @ right[:k]


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (40, 30), (30, 40), (90, 90)])
@pytest.mark.parametrize("values", [[3.0], [5, 4.999999, 1], [1, 1e-9], [1e-200, 1e-201], [1e200, 1e199]])
def test_interval_holds_known_values(shape, values):
    found = spectral_norm(with_singular_values(values, shape))
    assert found.value == pytest.approx(values[0], rel=1e-6)
    assert found.interval[0] <= values[0] * (1 + 1e-12) and values[0] * (1 - 1e-12) <= found.interval[1]
    assert found.interval[1] / found.interval[0] < 1.02
    assert found.terms["certified"] == 1


@pytest.mark.parametrize("seed", range(20))
def test_bound_without_a_matrix(seed):
    """The high end for callables covers even where few steps leave the value low."""
    a = np.random.default_rng(seed).normal(size=(120, 100))
    truth = np.linalg.norm(a, 2)
    for steps in (3, 12, 30):
        found = spectral_norm((lambda v: a @ v, lambda u: u @ a, 100), steps=steps, seed=seed)
        assert found.interval[0] <= truth <= found.interval[1]
        assert found.terms["certified"] == 0 and found.terms["steps"] == steps
    assert found.interval[1] < 1.2 * truth
    assert found.terms["residual"] < truth


def test_derivatives_of_torch():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(12, 20), torch.nn.Tanh(), torch.nn.Linear(20, 9)).double()
    x = torch.randn(12, dtype=torch.float64)
    pull = torch.func.vjp(net, x)[1]
    jvp = lambda v: torch.func.jvp(net, (x,), (torch.from_numpy(v),))[1].detach()
    found = spectral_norm((jvp, lambda u: pull(torch.from_numpy(u))[0].detach(), 12))
    truth = torch.linalg.matrix_norm(torch.func.jacrev(net)(x), 2).item()
    assert found.value == pytest.approx(truth, rel=1e-9)
    assert found.interval[0] <= truth <= found.interval[1]


def test_zero_and_rank_one():
    zero = spectral_norm(np.zeros((4, 3)))
    assert zero.value == 0 and zero.interval == (0, 0)
    assert spectral_norm(np.ones((50, 20))).value == pytest.approx(np.sqrt(1000))
    assert spectral_norm(np.ones((50, 20)), seed=3) == spectral_norm(np.ones((50, 20)), seed=3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((0, 3)), r"matrix: expected \[outputs, inputs\], not empty, got shape \(0, 3\)"),
        (np.zeros(3), r"matrix: expected \[outputs, inputs\], not empty, got shape \(3,\)"),
        ([[1.0, np.nan]], "matrix: expected finite values, got NaN or infinity"),
        ((lambda v: v, lambda u: u[:2], 3), "vjp: expected 3 values, one an input, got 2"),
        ((lambda v: v * np.inf, lambda u: u, 3), "jvp: expected finite values, got NaN or infinity"),
        ((lambda v: v, lambda u: u, 0), "inputs: expected at least 1, got 0"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(RdcodecError, match=message):
        spectral_norm(given)


def test_bad_steps():
    with pytest.raises(RdcodecError, match="steps: expected at least 1, got 0"):
        spectral_norm(np.eye(2), steps=0)
    with pytest.raises(RdcodecError, match=r"seed: expected 0 to 2\^64 - 1, got -1"):
        spectral_norm(np.eye(2), seed=-1)
