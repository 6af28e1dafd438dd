"""Calibration: what it promises of rate and loss, and of the model it is given."""

import numpy as np
import pytest
import torch
import transformers

from rdcodec import RdcodecError, calibrate, compress_at
from rdcodec.calibration.metric import clipped, fisher_metric
from rdcodec.calibration.output import head_inputs, kl_divergence
from rdcodec.calibration.sensitivity import fit_predictor
from rdcodec.calibration.tail_gradients import sampled_gradients
from rdcodec.codecs import IntegerCodec
from rdcodec.evaluation import Setting, evaluate
from rdcodec.splits import head_states, run_tail

pytestmark = pytest.mark.slow

LAYER = 2


@pytest.fixture(scope="module")
def ids(tokenizer, text):
    return torch.tensor(tokenizer(text[50_000:50_100])["input_ids"])[None]


def test_the_default_quality_keeps_the_target_about(model, tokenizer, text):
    losses = []
    for target in (0.02, 0.3):
        codec = calibrate(model, tokenizer, [text[:30_000]], LAYER, tokens=2000, target_kl=target)
        ids = torch.tensor(tokenizer(text[40_000:40_500])["input_ids"]).view(-1, 100)
        with torch.no_grad():
            reference = torch.log_softmax(model(ids).logits, -1)
            with compress_at(model, codec, layer=LAYER):
                compressed = torch.log_softmax(model(ids).logits, -1)
        losses.append(float((reference.exp() * (reference - compressed)).sum(-1).mean()))
    assert 0.005 < losses[0] < 0.06 and 0.08 < losses[1] < 0.9


def test_a_model_of_sixteen_bits(model, tokenizer, text):
    twin = type(model)(model.config).eval()
    twin.load_state_dict(model.state_dict())
    twin.bfloat16()
    codec = calibrate(twin, tokenizer, [text[:30_000]], LAYER, tokens=2000, target_kl=0.1)
    ids = torch.tensor(tokenizer(text[40_000:40_500])["input_ids"]).view(-1, 100)
    (row,) = evaluate(twin, ids, [Setting("transform", codec)])
    assert 0.02 < row.kl < 0.3


def test_it_beats_integers_of_a_group(codec, model, tokenizer, text):
    ids = torch.tensor(tokenizer(text[45_000:45_120])["input_ids"])[None]
    h = head_states(model, LAYER, ids)
    reference = head_inputs(model, LAYER, h)

    def loss(coded):
        return kl_divergence(model, reference, head_inputs(model, LAYER, torch.from_numpy(coded)[None]))

    integers = IntegerCodec(codec.channels, 4, group=20)
    data = integers.encode(h[0])
    quality = max(q for q in range(-64, 64) if len(codec.encode(h[0], q)) <= len(data))
    assert loss(codec.decode(codec.encode(h[0], quality))) < loss(integers.decode(data))


def test_calibrating_twice_gives_the_same_codec(codec, model, tokenizer, text):
    again = calibrate(model, tokenizer, [text[:40_000]], LAYER, tokens=3000)
    assert again.codec_id == codec.codec_id


def test_the_model_is_as_it_was(model, tokenizer, text):
    model.train()
    try:
        calibrate(model, tokenizer, [text[:20_000]], LAYER, tokens=500)
        assert model.training and all(p.requires_grad and p.grad is None for p in model.parameters())
        assert not model.get_output_embeddings()._forward_pre_hooks
    finally:
        model.eval()


def test_progress_covers_every_stage_in_order(model, tokenizer, text):
    calls = []
    calibrate(model, tokenizer, [text[:20_000]], LAYER, tokens=500, progress=lambda stage, part: calls.append((stage, part)))
    stages = list(dict.fromkeys(stage for stage, _ in calls))
    assert stages == ["hidden states", "gradients", "codewords", "held-out states", "settings"]
    for stage in stages:
        parts = [part for name, part in calls if name == stage]
        assert parts == sorted(parts) and parts[-1] == 1.0


