"""The networks of learned codecs, in floats: what integer networks compute after export."""

import torch
from torch import nn
from torch.nn import functional as F

from rdcodec.training.densities import DENSITIES

__all__ = ["CausalConvolution", "EntropyNetworks", "LATENT_UNIT", "LIMIT", "clipped_relu"]

LIMIT = 31.0  # of what enters and leaves a layer: sums of 16-bit integers in 64ths have room
HIDDEN = 192
CONTEXT_LAYERS = ((2, 1), (4, 2), (4, 8))  # taps and dilation
PLAIN_LAYERS = ((1, 1), (1, 1))
LATENTS = 24
LATENT_HIDDEN = 96
LATENT_UNIT = 4.0  # steps of a hyper-latent that make 1 in a network
SCALE_UNIT = 8.0  # grid steps


class CausalConvolution(nn.Module):
    """[windows, tokens, inputs] to [windows, tokens, outputs]; what lies before the first token is zero.

    Attributes
    ----------
    weight : torch.nn.Parameter
        [outputs, inputs, taps], the last tap of the token itself.
    """

    def __init__(self, inputs, outputs, taps=1, dilation=1):
        super().__init__()
        convolution = nn.Conv1d(inputs, outputs, taps)
        self.weight, self.bias, self.dilation = convolution.weight, convolution.bias, dilation

    def forward(self, x):
        taps = self.weight.shape[2]
        if taps == 1:
            return F.linear(x, self.weight[..., 0], self.bias)
        x = F.pad(x.transpose(1, 2), ((taps - 1) * self.dilation, 0))
        return F.conv1d(x, self.weight, self.bias, dilation=self.dilation).transpose(1, 2)


def clipped_relu(x):
    return x.clamp(0, LIMIT)


class EntropyNetworks(nn.Module):
    """Mean and scale of every component from a token's codeword and step and, where there are, hyper-latents and earlier tokens.

    Parameters
    ----------
    channels, codeword_channels : int
    latent_density : str or None
    uses_context : bool
    """

    def __init__(self, channels, codeword_channels, latent_density, uses_context):
        super().__init__()
        self.uses_context = uses_context
        self.density = DENSITIES[latent_density](LATENTS) if latent_density else None
        width = (channels if uses_context else 0) + codeword_channels + 1 + (LATENTS if self.density else 0)
        layers = []
        for taps, dilation in CONTEXT_LAYERS if uses_context else PLAIN_LAYERS:
            layers.append(CausalConvolution(width, HIDDEN, taps, dilation))
            width = HIDDEN
        layers.append(CausalConvolution(HIDDEN, 2 * channels))
        nn.init.zeros_(layers[-1].bias)
        nn.init.normal_(layers[-1].weight, std=1e-3)
        self.predictor = nn.ModuleList(layers)
        self.latents = None
        if self.density:
            self.latents = nn.ModuleList([CausalConvolution(channels, LATENT_HIDDEN), CausalConvolution(LATENT_HIDDEN, LATENTS)])

    def forward(self, before, codeword, exponent, residual):
        """Prediction of tokens.

        Parameters
        ----------
        before : torch.Tensor
            [windows, tokens, channels], each token's predecessor as it is decoded, in units, zeros before the first.
        codeword : torch.Tensor
            [windows, tokens, codeword_channels], in units.
        exponent : torch.Tensor
            [windows, tokens], binary logarithm of the spacing.
        residual : torch.Tensor
            [windows, tokens, channels], what the codeword leaves, in units.

        Returns
        -------
        mean, scale, bits : torch.Tensor
            In units and in grid steps, [windows, tokens, channels]; of hyper-latents, [windows, tokens].
        """
        parts, bits = [codeword, exponent[..., None]], 0.0
        if self.uses_context:
            parts.insert(0, before)
        if self.density is not None:
            z = chain(self.latents, residual) * LATENT_UNIT
            bits = self.density.bits(z + torch.rand_like(z) - 0.5 if self.training else z.round())
            parts.append((z + (z.round() - z).detach()) / LATENT_UNIT)
        mean, scale = chain(self.predictor, torch.cat(parts, -1)).chunk(2, -1)
        return mean, SCALE_UNIT * scale, bits


def chain(layers, x):
    x = x.clamp(-LIMIT, LIMIT)
    for layer in layers[:-1]:
        x = clipped_relu(layer(x))
    return layers[-1](x)
