"""Losses against their definitions in float64."""

import pytest
import torch

from rdcodec.evaluation import output_losses

TOKENS, VOCABULARY = 150, 31  # no multiple of the positions taken at a time


@pytest.fixture
def logits():
    return 3 * torch.randn(TOKENS, VOCABULARY, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def ids():
    return torch.randint(VOCABULARY, (TOKENS,), generator=torch.Generator().manual_seed(1))


def divergence(p, q):
    p, q = p.double().log_softmax(1), q.double().log_softmax(1)
    return (p.exp() * (p - q)).sum(1)


@pytest.mark.parametrize("size", [1e-4, 1e-2, 1.0, 300.0])
def test_kl_is_the_definition(logits, ids, size):
    changed = logits + size * torch.randn(TOKENS, VOCABULARY, generator=torch.Generator().manual_seed(2))
    kl, *_ = output_losses(logits, changed, ids)
    assert kl.shape == (TOKENS,) and kl.dtype == torch.float64
    torch.testing.assert_close(kl, divergence(logits, changed), rtol=3e-3, atol=0)  # float32 differences of logits


def test_kl_ignores_what_softmax_ignores(logits, ids):
    kl, *_ = output_losses(logits, logits + 5, ids)
    assert 0 <= float(kl.min()) and float(kl.max()) < 1e-10


def test_kl_of_nothing_changed(logits, ids):
    assert float(output_losses(logits, logits, ids)[0].abs().max()) == 0


def test_nll_predicts_the_next_token(logits, ids):
    nll = output_losses(logits, logits, ids[1:]).nll
    expected = torch.nn.functional.cross_entropy(logits[:-1].double(), ids[1:], reduction="none")
    torch.testing.assert_close(nll, expected, rtol=1e-5, atol=1e-6)


def test_half_precision_logits(logits, ids):
    half = logits.to(torch.bfloat16)
    kl, nll, *_ = output_losses(half, half, ids[1:])
    assert float(kl.max()) == 0
    expected = torch.nn.functional.cross_entropy(half[:-1].double(), ids[1:], reduction="none")
    torch.testing.assert_close(nll, expected, rtol=1e-5, atol=1e-6)


def test_correct_is_where_the_label_is_most_likely(logits, ids):
    likely = logits.argmax(dim=1)
    labels = torch.where(torch.arange(TOKENS) % 3 == 0, likely, (likely + 1) % VOCABULARY)
    correct = output_losses(logits.flip(0), logits, labels).correct
    assert correct.tolist() == [float(token % 3 == 0) for token in range(TOKENS)]
