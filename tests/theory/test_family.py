"""The family of a learned codec's networks: constants against networks that differ."""

import numpy as np
import pytest
import torch
from learned_parts import learned_codec

from rdcodec.codecs import ContextCodec, DirectAccessCodec
from rdcodec.theory import family_bound, network_family
from rdcodec.theory.entropy_jacobian import networks_of
from rdcodec.training.networks import LIMIT, chain

CHANNELS = 40


@pytest.fixture(scope="module", params=[ContextCodec, DirectAccessCodec])
def codec(request):
    return learned_codec(request.param, CHANNELS, np.full(CHANNELS, 1.0))


def test_the_codec_is_of_the_family_and_no_ball_is_twice_too_large(codec):
    family, layers = network_family(codec), networks_of(codec)["predictor"]
    norms = [sum(np.linalg.norm(layer.weight.numpy()[..., k], 2) for k in range(layer.weight.shape[2])) for layer in layers]
    norms += [float(layer.bias.norm()) for layer in layers]
    assert (np.array(norms) <= family.radii * (1 + 1e-6)).all() and (np.array(norms) > family.radii / 2).all()
    assert family.parameters.sum() == sum(weight.numel() for layer in layers for weight in layer.parameters())
    assert family.price == pytest.approx(sum(abs(np.log(family.radii))) + len(norms) * np.log(3))


@pytest.mark.parametrize("block", range(4))
def test_outputs_change_by_no_more_than_the_constants(codec, block):
    """Of two networks of the family that differ in a block, on inputs at the limit: in the Euclidean norm of a token's outputs."""
    torch.manual_seed(block)
    family, layers, others = network_family(codec), networks_of(codec)["predictor"], networks_of(codec)["predictor"]
    count, worst = len(layers), 0.0
    per_output = family.lipschitz / family.lipschitz[-1]  # the last bias counts as it is
    for step in (1e-3, 1e-2):
        target = others[block % count].weight if block < count else others[block % count].bias
        change = step * torch.randn_like(target)
        size = float(sum(torch.linalg.matrix_norm(change[..., k], 2) for k in range(change.shape[2])) if block < count else change.norm())
        target.add_(change)
        x = LIMIT * torch.sign(torch.randn(6, layers[0].weight.shape[1], dtype=torch.float64))
        moved = (chain(others, x[None]) - chain(layers, x[None]))[0].norm(dim=1).max()
        target.sub_(change)
        assert float(moved) <= per_output[block] * size * (1 + 1e-9)
        worst = max(worst, float(moved) / (per_output[block] * size))
    assert worst > 1e-4, "not looser than it need be by orders of magnitude"


def test_the_bound_of_a_family_is_vacuous_at_few_windows(codec):
    few, many = (family_bound(codec, 0, 200.0, n, 0.01) for n in (64, 10**9))
    assert few.value == 200 and few.terms["vacuous"] and few.confidence == 0.99
    assert many.value < 10 and few.terms["needed"] > 10**4
