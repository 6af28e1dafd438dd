"""The protocol against a plain computation with hooks, whole streams and the definitions."""

import copy
import math

import numpy as np
import pytest
import torch

from rdcodec import compress_at
from rdcodec.codecs import IntegerCodec, RawCodec
from rdcodec.errors import RdcodecError
from rdcodec.evaluation import Setting, evaluate
from rdcodec.evaluation.bootstrap import mean_error

CHANNELS = 32


@pytest.fixture
def int4():
    return IntegerCodec(CHANNELS, 4)


def log_probabilities(model, ids):
    with torch.no_grad():
        return model(ids[None]).logits[0].double().log_softmax(1)


def test_row_is_what_a_hooked_model_gives(model, windows, int4):
    """KL, NLL and bytes of whole forward passes through compress_at, window by window."""
    kl, nll, base, correct, size = [], [], [], [], 0
    for ids in windows:
        p = log_probabilities(model, ids)
        with compress_at(model, int4, layer=2) as meter:
            q = log_probabilities(model, ids)
        kl.append(float((p.exp() * (p - q)).sum(1).mean()))
        nll.append(float(-q[:-1].gather(1, ids[1:, None]).mean()))
        correct.append(float((q[:-1].argmax(1) == ids[1:]).double().mean()))
        base.append(float(-p[:-1].gather(1, ids[1:, None]).mean()))
        size += meter.bytes
    (row,) = evaluate(model, windows, [Setting("int4", int4, layer=2)])
    assert row.tokens == windows.numel()
    assert row.bits_per_token == 8 * size / windows.numel()
    assert row.bits_per_element == row.bits_per_token / CHANNELS
    assert row.ratio == pytest.approx(16 / row.bits_per_element)
    assert row.kl == pytest.approx(np.mean(kl), rel=1e-4)
    assert row.kl_stderr == pytest.approx(mean_error(kl).error, rel=1e-3)
    assert row.bits_per_token_stderr == 0 and row.bits_design_effect == 1 and row.kl_design_effect >= 1
    assert row.delta_nll == pytest.approx(np.mean(nll) - np.mean(base), rel=1e-3, abs=1e-6)
    assert row.perplexity == pytest.approx(math.exp(np.mean(nll)), rel=1e-5)
    assert row.base_perplexity == pytest.approx(math.exp(np.mean(base)), rel=1e-5)
    assert row.accuracy == pytest.approx(np.mean(correct))
    assert row.encode_seconds > 0 and row.decode_seconds > 0 and row.forward_seconds > 0


def test_settings_do_not_touch_each_other(model, windows, int4):
    """Several layers and codecs together give what each gives alone, in the order given."""
    settings = [Setting("a", int4, layer=3), Setting("b", IntegerCodec(CHANNELS, 6), layer=0), Setting("c", int4, layer=2)]
    together = evaluate(model, windows, settings)
    for setting, row in zip(settings, together, strict=True):
        (alone,) = evaluate(model, windows, [setting])
        assert (row.method, row.layer, row.bits_per_token) == (alone.method, alone.layer, alone.bits_per_token)
        assert row.kl == pytest.approx(alone.kl, rel=1e-5)
        assert row.base_perplexity == pytest.approx(alone.base_perplexity, rel=1e-6)


def test_a_setting_with_a_model_of_its_own_is_held_against_the_other(model, windows, int4):
    """Blocks before and behind the split are its own; what is uncompressed is not."""
    own = copy.deepcopy(model)
    with torch.no_grad():
        own.gpt_neox.layers[0].mlp.dense_4h_to_h.weight.mul_(1.1)
        own.gpt_neox.layers[3].mlp.dense_4h_to_h.weight.mul_(1.1)
    frozen, tuned = evaluate(model, windows, [Setting("a", int4, layer=2), Setting("b", int4, layer=2, model=own)])
    kl = []
    for ids in windows:
        with compress_at(own, int4, layer=2):
            q = log_probabilities(own, ids)
        p = log_probabilities(model, ids)
        kl.append(float((p.exp() * (p - q)).sum(1).mean()))
    assert tuned.window_kl == pytest.approx(kl, rel=1e-3) and tuned.kl != frozen.kl
    assert tuned.base_perplexity == frozen.base_perplexity


def test_a_model_with_other_outputs_is_refused(model, windows, int4):
    config = copy.deepcopy(model.config)
    config.vocab_size += 1
    other = type(model)(config).eval()
    with pytest.raises(RdcodecError, match=r"model of other: expected outputs \(24, 101\)"):
        evaluate(model, windows, [Setting("other", int4, layer=2, model=other)])


def test_codecs_of_the_same_values_have_the_same_loss(model, windows):
    plain, packed = (Setting("", RawCodec(CHANNELS, "bfloat16", compression), layer=1) for compression in (None, "zlib"))
    rows = evaluate(model, windows, [plain, packed])
    assert rows[0].kl == rows[1].kl > 0
    assert rows[0].bits_per_token != rows[1].bits_per_token


def test_frames_of_one_token_cost_their_headers(model, windows, int4):
    setting = Setting("int4", int4, layer=2)
    (block,), (single,) = evaluate(model, windows, [setting]), evaluate(model, windows, [setting], frame_tokens=1)
    assert single.kl == block.kl
    assert 0 < single.bits_per_token - block.bits_per_token <= 64


def test_progress_ends_at_one(model, windows, int4):
    seen = []
    evaluate(model, windows, [Setting("", int4, layer=1), Setting("", int4, layer=2)], progress=lambda stage, part: seen.append(part))
    assert seen == sorted(seen) and len(seen) == 10 and seen[-1] == 1


def test_one_window_has_no_standard_error(model, windows, int4):
    (row,) = evaluate(model, windows[:1], [Setting("", int4, layer=1)])
    assert row.kl_stderr is None and row.delta_nll_stderr is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"settings": []}, "settings"),
        ({"settings": [Setting("", IntegerCodec(CHANNELS), layer=5)]}, "layer"),
        ({"settings": [Setting("x", IntegerCodec(CHANNELS + 1), layer=1)]}, "33"),
        ({"settings": [Setting("", IntegerCodec(CHANNELS), layer=1, quality=1)]}, "quality"),
        ({"frame_tokens": 0}, "frame_tokens"),
        ({"frame_tokens": 4097}, "frame_tokens"),
        ({"inputs": torch.zeros(1, 41, dtype=torch.int64)}, "inputs: expected windows of 2 to 40 tokens"),
        ({"inputs": torch.zeros(1, 1, dtype=torch.int64)}, "inputs: expected windows of 2 to 40 tokens"),
        ({"labels": torch.zeros(3, dtype=torch.int64)}, r"labels: expected \[5\], one an input, got shape \(3,\)"),
    ],
)
def test_refused_before_the_work(model, windows, int4, change, message):
    with pytest.raises(RdcodecError, match=message):
        evaluate(model, **{"inputs": windows, "settings": [Setting("", int4, layer=1)], **change})
