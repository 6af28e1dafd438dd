"""The smallest codec that can be trained."""

import torch

from rdcodec.training import Reconstruction


class NoisyQuantiser(torch.nn.Module):
    """A learned step for each channel, uniform noise in place of rounding, a Gaussian of learned scale for the rate."""

    def __init__(self, channels, noise=1.0):
        super().__init__()
        self.log_step = torch.nn.Parameter(torch.full((channels,), -3.0))
        self.log_scale = torch.nn.Parameter(torch.zeros(channels))
        self.register_buffer("noise", torch.tensor(float(noise)))

    def parameter_groups(self, settings):
        return [{"params": [self.log_step]}, {"params": [self.log_scale], "lr": 2 * settings.learning_rate}]

    def forward(self, h, quality):
        step = torch.exp2(self.log_step - quality[:, None, None] / 8)
        if self.training:
            symbols = h / step + self.noise * (torch.rand_like(h) - 0.5)
        else:
            symbols = torch.round(h / step)
        normal = torch.distributions.Normal(0.0, torch.exp2(self.log_scale) / step)
        probability = normal.cdf(symbols + 0.5) - normal.cdf(symbols - 0.5)
        return Reconstruction(symbols * step, -torch.log2(probability.clamp(min=1e-9)).sum(dim=2))
