"""Codecs know their model: another layer is refused, another model warned of, and nothing else of either."""

import copy
import json
import pickle
import warnings

import numpy as np
import pytest
import torch

from rdcodec import Codec, ModelMismatchWarning, RdcodecError, TransformCodec, compress_at
from rdcodec.calibration.codewords import position_codewords
from rdcodec.calibration.fit import Statistics, fit_codec
from rdcodec.codecs import Origin, RawCodec
from rdcodec.evaluation import Setting, evaluate
from rdcodec.splits.fingerprint import check_codec, origin_of
from rdcodec.theory import layer_bounds

LAYER, CHANNELS = 2, 64


@pytest.fixture(scope="module")
def plain():
    """A codec of layer 2, as from a checkpoint of earlier releases."""
    rng = np.random.default_rng(4)
    states = rng.standard_normal((8, 64, CHANNELS)).astype(np.float32)
    gradients = rng.standard_normal((2, 4, 64, CHANNELS)).astype(np.float32)
    return fit_codec(Statistics(LAYER, states, gradients, position_codewords(8, 64)), 0.7, 0.05)


@pytest.fixture
def fitted(plain, tiny):
    """The codec with the origin of a tiny Llama."""
    codec = copy.copy(plain)
    codec.origin = origin_of(tiny.build("llama"), LAYER)
    return codec


def test_copies_of_the_weights_agree_whatever_their_type(model, tiny, model_type):
    origins = {origin_of(tiny.build(model_type, dtype), LAYER) for dtype in (torch.float32, torch.bfloat16, torch.float16)}
    assert origins == {origin_of(model.base_model, LAYER)} and None not in origins
    assert origins != {origin_of(model, LAYER - 1)}


def test_a_few_steps_of_training_are_another_model(tiny):
    """Changes of a percent before the split; those behind it are of no account."""
    model = tiny.build("llama")
    before = origin_of(model, LAYER)
    with torch.no_grad():
        for parameter in [*model.model.layers[LAYER].parameters(), model.lm_head.weight, model.model.norm.weight]:
            parameter.add_(1)
    assert origin_of(model, LAYER) == before
    with torch.no_grad():
        weight = model.model.layers[1].mlp.up_proj.weight
        weight += 0.01 * weight.std() * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    assert origin_of(model, LAYER) != before


def test_weights_that_are_not_there_have_no_fingerprint(tiny, fitted):
    model = tiny.build("llama").to("meta")
    assert origin_of(model, LAYER) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_codec(model, LAYER, fitted)


def test_another_layer_is_refused_unless_asked_for(tiny, fitted):
    model = tiny.build("llama")
    ids = tiny.inputs(model)
    with pytest.raises(RdcodecError, match="codec: expected one of layer 1, got one of layer 2"), compress_at(model, fitted, layer=1):
        pass
    with pytest.raises(RdcodecError, match="codec of x: expected one of layer 0, got one of layer 2"):
        evaluate(model, ids, [Setting("x", fitted, layer=0)])
    with torch.no_grad(), compress_at(model, fitted, layer=1, any_layer=True) as meter:
        model(ids)
    assert meter.tokens == ids.numel()
    assert evaluate(model, ids, [Setting("x", fitted, layer=0, any_layer=True)])[0].layer == 0
    with compress_at(model, RawCodec(CHANNELS), layer=1):  # of no layer
        pass


def test_another_model_warns_once(tiny, fitted):
    model, other = tiny.build("llama"), tiny.build("qwen3")
    ids = tiny.inputs(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with compress_at(model, fitted, layer=LAYER):
            pass
        evaluate(model, ids, [Setting("", fitted, layer=LAYER)])
    message = f"the codec {fitted.codec_id.hex()} was fitted to a model llama [0-9a-f]{{16}}, this one is qwen3 [0-9a-f]{{16}} up"
    with pytest.warns(ModelMismatchWarning, match=message), compress_at(other, fitted, layer=LAYER):
        pass
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with compress_at(other, fitted, layer=LAYER):
            pass
        evaluate(other, ids, [Setting("", fitted, layer=LAYER)])
    for use in (
        lambda model: evaluate(model, ids, [Setting("", fitted, layer=LAYER)]),
        lambda model: layer_bounds(model, torch.cat([ids, ids]), "", fitted),
    ):
        with pytest.warns(ModelMismatchWarning):
            use(tiny.build("qwen3"))


def test_a_codec_keeps_its_origin_and_its_id(tiny, plain, fitted, tmp_path):
    assert plain.origin is None and fitted.origin.model_type == "llama" and fitted.codec_id == plain.codec_id
    fitted.save_pretrained(tmp_path)
    for twin in (Codec.from_pretrained(tmp_path), pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted), copy.copy(fitted)):
        assert isinstance(twin, TransformCodec) and twin.origin == fitted.origin and twin.codec_id == fitted.codec_id
    plain.save_pretrained(tmp_path)
    assert Codec.from_pretrained(tmp_path).origin is None


@pytest.mark.parametrize(
    ("origin", "message"),
    [
        (None, "origin: expected an object, got None"),
        ([], "origin: expected an object, got a list of 0"),
        ({}, "model_type: expected text like .*, but the config lacks it"),
        ({"model_type": 3, "fingerprint": "0" * 16}, "model_type: expected text like .*, got 3"),
        ({"model_type": "llama\n", "fingerprint": "0" * 16}, "model_type: expected text like"),
        ({"model_type": "a" * 101, "fingerprint": "0" * 16}, "model_type: expected text like"),
        ({"model_type": "llama", "fingerprint": "0" * 15}, "fingerprint: expected text like"),
        ({"model_type": "llama", "fingerprint": "A" * 16}, "fingerprint: expected text like"),
    ],
)
def test_origins_that_are_none_are_refused(fitted, tmp_path, origin, message):
    fitted.save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "origin": origin}))
    with pytest.raises(RdcodecError, match=f"{tmp_path}: the checkpoint is damaged: {message}"):
        Codec.from_pretrained(tmp_path)


def test_origins_of_a_later_version_have_more(fitted, tmp_path):
    fitted.save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    config["origin"]["later"] = 1
    path.write_text(json.dumps(config))
    assert Codec.from_pretrained(tmp_path).origin == Origin(*fitted.origin)


def test_the_layer_is_that_of_the_codec(tiny, fitted):
    model = tiny.build("llama")
    ids = tiny.inputs(model)
    with torch.no_grad(), compress_at(model, fitted) as meter:
        model(ids)
    assert meter.tokens
    assert f"{meter.tokens:,} tokens of {CHANNELS} channels, {meter.bytes:,} bytes" in repr(meter)
    assert Setting("x", fitted).layer == LAYER
    for use in (lambda codec: compress_at(model, codec).__enter__(), lambda codec: Setting("x", codec)):
        with pytest.raises(RdcodecError, match="layer: expected one, since the codec.* was fitted to none"):
            use(RawCodec(CHANNELS))
        with pytest.raises(TypeError, match="codec.*: expected a Codec, got int"):
            use(LAYER)
