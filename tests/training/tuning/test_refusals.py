"""What cannot be tuned is refused by name, before the work."""

import copy

import pytest
import torch
import transformers

from rdcodec import RdcodecError
from rdcodec.codecs import IntegerCodec, RawCodec
from rdcodec.splits import compress_at
from rdcodec.training import TuneSettings

peft = pytest.importorskip("peft")

LAYER = 1


@pytest.fixture
def refused(run, tmp_path):
    def refused(model, message, **arguments):
        with pytest.raises(RdcodecError, match=message):
            run(model, tmp_path / "out", **arguments)
        assert not (tmp_path / "out").exists()

    return refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"part": "middle"}, "part: expected one of tail, head, both, got middle"),
        ({"method": "ia3"}, "method: expected one of lora, full, got ia3"),
        ({"kind": "l2"}, "kind: expected one of kl, cross-entropy, got l2"),
        ({"rank": 0}, "rank: expected at least 1, got 0"),
        ({"alpha": 0.0}, "alpha: expected more than 0, got 0.0"),
        ({"part": "head", "lambda_rate": -1e-4}, "lambda_rate: expected 0 or more nats a bit, got -0.0001"),
        ({"part": "head", "lambda_rate": float("inf")}, "lambda_rate: expected 0 or more nats a bit, got inf"),
        ({"part": "head", "lambda_rate": float("nan")}, "lambda_rate: expected 0 or more nats a bit, got nan"),
        ({"lambda_rate": 1e-4}, "lambda_rate: expected 0 where the tail is tuned"),
        ({"minutes": 1.0}, "expected steps or minutes, got steps=6 and minutes=1.0"),
        ({"learning_rate": 0.0}, "learning_rate: expected more than 0, got 0.0"),
    ],
)
def test_settings(change, message):
    with pytest.raises(RdcodecError, match=message):
        TuneSettings(**{"steps": 6, **change})


def test_wrapped_models(model, fresh, refused):
    refused(torch.nn.DataParallel(fresh), "model: expected one of transformers without a wrapper, got DataParallel")
    adapted = peft.get_peft_model(fresh, peft.LoraConfig(target_modules=["q_proj"]))
    refused(adapted, "without a wrapper, got PeftModel")
    refused(fresh, "model: expected one without adapters, model.layers.0.self_attn.q_proj has one; merge it")


def test_models_that_are_compressed_just_now(fresh, refused, codec):
    with compress_at(fresh, codec, layer=LAYER):
        refused(fresh, "model: expected one that is not compressed just now")


def test_models_of_other_kinds(refused):
    config = {"vocab_size": 256, "d_model": 32, "d_ff": 64, "num_layers": 2, "num_heads": 4, "d_kv": 8}
    t5 = transformers.T5ForConditionalGeneration(transformers.T5Config(**config))
    refused(t5, "model: expected a causal language model, got T5ForConditionalGeneration", codec=RawCodec(32), layer=LAYER)
    config = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 256}
    classifier = transformers.LlamaForSequenceClassification(transformers.LlamaConfig(**config))
    refused(classifier, "model: expected a causal language model, got Llama", codec=RawCodec(32), layer=LAYER)


def test_codecs_of_another_layer_or_width(fresh, refused, codec):
    refused(fresh, "codec: expected one of layer 2, got one of layer 1", layer=2)
    refused(fresh, "codec: expected 32 channels as the model has, got 16", codec=RawCodec(16), layer=LAYER)
    refused(fresh, "layer: expected one, since the codec was fitted to none", codec=RawCodec(32))


def test_codecs_whose_rate_has_no_gradient(fresh, refused):
    refused(
        fresh,
        "lambda_rate: expected 0 for IntegerCodec",
        **{"codec": IntegerCodec(32, bits=4), "layer": LAYER, "part": "head", "lambda_rate": 1e-4, "qualities": (0, 0)},
    )


def test_qualities_out_of_range(fresh, refused):
    refused(fresh, "quality: expected an integer -64 to 64, got 65", qualities=(0, 65))


def test_parts_without_blocks_or_layers(fresh, refused):
    at_0 = {"codec": RawCodec(32), "layer": 0, "qualities": (0, 0)}
    refused(fresh, "part: expected 'tail' at layer 0, before which there are no blocks", part="head", **at_0)
    refused(fresh, "targets: expected some of .*down_proj.*q_proj.*, got c_attn", targets=("c_attn",))


def test_texts_that_are_too_short(fresh, refused):
    refused(fresh, "texts: expected at least 2 windows of 48 tokens, they make 1", texts=["x" * 60])


def test_full_tuning_of_16_bits(model, refused):
    half = copy.deepcopy(model).to(torch.bfloat16)
    refused(half, "model: expected float32 weights for full tuning, got torch.bfloat16", method="full")
