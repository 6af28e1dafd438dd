"""Codecs of the last hidden state, which embeddings are made of: the model's output is all that they are measured by."""

import pytest
import torch
import transformers
from tiny_language_models import made

from rdcodec import calibrate, calibrate_inputs, compress_at
from rdcodec.evaluation import Setting, evaluate
from rdcodec.splits import head_states

pytestmark = pytest.mark.slow

LAYERS, CHANNELS, WINDOW, CLASSES = 2, 24, 16, 4
SIZES = {"hidden_size": CHANNELS, "intermediate_size": 48, "num_hidden_layers": LAYERS, "num_attention_heads": 4, "num_labels": CLASSES}
TEXT = {**SIZES, "vocab_size": 256, "pad_token_id": 0, "max_position_embeddings": 64}

CLASSIFIERS = {
    "pooler within": lambda: transformers.BertForSequenceClassification(transformers.BertConfig(**TEXT)),
    "first token": lambda: transformers.RobertaForSequenceClassification(transformers.RobertaConfig(**TEXT)),
    "score": lambda: transformers.LlamaForSequenceClassification(transformers.LlamaConfig(**TEXT)),
    "images": lambda: transformers.ViTForImageClassification(transformers.ViTConfig(**SIZES, image_size=16, patch_size=4)),
}


def inputs_of(model, count, seed):
    generator = torch.Generator().manual_seed(seed)
    if model.main_input_name == "pixel_values":
        return torch.randn(count, 3, 16, 16, generator=generator)
    return torch.randint(2, 256, (count, WINDOW), generator=generator)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_of_classifiers(name):
    model = made(CLASSIFIERS[name])
    codec = calibrate_inputs(model, inputs_of(model, 60, 1), LAYERS)
    inputs = inputs_of(model, 40, 2)
    with torch.no_grad():
        p = model(inputs).logits.double().log_softmax(1)
        with compress_at(model, codec):
            q = model(inputs).logits.double().log_softmax(1)
    (row,) = evaluate(model, inputs, [Setting("transform", codec)])
    assert codec.layer == row.layer == LAYERS
    assert row.kl == pytest.approx(float((p.exp() * (p - q)).sum(1).mean()), rel=1e-2)
    assert 0.002 < row.kl < 0.1, "0.02 is the target, of few inputs"
    assert codec.origin is not None


def test_of_a_language_model(model, tokenizer, text):
    layers = model.config.num_hidden_layers
    codec = calibrate(model, tokenizer, text[:20_000], layers, tokens=1500)
    ids = torch.tensor(tokenizer(text[50_000:51_024])["input_ids"]).view(8, 128)
    (row,) = evaluate(model, ids, [Setting("transform", codec)])
    assert 0.005 < row.kl < 0.06
    with torch.no_grad():
        own = model(ids, output_hidden_states=True).hidden_states[-1]
        assert torch.equal(head_states(model, layers, ids), own)
        with compress_at(model, codec) as meter:
            arrived = model(ids, output_hidden_states=True).hidden_states[-1]
    assert meter.bits_per_token == pytest.approx(row.bits_per_token)
    relative = (arrived - own).square().mean() / own.square().mean()
    assert 0 < relative < 0.3
