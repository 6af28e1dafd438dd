"""Distributions are those of the model's own output, whatever stands behind its output head, and are left as they were."""

import pytest
import torch
import transformers
from tiny_language_models import made

from rdcodec import RdcodecError, calibrate
from rdcodec.calibration.output import head_inputs, kl_divergence
from rdcodec.calibration.tail_gradients import sampled_gradients
from rdcodec.codecs import IntegerCodec
from rdcodec.evaluation import Setting, evaluate
from rdcodec.splits import head_states, run_tail
from rdcodec.theory import head_norm
from rdcodec.training import StateCache, TailDistortion

pytestmark = pytest.mark.slow

LAYER, CHANNELS, WINDOW = 1, 40, 64
SIZE = {
    "vocab_size": 256,
    "hidden_size": CHANNELS,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": WINDOW,
    "pad_token_id": None,
    "bos_token_id": None,
    "eos_token_id": None,
}
GEMMA = {**SIZE, "head_dim": 10, "query_pre_attn_scalar": 10, "final_logit_softcapping": 1.5}


def granite():
    return transformers.GraniteForCausalLM(transformers.GraniteConfig(**SIZE, logits_scaling=3.0))


def cohere():
    return transformers.CohereForCausalLM(transformers.CohereConfig(**SIZE, logit_scale=0.5))


def gemma2():
    return transformers.Gemma2ForCausalLM(transformers.Gemma2Config(**GEMMA))


def gemma3_text():
    return transformers.Gemma3ForCausalLM(transformers.Gemma3TextConfig(**GEMMA))


@pytest.fixture(scope="module", params=[granite, cohere, gemma2, gemma3_text], ids=lambda architecture: architecture.__name__)
def scaled(request):
    """A model that scales its logits or caps them."""
    return made(request.param)


@pytest.fixture(scope="module")
def windows(tokenizer, text):
    return torch.tensor(tokenizer(text[50_000 : 50_000 + 4 * WINDOW])["input_ids"]).view(4, WINDOW)


def test_the_divergence_is_that_of_evaluate(scaled, windows):
    codec = IntegerCodec(CHANNELS, 4)
    (row,) = evaluate(scaled, windows, [Setting("int4", codec, layer=LAYER)])
    h = head_states(scaled, LAYER, windows)
    decoded = torch.from_numpy(codec.decode(codec.encode(h)))
    with torch.no_grad():
        entered = [head_inputs(scaled, LAYER, states, windows) for states in (h, decoded)]
    assert kl_divergence(scaled, *entered) == pytest.approx(row.kl, rel=1e-3)


@pytest.mark.usefixtures("most_kept")
def test_gradients_are_those_of_drawn_tokens(scaled, windows):
    h = head_states(scaled, LAYER, windows[:1, :1])
    gradients = sampled_gradients(scaled, LAYER, h, 3, torch.Generator().manual_seed(0))
    leaf = h.clone().requires_grad_(True)
    log_p = torch.log_softmax(run_tail(scaled, LAYER, leaf)[0, 0], -1)
    possible = torch.stack([torch.autograd.grad(log_p[v], leaf, retain_graph=True)[0].flatten() for v in range(256)])
    for gradient in gradients.flatten(1):
        assert torch.cdist(gradient[None], possible).min() < 1e-3 * gradient.norm()


def test_training_trades_for_the_same_loss(scaled, tokenizer, text, tmp_path):
    cache = StateCache.open(tmp_path, scaled, tokenizer, [text[: 8 * WINDOW]], LAYER)
    batch = cache.read(cache.train[:2])
    h = (batch.states + 0.1 * torch.randn(batch.states.shape, generator=torch.Generator().manual_seed(1))).requires_grad_()
    p, q = (torch.log_softmax(run_tail(scaled, LAYER, states), -1) for states in (batch.states, h))
    expected = (p.exp() * (p - q)).sum(-1).mean(-1)
    values = TailDistortion(scaled, LAYER)(h, batch)
    torch.testing.assert_close(values, expected, rtol=1e-3, atol=1e-6)
    (gradient,), (expected_gradient,) = torch.autograd.grad(values.sum(), h), torch.autograd.grad(expected.sum(), h)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-3, atol=1e-6)


def test_the_default_quality_keeps_the_target_about(scaled, windows, tokenizer, text):
    codec = calibrate(scaled, tokenizer, [text[:20_000]], LAYER, tokens=1500)
    (row,) = evaluate(scaled, windows, [Setting("transform", codec, layer=LAYER)])
    assert 0.005 < row.kl < 0.06


def test_every_submodule_is_in_the_mode_it_was_in(model, tokenizer, text):
    try:
        model.train()
        model.model.layers[1].eval()
        before = [module.training for module in model.modules()]
        calibrate(model, tokenizer, [text[:20_000]], LAYER, tokens=400)
        assert [module.training for module in model.modules()] == before
    finally:
        model.eval()


@pytest.mark.parametrize("part", ["all", "blocks"])
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor", "ignore:torch.ao.quantization is deprecated")
def test_quantised_models_are_refused_before_the_work(model, tokenizer, text, windows, tmp_path, part):
    """Where the head is in floats, gradients come by the residual stream alone, and PyTorch does not mind."""
    quantised = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)
    if part == "blocks":
        quantised.lm_head = model.lm_head
    stages = []
    message = "model: LlamaForCausalLM passes no gradients, .* use the model in float32 or bfloat16"
    with pytest.raises(RdcodecError, match=message):
        calibrate(quantised, tokenizer, [text[:20_000]], LAYER, tokens=400, progress=lambda *stage: stages.append(stage))
    with pytest.raises(RdcodecError, match=message):
        StateCache.open(tmp_path, quantised, tokenizer, [text[:2000]], LAYER, progress=lambda *stage: stages.append(stage))
    with pytest.raises(RdcodecError, match=message):
        head_norm(quantised, 1, windows[0])
    assert not stages and not list(tmp_path.iterdir())
    ids = torch.tensor(tokenizer(text[:200])["input_ids"]).view(2, 100)
    assert evaluate(quantised, ids, [Setting("int8", IntegerCodec(CHANNELS, 8), layer=LAYER)])[0].kl < 0.1  # needs none
