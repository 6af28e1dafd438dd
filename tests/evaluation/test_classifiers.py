"""The protocol on classifiers of images and of texts, against whole forward passes through compress_at."""

import copy
import math

import numpy as np
import pytest
import torch
import transformers

from rdcodec import calibrate_inputs, compress_at
from rdcodec.codecs import IntegerCodec
from rdcodec.errors import RdcodecError
from rdcodec.evaluation import Setting, baseline_settings, evaluate
from rdcodec.splits import find_site, head_states

pytestmark = pytest.mark.slow

LAYER = 1


def vit():
    sizes = {"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4}
    return transformers.ViTForImageClassification(transformers.ViTConfig(**sizes, image_size=16, patch_size=4, num_labels=5))


def resnet():
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[16, 24], depths=[1, 1], layer_type="basic", num_labels=5)
    return transformers.ResNetForImageClassification(config)


@pytest.fixture(scope="module", params=[vit, resnet], ids=lambda architecture: architecture.__name__)
def classifier(request):
    torch.manual_seed(4)
    model = request.param().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(2)
    return model


@pytest.fixture(scope="module")
def images():
    return torch.randn(7, 3, 16, 16, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def labels():
    return torch.arange(7) % 5


def log_probabilities(model, pixels):
    with torch.no_grad():
        return model(pixels[None]).logits[0].double().log_softmax(0)


def test_row_is_what_a_hooked_model_gives(classifier, images, labels):
    codec = IntegerCodec(find_site(classifier, LAYER).channels, 3)
    kl, nll, base, correct, size = [], [], [], [], 0
    for pixels, label in zip(images, labels):
        p = log_probabilities(classifier, pixels)
        with compress_at(classifier, codec, layer=LAYER) as meter:
            q = log_probabilities(classifier, pixels)
        kl.append(float((p.exp() * (p - q)).sum()))
        nll.append(float(-q[label])), base.append(float(-p[label]))
        correct.append(float(q.argmax() == label))
        size += meter.bytes
    (row,) = evaluate(classifier, images, [Setting("int3", codec, layer=LAYER)], labels=labels)
    assert row.tokens == 7 * head_states(classifier, LAYER, images).shape[1]
    assert row.bits_per_element == pytest.approx(8 * size / row.tokens / codec.channels)
    assert row.kl == pytest.approx(np.mean(kl), rel=1e-3)
    assert row.kl_stderr == pytest.approx(np.std(kl, ddof=1) / math.sqrt(7), rel=1e-3)
    assert row.delta_nll == pytest.approx(np.mean(nll) - np.mean(base), rel=1e-3, abs=1e-6)
    assert row.base_perplexity == pytest.approx(math.exp(np.mean(base)), rel=1e-5)
    assert row.accuracy == pytest.approx(np.mean(correct))


def test_labels_that_the_model_gives_are_all_correct(classifier, images):
    with torch.no_grad():
        given = classifier(images).logits.argmax(1)
    codec = IntegerCodec(find_site(classifier, LAYER).channels, 8)
    (row,) = evaluate(classifier, images, [Setting("int8", codec, layer=LAYER)], labels=given)
    assert row.base_accuracy == 1


def test_baselines_take_few_channels(classifier, images, labels):
    settings = baseline_settings(classifier, LAYER, images[4:])
    rows = {setting.method: row for setting, row in zip(settings, evaluate(classifier, images, settings, labels=labels))}
    assert {"fp16", "MXFP4", "global step + rANS"} <= set(rows)
    assert any(method.startswith("int4 in groups of") for method in rows)
    assert rows["fp16"].kl < rows["int4 a token"].kl


@pytest.fixture(scope="module", params=[transformers.LlamaConfig, transformers.BertConfig], ids=["score", "classifier"])
def text_classifier(request):
    torch.manual_seed(6)
    sizes = {"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4}
    config = request.param(vocab_size=50, max_position_embeddings=32, num_labels=5, pad_token_id=0, **sizes)
    return transformers.AutoModelForSequenceClassification.from_config(config).eval()


@pytest.fixture(scope="module")
def padded():
    """What a tokenizer returns of texts of 9, 5 and 2 tokens."""
    mask = (torch.arange(9) < torch.tensor([[9], [5], [2]])).long()
    ids = torch.randint(1, 50, (3, 9), generator=torch.Generator().manual_seed(7))
    return transformers.BatchEncoding({"input_ids": ids * mask, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)})


def test_padded_texts_without_labels(text_classifier, padded):
    """KL and bits of what is no padding; what takes labels is nan, and JSON and the table go without."""
    codec = IntegerCodec(24, 3)
    ids, mask = padded["input_ids"], padded["attention_mask"]
    with torch.no_grad():
        p = text_classifier(ids, attention_mask=mask).logits.double().log_softmax(1)
        with compress_at(text_classifier, codec, layer=LAYER) as meter:
            q = text_classifier(ids, attention_mask=mask).logits.double().log_softmax(1)
    rows = evaluate(text_classifier, padded, [Setting("int3", codec, layer=LAYER)])
    (row,) = rows
    assert row.kl == pytest.approx(float((p.exp() * (p - q)).sum(1).mean()), rel=1e-3)
    assert row.tokens == meter.tokens == 16
    assert all(math.isnan(value) for value in (row.delta_nll, row.perplexity, row.base_perplexity, row.accuracy, row.base_accuracy))
    assert rows._repr_html_().endswith("<td></td><td></td></tr></tbody></table>")
    (labelled,) = evaluate(text_classifier, ids, [Setting("int3", codec, layer=LAYER)], labels=torch.arange(3), attention_mask=mask)
    assert (labelled.kl, labelled.tokens) == (row.kl, 16) and math.isfinite(labelled.perplexity)


def test_classifiers_of_texts_are_calibrated_from_what_a_tokenizer_returns(text_classifier, padded):
    ids = torch.randint(1, 50, (40, 9), generator=torch.Generator().manual_seed(8))
    given = transformers.BatchEncoding({"input_ids": ids, "attention_mask": torch.ones_like(ids)})
    codec = calibrate_inputs(text_classifier, given, LAYER)
    assert codec == calibrate_inputs(text_classifier, ids, LAYER)


def test_padding_is_neither_fitted_to_nor_counted(text_classifier):
    """Whatever stands there, on the side where the model does not pool, the codec is the same; it keeps the loss of padded texts."""
    model = copy.deepcopy(text_classifier)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4 if parameter.dim() > 1 else 1)  # so that it minds an error
    ids = torch.randint(1, 50, (2, 60, 9), generator=torch.Generator().manual_seed(8))
    mask = torch.arange(9) < torch.randint(2, 10, (60, 1), generator=torch.Generator().manual_seed(9))
    mask = mask.flip(1) if model.config.model_type == "llama" else mask
    fit, other = ({"input_ids": torch.where(mask, ids[0], values), "attention_mask": mask.long()} for values in (0, ids[1]))
    codec = calibrate_inputs(model, fit, LAYER)
    assert codec == calibrate_inputs(model, other, LAYER)
    (row,) = evaluate(model, fit, [Setting("transform", codec)])
    assert row.tokens == int(mask.sum()) and 0.002 < row.kl < 0.1


