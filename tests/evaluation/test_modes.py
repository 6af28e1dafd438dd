"""Models in train mode: measured in evaluation mode, and as they were afterwards."""

import pytest
import torch
import transformers

from rdcodec import RdcodecError
from rdcodec.codecs import IntegerCodec
from rdcodec.evaluation import Setting, baseline_settings, evaluate
from rdcodec.modes import frozen
from rdcodec.theory import token_entropy_bound

CHANNELS = 32


@pytest.fixture
def dropping():
    """A model with dropout, all of it in train mode but the first block."""
    torch.manual_seed(2)
    config = transformers.GPT2Config(
        vocab_size=101, n_embd=CHANNELS, n_layer=2, n_head=4, n_positions=40, bos_token_id=None, eos_token_id=None
    )
    model = transformers.GPT2LMHeadModel(config).train()
    model.transformer.h[0].eval()
    return model


def modes(model):
    return [module.training for module in model.modules()]


def test_figures_are_those_of_evaluation_mode(dropping, windows):
    before, setting = modes(dropping), Setting("int4", IntegerCodec(CHANNELS, 4), layer=1)
    (row,) = evaluate(dropping, windows, [setting])
    entropy = token_entropy_bound(dropping, windows)
    steps = [s.codec.codec_id for s in baseline_settings(dropping, 1, windows)]
    assert modes(dropping) == before and any(before) and not all(before)
    dropping.eval()
    (expected,) = evaluate(dropping, windows, [setting])
    assert (row.kl, row.base_perplexity) == (expected.kl, expected.base_perplexity)
    assert entropy == token_entropy_bound(dropping, windows)
    assert steps == [s.codec.codec_id for s in baseline_settings(dropping, 1, windows)]


def test_modes_come_back_after_an_error(dropping):
    before = modes(dropping)
    with pytest.raises(KeyError), frozen(dropping):
        assert not any(modes(dropping)) and not any(p.requires_grad for p in dropping.parameters())
        raise KeyError
    assert modes(dropping) == before and all(p.requires_grad for p in dropping.parameters())


def test_no_windows_are_refused(dropping, windows):
    with pytest.raises(RdcodecError, match="inputs: expected at least 1 window to measure on, got none"):
        evaluate(dropping, windows[:0], [Setting("int4", IntegerCodec(CHANNELS, 4), layer=1)])
    with pytest.raises(RdcodecError, match="inputs: expected at least 2 windows"):
        token_entropy_bound(dropping, windows[:1])
