"""The real codec in a training: bytes of a link, and a gradient by which they become fewer."""

import numpy as np
import pytest
import torch

from rdcodec import RdcodecError
from rdcodec.codecs import IntegerCodec
from rdcodec.training.tuning.rate import RateSlopes, RealCoding

QUALITIES = torch.tensor([-8, 4])


@pytest.fixture
def states(cache):
    return cache.read(cache.held_out[:2]).states


def code_length(codec, h, quality):
    """Bits of tokens by the tables, to fractions."""
    coded = codec.coded_symbols(h, quality)
    symbols = np.concatenate([*coded.side, coded.levels.ravel()]).astype(np.int32)
    return codec.tables.ideal_bits(symbols, np.concatenate([*coded.side_tables, coded.level_tables.ravel()]))


def test_what_arrives_and_its_bytes_are_those_of_a_link(codec, states):
    arrived, bits = RealCoding(codec)(states, QUALITIES)
    for h, got, rate, quality in zip(states, arrived, bits.tolist(), QUALITIES.tolist()):
        frame = codec.encoder(quality).encode(h)
        np.testing.assert_array_equal(got, codec.decoder().decode(frame))
        assert rate == pytest.approx(8 * len(frame) / len(h))


def test_gradients_go_straight_through(codec, states):
    h = states.clone().requires_grad_()
    arrived, bits = RealCoding(codec)(h, QUALITIES)
    upstream = torch.randn(arrived.shape)
    arrived.backward(upstream)
    assert torch.equal(h.grad, upstream) and not bits.requires_grad


def test_the_gradient_of_the_rate_leads_to_fewer_bits(codec, states):
    h = states.clone().requires_grad_()
    _, bits = RealCoding(codec, RateSlopes(codec))(h, QUALITIES)
    bits.sum().backward()
    for window, gradient, quality in zip(states, h.grad, QUALITIES.tolist()):
        before = code_length(codec, window.numpy(), quality)
        step = 0.05 * window.norm() / gradient.norm() * gradient
        there, back = (code_length(codec, (window + sign * step).numpy(), quality) for sign in (-1, 1))
        assert there < before < back


def test_the_gradient_is_about_that_of_the_code_length(codec, states):
    """Along itself, over a distance of some levels: closer, the code length is a staircase, and a window on its own is still one of its steps."""
    expected = found = 0.0
    for window in states:
        for quality in (0, 4, 8):
            gradient = RateSlopes(codec)(window, torch.from_numpy(codec.decode(codec.encode(window, quality))), quality)
            step = 0.02 * window.norm() / gradient.norm() * gradient
            there, back = (code_length(codec, (window + sign * step).numpy(), quality) for sign in (-1, 1))
            expected += 2 * float((gradient * step).sum()) * len(window)
            found += back - there
    assert 0.5 * expected < found < 2 * expected


def test_codecs_without_a_transform_have_none():
    with pytest.raises(RdcodecError, match="lambda_rate: expected 0 for IntegerCodec: only the rate of codecs with a transform"):
        RateSlopes(IntegerCodec(32))
