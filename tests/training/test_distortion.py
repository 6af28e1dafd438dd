"""The distortion beside the plain computation of it, values and gradients."""

import numpy as np
import pytest
import torch

from rdcodec import RdcodecError
from rdcodec.splits import run_tail
from rdcodec.training import Batch, StateCache, TailDistortion, distortion

LAYER = 1


@pytest.fixture
def batch(any_model, tokenizer, text, tmp_path):
    return StateCache.open(tmp_path, any_model, tokenizer, [text], LAYER).read(np.arange(3))


@pytest.fixture(params=[None, 7 * 256], ids=["one chunk", "chunks of 7"])
def chunks(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(distortion, "LARGEST_LOGITS", request.param)


def noisy(batch, scale=0.1):
    noise = torch.randn(batch.states.shape, generator=torch.Generator().manual_seed(1))
    return (batch.states + scale * noise).requires_grad_(True)


def plain_kl(model, h, batch):
    p = torch.log_softmax(run_tail(model, LAYER, batch.states), -1)
    return (p.exp() * (p - torch.log_softmax(run_tail(model, LAYER, h), -1))).sum(-1).mean()


def plain_cross_entropy(model, h, batch):
    logits = run_tail(model, LAYER, h)[:, :-1]
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch.ids[:, 1:].flatten())


@pytest.mark.parametrize(("kind", "plain"), [("kl", plain_kl), ("cross-entropy", plain_cross_entropy)])
def test_value_and_gradient(any_model, batch, chunks, kind, plain):
    h = noisy(batch)
    expected = plain(any_model, h, batch)
    (expected_gradient,) = torch.autograd.grad(expected, h)
    values = TailDistortion(any_model, LAYER, kind)(h, batch)
    (2 * values.mean()).backward()
    assert values.shape == (len(h),)
    torch.testing.assert_close(values.mean(), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(h.grad, 2 * expected_gradient, rtol=1e-3, atol=1e-7)


def test_states_as_they_are_cost_nothing(any_model, batch):
    values = TailDistortion(any_model, LAYER)(batch.states, batch)
    assert values.abs().max() < 1e-6 and not values.requires_grad


def test_windows_are_apart(any_model, batch):
    h = noisy(batch).detach()
    changed = torch.cat([h[:1], batch.states[1:]])
    values, of_changed = (TailDistortion(any_model, LAYER)(x, batch) for x in (h, changed))
    torch.testing.assert_close(of_changed[:1], values[:1])
    assert of_changed[1:].abs().max() < 1e-6


def test_autocast_is_nearly_the_same(any_model, batch):
    h, cast = noisy(batch), noisy(batch)
    value = TailDistortion(any_model, LAYER)(h, batch).mean()
    value_cast = TailDistortion(any_model, LAYER, autocast=True)(cast, batch).mean()
    assert value_cast.dtype == torch.float32
    assert abs(float(value_cast.detach() / value.detach()) - 1) < 0.1
    value.backward(), value_cast.backward()
    assert torch.cosine_similarity(h.grad.flatten(), cast.grad.flatten(), dim=0) > 0.95


def test_the_model_is_as_it_was(any_model, batch):
    any_model.train()
    try:
        h = noisy(batch)
        TailDistortion(any_model, LAYER)(h, batch).sum().backward()
        assert any_model.training and h.grad is not None
        assert all(p.requires_grad and p.grad is None for p in any_model.parameters())
    finally:
        any_model.eval()


def test_wrong_kind_layer_and_shape(any_model, batch):
    with pytest.raises(RdcodecError, match="kind: expected 'kl' or 'cross-entropy', got 'l2'"):
        TailDistortion(any_model, LAYER, "l2")
    with pytest.raises(RdcodecError, match="layer: expected 0 to 3, got 4"):
        TailDistortion(any_model, 4)
    with pytest.raises(RdcodecError, match="h: expected"):
        TailDistortion(any_model, LAYER)(batch.states[..., 1:], Batch(*batch))
