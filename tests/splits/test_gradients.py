"""Gradients at a split: none, or those of what arrives, given to what was sent."""

import pytest
import torch

from rdcodec import RdcodecError
from rdcodec.codecs import IntegerCodec
from rdcodec.splits import compress_at, head_states, run_tail

LAYER = 2
STRAIGHT = "straight-through"


def gradients_of(model, inputs, **kwargs):
    """By name, of a loss of the logits."""
    model.zero_grad()
    model(inputs, **kwargs).logits.square().mean().backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def blocks_before(model):
    return [p for block in model.model.layers[:LAYER] for p in block.parameters()]


def test_with_a_lossless_codec_they_are_those_of_the_model(tiny, model, trail):
    inputs = tiny.inputs(model)
    plain = gradients_of(model, inputs)
    with compress_at(model, trail, layer=LAYER, gradients=STRAIGHT):
        coded = gradients_of(model, inputs)
    assert plain.keys() == coded.keys()
    assert all(torch.equal(coded[name], gradient) for name, gradient in plain.items())


def test_values_are_those_of_the_bytes(tiny, model):
    inputs, codec = tiny.inputs(model), IntegerCodec(tiny.channels, bits=3)
    with compress_at(model, codec, layer=LAYER) as meter:
        plain = model(inputs).logits
    with compress_at(model, codec, layer=LAYER, gradients=STRAIGHT) as other:
        assert torch.equal(model(inputs).logits, plain)
    assert other.bytes == meter.bytes


def test_what_is_sent_has_the_gradient_of_what_arrives(tiny):
    model, codec = tiny.build("llama"), IntegerCodec(tiny.channels, bits=3)
    ids = tiny.inputs(model)
    h = head_states(model, LAYER, ids)
    arrived = torch.from_numpy(codec.decode(codec.encode(h))).requires_grad_()
    run_tail(model, LAYER, arrived).square().mean().backward()
    sent = []
    with compress_at(model, codec, layer=LAYER, gradients=STRAIGHT):
        block = model.model.layers[LAYER - 1]
        handle = block.register_forward_hook(lambda *call: sent.append(call[-1]) or call[-1].retain_grad())
        gradients_of(model, ids)
        handle.remove()
    torch.testing.assert_close(sent[0].grad, arrived.grad)


def test_none_pass_unless_asked(tiny, trail):
    model = tiny.build("llama")
    with compress_at(model, trail, layer=LAYER):
        gradients_of(model, tiny.inputs(model))
    assert all(p.grad is None for p in blocks_before(model))


def test_padding_passes_its_own(tiny, trail):
    model = tiny.build("llama")
    ids = tiny.inputs(model)
    mask = torch.ones_like(ids)
    mask[0, :4] = 0
    plain = gradients_of(model, ids, attention_mask=mask)
    with compress_at(model, trail, layer=LAYER, gradients=STRAIGHT):
        coded = gradients_of(model, ids, attention_mask=mask)
    assert all(torch.equal(coded[name], gradient) for name, gradient in plain.items())


@pytest.mark.parametrize("gradients", ["soft", True, 1])
def test_others_are_refused(tiny, trail, gradients):
    model = tiny.build("llama")
    before = tiny.trace(model)
    with pytest.raises(RdcodecError, match=f"gradients: expected None or 'straight-through', got {gradients!r}"):
        with compress_at(model, trail, layer=LAYER, gradients=gradients):
            pass
    assert tiny.trace(model) == before
