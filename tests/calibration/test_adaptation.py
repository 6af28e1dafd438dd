"""Adaptation: a codec of one kind of text fitted on to another."""

import numpy as np
import pytest
import torch
from learned_parts import parts

from rdcodec import RdcodecError, adapt
from rdcodec.calibration.metric import clipped, fisher_metric
from rdcodec.calibration.output import head_inputs, kl_divergence
from rdcodec.calibration.prior import Prior
from rdcodec.calibration.refit import refitted
from rdcodec.codecs import IntegerCodec, TransformCodec
from rdcodec.codecs.grid import grid_power
from rdcodec.codecs.learned import ContextCodec
from rdcodec.splits import head_states

pytestmark = pytest.mark.slow

LAYER = 2
TARGET = 0.05


@pytest.fixture(scope="module")
def capitals(text):
    """Another kind of text, as a model of bytes sees it."""
    return text.upper()[::-1]


@pytest.fixture(scope="module")
def adapted(codec, model, tokenizer, capitals):
    return adapt(codec, model, tokenizer, [capitals[:20_000]], tokens=1000, target_kl=TARGET)


def eight_windows(model, tokenizer, text):
    """States [8, 120, channels]."""
    ids = torch.tensor(tokenizer(text[:960])["input_ids"])[:960].view(8, 120)
    return head_states(model, LAYER, ids)


def measured(codec, model, tokenizer, text, quality):
    """Bytes, and loss in nats a token, of eight windows."""
    h = eight_windows(model, tokenizer, text)
    data = [codec.encode(one, quality) for one in h]
    back = torch.from_numpy(np.stack([codec.decode(one) for one in data]))
    return sum(map(len, data)), kl_divergence(model, *(head_inputs(model, LAYER, states) for states in (h, back)))


def bytes_at(codec, model, tokenizer, text, loss):
    sizes, losses = np.transpose([measured(codec, model, tokenizer, text, quality) for quality in range(-30, 31, 6)])
    return np.interp(-np.log(loss), -np.log(losses), sizes)


def test_it_takes_fewer_bytes_for_text_of_the_new_kind(codec, adapted, model, tokenizer, capitals):
    assert isinstance(adapted, TransformCodec) and adapted.layer == LAYER and adapted.origin == codec.origin
    before, after = (bytes_at(one, model, tokenizer, capitals[40_000:], TARGET) for one in (codec, adapted))
    assert after < 0.97 * before


def test_the_codec_that_it_begins_with_stays_as_it_is(codec, model, tokenizer, capitals):
    quality, identity = codec.default_quality, codec.codec_id
    adapt(codec, model, tokenizer, [capitals[:6000]], tokens=300, target_kl=2.0)
    assert (codec.default_quality, codec.codec_id) == (quality, identity)


def test_a_prior_of_many_tokens_is_all_there_is(codec):
    """Metric and covariance come back out of the checkpoint as they went into it."""
    gradients = np.random.default_rng(0).standard_normal((500, codec.channels))
    config, tensors = codec.config, codec.tensors
    analysis = np.ldexp(tensors["analysis"].astype(float), -config["analysis_bits"])
    metric = fisher_metric(clipped(gradients), 0.7, 0.0, Prior(codec, 1e12))
    square, own = metric.forward @ metric.forward.T, analysis @ analysis.T
    np.testing.assert_allclose(square / np.trace(square), own / np.trace(own), atol=1e-6)
    covariance = Prior(codec, 1e12).with_covariance(np.eye(codec.channels), 500)
    variances = np.diag(analysis.T @ covariance @ analysis)
    expected = grid_power(2 * tensors["component_scale"].astype(np.int64))
    np.testing.assert_allclose(variances / variances.sum(), expected / expected.sum(), atol=1e-4)


def test_a_prior_of_no_tokens_says_nothing(codec):
    x = np.random.default_rng(1).standard_normal((codec.channels, codec.channels))
    np.testing.assert_allclose(Prior(codec, 0).with_covariance(x @ x.T, 500), x @ x.T)
    np.testing.assert_allclose(Prior(codec, 0).with_fisher(x @ x.T, 500, 0.7), x @ x.T)


def test_scales_and_tables_are_those_of_the_states(codec, model, tokenizer, text):
    """A component with noise of four deviations moves up the grid, though references take a part of it; others stay about where they are."""
    h = eight_windows(model, tokenizer, text).numpy()
    synthesis = np.ldexp(codec.tensors["synthesis"].astype(float), -codec.config["synthesis_bits"])
    noise = np.random.default_rng(2).standard_normal((*h.shape[:2], 1)) * 4 * grid_power(codec.tensors["component_scale"][0])
    other = h + (noise * synthesis[0]).astype(np.float32)
    usual, fitted = (refitted(codec, states) for states in (h, other))
    moved = fitted._tensors()["component_scale"] - usual._tensors()["component_scale"]
    assert moved[0] > 4 + np.abs(moved[1:]).mean()
    size = [sum(len(one.encode(states)) for states in other) for one in (codec, fitted)]
    assert size[1] < size[0]
    assert fitted.default_quality == codec.default_quality
    np.testing.assert_array_equal(fitted._tensors()["analysis"], codec.tensors["analysis"])


def test_a_learned_codec_that_is_of_no_use_gives_way_to_a_calibrated_one(model, tokenizer, text):
    """Its networks are random and its mean is far off; with scales and tables of the text it takes less than before, but not the least."""
    config, tensors = parts(ContextCodec, 40, np.full(40, 4.0))
    learned = ContextCodec({**config, "layer": LAYER}, {**tensors, "mean": tensors["mean"] + np.float32(20)})
    h = eight_windows(model, tokenizer, text).numpy()
    fitted = refitted(learned, h)
    assert fitted.family == "context"
    assert sum(len(fitted.encode(states)) for states in h) < sum(len(learned.encode(states)) for states in h)
    assert adapt(learned, model, tokenizer, [text[:8000]], tokens=500, target_kl=0.1).family == "transform"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"codec": IntegerCodec(40, 8)}, "codec: expected one that calibration or training made, got one of family 'int"),
        ({"tokens": 0}, "tokens: expected at least 1, got 0"),
        ({"target_kl": 0.0}, "target_kl: expected more than 0"),
        ({"texts": []}, "texts: .* they make 0"),
    ],
)
def test_bad_arguments_are_refused_by_name(codec, model, tokenizer, text, settings, message):
    arguments = {"codec": codec, "texts": [text[:20_000]], "tokens": 500, **settings}
    with pytest.raises(RdcodecError, match=message):
        adapt(arguments.pop("codec"), model, tokenizer, **arguments)


def test_a_codec_of_another_width_is_refused(model, tokenizer, text, codec):
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(vocab_size=256, hidden_size=32, intermediate_size=64, num_hidden_layers=4, num_attention_heads=4)
    with pytest.raises(RdcodecError, match="expected 32 channels"):
        adapt(codec, LlamaForCausalLM(config).eval(), tokenizer, [text], tokens=500)
