"""Densities of hyper-latents, one a channel: what their frequency tables are made of."""

import math

import torch
from torch import nn
from torch.nn import functional as F

__all__ = ["DENSITIES", "FactorisedDensity", "FourierDensity"]

LEAST_PROBABILITY = 2.0**-15  # what a table can give
START_SCALE = 1.0  # of hyper-latents


class _Density(nn.Module):
    """Subclasses give `cumulative`, of values [channels, n]."""

    def probability(self, z):
        """Of the unit bins around z [..., channels], which need not be integers."""
        return self._mass(z.reshape(-1, z.shape[-1]).T).T.reshape(z.shape).clamp_min(LEAST_PROBABILITY)

    def _mass(self, z):
        """Of the unit bins around z [channels, n]; of far ones nothing."""
        return self.cumulative(z + 0.5) - self.cumulative(z - 0.5)

    def bits(self, z):
        """Code length of z [..., channels], summed over channels."""
        return -torch.log2(self.probability(z)).sum(-1)

    @torch.no_grad()
    def pmf(self, reach):
        """Probabilities of the integers from -reach to reach, float64 ndarray [channels, 2 * reach + 1].

        Those that a table cannot give are left to its escape: hundreds of them at their least would take 1.5% from the others.
        """
        mass = self._mass(torch.arange(-reach, reach + 1.0).expand(self.channels, -1)).double().clamp_min(0)
        return (mass / mass.sum(1, keepdim=True).clamp_min(1)).numpy()  # rounding may make it more than 1


class FactorisedDensity(_Density):
    """Deep factorised density: a monotonic network gives the cumulative (Balle et al., ICLR 2018, appendix 6.1)."""

    WIDTHS = (1, 3, 3, 3, 1)

    def __init__(self, channels):
        super().__init__()
        self.channels = channels
        spread = START_SCALE ** (1 / (len(self.WIDTHS) - 1))
        self.weights, self.biases, self.factors = nn.ParameterList(), nn.ParameterList(), nn.ParameterList()
        for inputs, outputs in zip(self.WIDTHS[:-1], self.WIDTHS[1:]):
            start = math.log(math.expm1(1 / spread / outputs))
            self.weights.append(nn.Parameter(torch.full((channels, outputs, inputs), start)))
            self.biases.append(nn.Parameter(torch.rand(channels, outputs, 1) - 0.5))
            self.factors.append(nn.Parameter(torch.zeros(channels, outputs, 1)))

    def cumulative(self, z):
        x = z[:, None]
        for weight, bias, factor in zip(self.weights, self.biases, self.factors):
            x = F.softplus(weight) @ x + bias
            if weight is not self.weights[-1]:
                x = x + torch.tanh(factor) * torch.tanh(x)
        return torch.sigmoid(x[:, 0])


class FourierDensity(_Density):
    """Fourier basis density: a Fourier series that an autocorrelation of coefficients keeps from being negative, on the line by
    a hyperbolic tangent (De la Fuente et al., arXiv 2402.15345)."""

    TERMS = 10

    def __init__(self, channels):
        super().__init__()
        self.channels = channels
        self.coefficients = nn.Parameter(0.05 * torch.randn(channels, self.TERMS + 1, 2))
        with torch.no_grad():
            self.coefficients[:, 0, 0] = 1.0
        self.shift = nn.Parameter(torch.zeros(channels, 1))
        self.log_scale = nn.Parameter(torch.full((channels, 1), math.log(2 * START_SCALE)))

    def cumulative(self, z):
        a = torch.view_as_complex(self.coefficients)
        # Terms n of the series: sums over k of a[k + n] conj(a[k]).
        padded = F.pad(a, (0, self.TERMS))
        c = torch.stack([(padded[:, n : n + self.TERMS + 1] * a.conj()).sum(1) for n in range(self.TERMS + 1)], 1)
        c = c[:, 1:] / c[:, :1].real
        x = torch.tanh((z - self.shift) * torch.exp(-self.log_scale))
        n = torch.arange(1, self.TERMS + 1)
        angle = math.pi * n[:, None] * x[:, None]
        at_start = torch.polar(torch.ones(self.TERMS), -math.pi * n)
        series = (torch.polar(torch.ones_like(angle), angle) - at_start[:, None]) / (1j * math.pi * n)[:, None]
        return (x + 1) / 2 + (c[..., None] * series).sum(1).real


DENSITIES = {"factorised": FactorisedDensity, "fourier": FourierDensity}
