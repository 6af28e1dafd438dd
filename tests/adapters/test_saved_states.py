"""States that wait for the backward pass as bytes."""

import torch
from torch.utils.checkpoint import checkpoint

from rdcodec.adapters import BlockCodec, saved_states
from rdcodec.codecs import IntegerCodec

CHANNELS = 16
CODEC = IntegerCodec(CHANNELS, 4)


def block():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(CHANNELS, 32), torch.nn.GELU(), torch.nn.Linear(32, CHANNELS))


def gradients(run, module, h):
    h = h.clone().requires_grad_()
    run(h).sum().backward()
    return [h.grad, *(parameter.grad for parameter in module.parameters())]


def test_gradients_of_checkpoints_are_those_at_the_decoded_states():
    module, twin, h = block(), block(), torch.randn(2, 30, CHANNELS)
    arrived = BlockCodec(CODEC).decode(BlockCodec(CODEC).encode(h))
    with saved_states(CODEC) as statistics:
        found = gradients(lambda x: checkpoint(module, x, use_reentrant=False), module, h)
    assert statistics.coded_blocks == 1 and statistics.raw_blocks == 0 and statistics.ratio > 4
    given = arrived.clone().requires_grad_()
    twin(given).sum().backward()
    for own, expected in zip(found, [given.grad, *(parameter.grad for parameter in twin.parameters())]):
        torch.testing.assert_close(own, expected)


def test_other_tensors_are_kept_as_they_are():
    module = torch.nn.Linear(CHANNELS, CHANNELS)
    experts = torch.nn.Parameter(torch.randn(3, CHANNELS, CHANNELS))
    h = torch.randn(3, 5, CHANNELS)
    exact = [gradients(lambda x: module(x[0]) @ experts[0], module, h), experts.grad.clone()]
    module.zero_grad(), experts.grad.zero_()
    with saved_states(CODEC) as statistics:
        found = [gradients(lambda x: module(x[0]) @ experts[0], module, h), experts.grad]
    assert statistics.coded_blocks == statistics.raw_blocks == 0
    torch.testing.assert_close(found, exact, rtol=0, atol=0)
