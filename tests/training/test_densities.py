"""Densities of hyper-latents: probabilities that add up, and that learn."""

import numpy as np
import pytest
import torch

from rdcodec.training.densities import DENSITIES

CHANNELS = 3


@pytest.fixture(params=DENSITIES)
def density(request):
    torch.manual_seed(4)
    return DENSITIES[request.param](CHANNELS)


def test_probabilities_add_up(density):
    z = torch.arange(-400, 401.0)[:, None].expand(-1, CHANNELS)
    mass = density.cumulative(z[-1:].T + 0.5) - density.cumulative(z[:1].T - 0.5)
    torch.testing.assert_close(mass, torch.ones(CHANNELS, 1), atol=1e-4, rtol=0)
    steps = density.cumulative(torch.linspace(-30, 30, 2000).expand(CHANNELS, -1)).diff()
    assert steps.min() > -1e-6


def test_bits_are_those_of_the_pmf(density):
    z = torch.tensor([[0.0, -2.0, 1.0], [3.0, 0.0, -1.0]])
    pmf = density.pmf(255)
    assert pmf.shape == (CHANNELS, 511) and (pmf.sum(axis=1) <= 1 + 1e-9).all() and pmf.min() >= 0
    expected = [-sum(np.log2(pmf[c, 255 + int(value)]) for c, value in enumerate(row)) for row in z]
    np.testing.assert_allclose(density.bits(z).detach(), expected, rtol=1e-5)


@pytest.mark.slow
def test_a_density_learns_what_it_sees(density):
    random = torch.Generator().manual_seed(1)
    z = (torch.tensor([1.0, 3.0, 0.5]) * torch.randn(4000, CHANNELS, generator=random) + torch.tensor([0.0, 2.0, -1.0])).round()
    counts = [np.unique(z[:, c], return_counts=True)[1] / len(z) for c in range(CHANNELS)]
    entropy = sum(-(p * np.log2(p)).sum() for p in counts)
    optimizer = torch.optim.Adam(density.parameters(), lr=0.03)
    for _ in range(300):
        bits = density.bits(z).mean()
        optimizer.zero_grad()
        bits.backward()
        optimizer.step()
    assert entropy - 0.01 < bits.item() < 1.03 * entropy
