"""Integer networks beside the float ones that they come from."""

import numpy as np
import torch

from rdcodec.net import IntegerNet
from rdcodec.training.export import EMPHASIS_RANK, emphasis_tensors, float_net, integer_matrix, integer_net, network_tensors
from rdcodec.training.networks import LIMIT, CausalConvolution, EntropyNetworks, chain

TOKENS = 50


def test_outputs_are_near():
    torch.manual_seed(2)
    layers = [CausalConvolution(20, 30, 3, 2), CausalConvolution(30, 30), CausalConvolution(30, 6)]
    x = torch.randn(TOKENS, 20).mul(3).clamp(-LIMIT, LIMIT).mul(64).round() / 64
    expected = chain(layers, x[None])[0].detach().numpy()
    units = np.repeat([1 / 64, 1 / 8], 3)
    net = integer_net(layers, units)
    got = net.run(net.new_state(), (64 * x).numpy().astype(np.int16)) * units
    error = np.abs(got - expected)
    assert (error <= units / 2 + 0.03).all() and error[:, :3].mean() < 0.02


def test_large_and_tiny_weights():
    layer = CausalConvolution(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[[100.0]] * 4, [[1e-7]] * 4, [[0.0]] * 4]))
        layer.bias.copy_(torch.tensor([0.0, 1.0, -400.0]))
    net = integer_net([layer], np.full(3, 1 / 64))
    got = net.run(net.new_state(), np.array([[64, -64, 0, 1]], np.int16))
    assert got.tolist() == [[100, 64, -25600]]


def test_a_scale_that_is_no_integer_goes_on_in_the_predictor():
    torch.manual_seed(3)
    networks = EntropyNetworks(8, 4, "factorised", True)
    scale = torch.arange(8) + torch.linspace(-0.4, 0.4, 8)
    tensors = network_tensors(networks, scale)
    assert tensors["component_scale"].tolist() == list(range(8))
    plain = network_tensors(networks, scale.round())
    added = tensors["predictor.3.bias"].astype(float) - plain["predictor.3.bias"]
    shift = tensors["predictor.3.shift"]
    # The bias counts in the units of sums: a grid step is 2 ** shift of them.
    np.testing.assert_allclose(added[8:] / 2.0 ** shift[8:], np.linspace(-0.4, 0.4, 8), atol=0.02)
    assert not added[:8].any()
    for name in ("predictor", "latents"):
        IntegerNet.from_tensors(name, tensors)


def test_matrices_and_the_emphasis():
    random = np.random.default_rng(4)
    matrix = random.normal(0, 0.3, (9, 9))
    integers, bits = integer_matrix(matrix)
    assert integers.dtype == np.int16 and np.abs(np.ldexp(integers, -bits) - matrix).max() < 2.0**-13
    u, v = random.normal(0, 0.01, (80, 5)), random.normal(0, 1, (5, 80))
    numbers, factors = emphasis_tensors(torch.from_numpy(u @ v))
    assert factors["emphasis_in"].shape == (80, EMPHASIS_RANK)
    product = factors["emphasis_in"].astype(float) @ factors["emphasis_out"] * 2.0 ** -numbers["emphasis_bits"]
    assert np.abs(product - u @ v).max() < 0.05 * np.abs(u @ v).max()
    numbers, factors = emphasis_tensors(torch.zeros(7, 7))
    assert factors["emphasis_in"].shape == (7, 7) and not factors["emphasis_out"].any()


def test_networks_in_floats_and_back_are_the_same():
    torch.manual_seed(5)
    layers = [CausalConvolution(20, 30, 3, 2), CausalConvolution(30, 30), CausalConvolution(30, 6)]
    units = np.repeat([1 / 64, 1 / 8], 3)
    net = integer_net(layers, units)
    floats = float_net(net, units)
    again = integer_net(floats, units).to_tensors("net")
    for name, tensor in net.to_tensors("net").items():
        np.testing.assert_array_equal(again[name], tensor)
    x = torch.randn(TOKENS, 20).mul(64).round()
    with torch.no_grad():
        expected = chain(floats, x[None].double() / 64)[0].numpy()
    error = np.abs(net.run(net.new_state(), x.numpy().astype(np.int16)) * units - expected)
    assert (error <= units / 2 + 0.03).all()
