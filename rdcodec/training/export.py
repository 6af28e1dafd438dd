"""From float networks to integer networks, by calibrated rounding: a power of two for each row of weights."""

import copy
import math

import numpy as np
import torch

from rdcodec.codecs.transform_coding import FEATURE_UNIT
from rdcodec.net import IntegerNet, Layer
from rdcodec.training.networks import LATENT_UNIT, LATENTS, LIMIT, SCALE_UNIT, CausalConvolution

__all__ = ["emphasis_tensors", "float_net", "integer_matrix", "integer_net", "network_tensors", "transform_tensors"]

MOST_WEIGHT = 127
MOST_SHIFT = 20
EMPHASIS_RANK = 64
MOST_BIAS = 2**30
INPUT_LIMIT = int(LIMIT * FEATURE_UNIT)


def network_tensors(networks, component_scale):
    """Tensors of the networks of a learned codec.

    Parameters
    ----------
    networks : EntropyNetworks
    component_scale : torch.Tensor
        float32 [components], the grid's scales, which need not be integers: the predictor adds what is missing.
    """
    base = component_scale.detach().round()
    predictor = copy.deepcopy(networks.predictor)
    with torch.no_grad():
        predictor[-1].bias[len(base) :] += (component_scale - base) / SCALE_UNIT
    units = np.repeat([1 / FEATURE_UNIT, 1 / SCALE_UNIT], len(base))
    tensors = {"component_scale": base.cpu().numpy().astype(np.int32)}
    tensors.update(integer_net(predictor.cpu(), units).to_tensors("predictor"))
    if networks.latents is not None:
        units = np.full(LATENTS, 1 / LATENT_UNIT)
        tensors.update(integer_net(copy.deepcopy(networks.latents).cpu(), units).to_tensors("latents"))
    return tensors


def emphasis_tensors(emphasis):
    """Number of the config and tensors of the emphasis [channels, channels], two factors of a low rank.

    What is left out is noise of the training more than anything else: at layer 10 of SmolLM2-135M the loss is lower without it.
    """
    u, values, v = np.linalg.svd(emphasis.detach().double().cpu().numpy())
    rank = min(EMPHASIS_RANK, len(values))
    half = np.sqrt(values[:rank])
    factors, bits = {}, 0
    for name, factor in (("emphasis_in", u[:, :rank] * half), ("emphasis_out", half[:, None] * v[:rank])):
        shift = min(MOST_SHIFT, 7 - math.frexp(float(np.abs(factor).max()))[1])
        factors[name] = np.clip(np.rint(np.ldexp(factor, shift)), -MOST_WEIGHT, MOST_WEIGHT).astype(np.int8)
        bits += shift
    return {"emphasis_bits": bits}, factors


def transform_tensors(analysis, synthesis):
    """Numbers of the config and tensors of transforms, float64 [channels, channels]."""
    (analysis, analysis_bits), (synthesis, synthesis_bits) = integer_matrix(analysis), integer_matrix(synthesis)
    bits = {"analysis_bits": analysis_bits, "synthesis_bits": synthesis_bits}
    return bits, {"analysis": analysis, "synthesis": synthesis}


def integer_net(layers, units, input_limit=INPUT_LIMIT):
    """The integer network of a chain of `CausalConvolution`, with a clipped ReLU between them.

    Parameters
    ----------
    layers : sequence of CausalConvolution
    units : ndarray
        float64 [outputs of the last layer], what an integer of it stands for; powers of two, 1/64 or more.
    input_limit : int
        In 64ths.

    Returns
    -------
    IntegerNet
        Of inputs and activations in 64ths.
    """
    inner = [_rounded(layer, np.full(len(layer.bias), 1 / FEATURE_UNIT), (0, INPUT_LIMIT)) for layer in layers[:-1]]
    last = _rounded(layers[-1], units, (-(2**15 - 1), 2**15 - 1))
    return IntegerNet([*inner, last], input_limit)


def _rounded(layer, units, clip):
    """A layer whose outputs are integers of these units."""
    weight = layer.weight.detach().double().numpy().transpose(0, 2, 1)[:, ::-1]  # the token's own tap first
    bias = layer.bias.detach().double().numpy()
    further = np.rint(np.log2(units * FEATURE_UNIT)).astype(np.int64)
    largest = np.maximum(np.abs(weight).max(axis=(1, 2)), 2.0**-MOST_SHIFT)
    bits = np.floor(np.log2(MOST_WEIGHT / largest)).astype(np.int64)
    bits = np.minimum(bits, np.floor(np.log2(MOST_BIAS / (FEATURE_UNIT * np.maximum(np.abs(bias), 1e-9)))).astype(np.int64))
    bits = np.clip(bits, np.maximum(0, -further), MOST_SHIFT)
    scale = 2.0**bits
    return Layer(
        np.clip(np.rint(weight * scale[:, None, None]), -MOST_WEIGHT, MOST_WEIGHT).astype(np.int8),
        np.rint(bias * FEATURE_UNIT * scale).astype(np.int32),
        (bits + further).astype(np.uint8),
        np.array(clip, np.int16),
        layer.dilation,
    )


def float_net(net, units):
    """The chain of `CausalConvolution` in float64 that an integer network is rounded from: `integer_net` of it is that network again.

    Parameters
    ----------
    net : IntegerNet
        Of inputs and activations in 64ths.
    units : ndarray
        As `integer_net` takes them.
    """
    inner = [np.full(len(layer.bias), 1 / FEATURE_UNIT) for layer in net.layers[:-1]]
    return torch.nn.ModuleList([_in_floats(layer, of) for layer, of in zip(net.layers, [*inner, units])])


def _in_floats(layer, units):
    """A layer whose outputs are multiples of these units."""
    bits = layer.shift - np.rint(np.log2(units * FEATURE_UNIT)).astype(np.int64)
    outputs, taps, inputs = layer.weight.shape
    found = CausalConvolution(inputs, outputs, taps, layer.dilation).double().requires_grad_(False)
    weight = np.ldexp(layer.weight.astype(np.float64), -bits[:, None, None])[:, ::-1].transpose(0, 2, 1)  # the token's own tap last
    found.weight.copy_(torch.from_numpy(weight.copy()))
    found.bias.copy_(torch.from_numpy(np.ldexp(layer.bias.astype(np.float64), -bits) / FEATURE_UNIT))
    return found


def integer_matrix(matrix):
    """int16 of a float matrix, and how often they are to be halved."""
    bits = 15 - math.frexp(float(np.abs(matrix).max()))[1]
    return np.clip(np.rint(np.ldexp(matrix, bits)), -(2**15 - 1), 2**15 - 1).astype(np.int16), bits