@pytest.mark.parametrize(
    ("shape", "message"), [((9, 8), r"attention_mask: expected \[9, 9\]"), ((9, 9), "attention_mask: .* one is all padding")]
)
def test_masks_that_calibration_refuses(text_classifier, shape, message):
    inputs = {"input_ids": torch.ones(9, 9, dtype=torch.int64), "attention_mask": torch.zeros(shape, dtype=torch.int64)}
    with pytest.raises(RdcodecError, match=message):
        calibrate_inputs(text_classifier, inputs, LAYER)


def test_language_models_say_something_behind_every_token():
    sizes = {"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 50}
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes)).eval()
    inputs = {"input_ids": torch.ones(9, 9, dtype=torch.int64), "attention_mask": torch.ones(9, 9, dtype=torch.int64).tril()}
    with pytest.raises(RdcodecError, match="inputs: expected texts without padding for LlamaForCausalLM"):
        calibrate_inputs(model, inputs, LAYER)
    with pytest.raises(RdcodecError, match="attention_mask: expected none, or labels besides"):
        evaluate(model, inputs, [Setting("int3", IntegerCodec(24, 3), layer=LAYER)])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"pixel_values": torch.ones(3, 9)}, "expected input_ids and attention_mask alone, got pixel_values besides"),
        ({"input_ids": None}, "expected input_ids, got attention_mask, token_type_ids"),
    ],
)
def test_inputs_of_other_names(text_classifier, padded, changed, message):
    inputs = {name: values for name, values in {**padded, **changed}.items() if values is not None}
    with pytest.raises(RdcodecError, match=message):
        evaluate(text_classifier, inputs, [Setting("int3", IntegerCodec(24, 3), layer=LAYER)])