def test_gradients_are_those_of_drawn_tokens(model, ids):
    """Each is the gradient of some token's log-likelihood summed over positions; with one position, of one of 256."""
    h = head_states(model, LAYER, ids[:, :1])
    gradients = sampled_gradients(model, LAYER, h, 3, torch.Generator().manual_seed(0))
    leaf = h.clone().requires_grad_(True)
    log_p = torch.log_softmax(run_tail(model, LAYER, leaf)[0, 0], -1)
    possible = torch.stack([torch.autograd.grad(log_p[v], leaf, retain_graph=True)[0].flatten() for v in range(256)])
    for gradient in gradients.flatten(1):
        assert torch.cdist(gradient[None], possible).min() < 1e-3 * gradient.norm()


def test_kl_divergence_is_that_of_the_logits(model, ids):
    h = head_states(model, LAYER, ids)
    noisy = h + 0.1 * torch.randn(h.shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        p, q = (torch.log_softmax(run_tail(model, LAYER, state)[0], -1) for state in (h, noisy))
        expected = float((p.exp() * (p - q)).sum(-1).mean())
        measured = kl_divergence(model, head_inputs(model, LAYER, h), head_inputs(model, LAYER, noisy))
    assert measured == pytest.approx(expected, rel=1e-4) and measured > 1e-3


def test_the_metric_is_the_power_of_the_information():
    gradients = np.random.default_rng(0).standard_normal((4000, 6)) * [1, 2, 3, 4, 5, 6]
    fisher = gradients.T @ gradients
    fisher /= np.trace(fisher) / 6
    metric = fisher_metric(gradients, alpha=1.0, shrinkage=0.0)
    np.testing.assert_allclose(metric.forward @ metric.forward.T, fisher, atol=1e-12)
    np.testing.assert_allclose(metric.forward @ metric.backward, np.eye(6), atol=1e-12)
    plain = fisher_metric(gradients, alpha=0.0, shrinkage=0.3)
    np.testing.assert_allclose(plain.forward, np.eye(6), atol=1e-12)


def test_clipping_bounds_the_largest_gradients():
    gradients = np.random.default_rng(1).standard_normal((1000, 4))
    gradients[5] *= 1e6
    norms = np.linalg.norm(clipped(gradients), axis=1)
    assert norms.max() == pytest.approx(np.quantile(np.linalg.norm(gradients, axis=1), 0.95))


def test_the_predictor_orders_tokens_by_sensitivity():
    rng = np.random.default_rng(2)
    y = rng.standard_normal((5000, 20))
    truth = 2.0 ** (1.5 * y[:, 3] + 0.3 * rng.standard_normal(5000))
    predictor = fit_predictor(y, truth)
    features = np.rint(y * predictor.feature_scale)
    guess = features @ predictor.feature_weights
    assert np.corrcoef(guess, np.log2(truth))[0, 1] > 0.95
    assert np.all(np.diff(predictor.step_thresholds) > 0) and len(predictor.step_thresholds) == len(predictor.step_offsets) - 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layer": 9}, "layer"),
        ({"tokens": 0}, "tokens: expected at least 1, got 0"),
        ({"tokens": 10**6}, "texts: .* were asked for"),
        ({"target_kl": 0.0}, "target_kl: expected more than 0"),
        ({"texts": []}, "texts: .* they make 0"),
    ],
)
def test_bad_arguments_are_refused_by_name(model, tokenizer, text, settings, message):
    arguments = {"texts": [text[:20_000]], "layer": LAYER, "tokens": 500, **settings}
    with pytest.raises(RdcodecError, match=message):
        calibrate(model, tokenizer, **arguments)


def test_a_model_without_an_output_head_is_refused(tokenizer, text):
    config = transformers.LlamaConfig(vocab_size=256, hidden_size=40, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4)
    with pytest.raises(RdcodecError, match="no output head"):
        calibrate(transformers.LlamaModel(config).eval(), tokenizer, [text], 1, tokens=500)
