"""Every known architecture with a tiny random model: the table of docs/architectures.md, run."""

from pathlib import Path

import pytest
import torch
import transformers
from tiny_models import BEAMS, CASES, LAYERS, build, document

from rdcodec import RdcodecError, calibrate, calibrate_inputs
from rdcodec.calibration.inputs import input_states
from rdcodec.calibration.tune import HeldOut
from rdcodec.codecs import IntegerCodec
from rdcodec.evaluation import Setting, evaluate
from rdcodec.splits import compress_at, find_site, head_states, known_architectures, run_head, run_tail
from rdcodec.splits.architectures import ARCHITECTURES, REFUSED
from rdcodec.training import StateCache

ROWS, SOURCE, TARGET, NEW = 2, 11, 7, 4
WORKING = {name: case for name, case in CASES.items() if not case.refused}


def cuts(what, cases=WORKING):
    """(name, layer) of all cases."""
    for name, case in cases.items():
        for layer in dict.fromkeys((0, *case.layers) if what in ("forward", "tail") else case.layers):
            yield pytest.param(name, layer, id=f"{name}-{layer}")


def tokens(generator, count):
    return torch.randint(4, 90, (ROWS, count), generator=generator)


def inputs_of(model):
    generator = torch.Generator().manual_seed(3)
    if model.main_input_name == "pixel_values":
        size = getattr(model.config, "image_size", 16)
        return {"pixel_values": torch.randn(ROWS, 3, size, size, generator=generator)}
    if model.main_input_name == "input_features":
        inputs = {"input_features": torch.randn(ROWS, 8, 24, generator=generator)}
    else:
        inputs = {"input_ids": tokens(generator, SOURCE)}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = tokens(generator, TARGET)
    return inputs


@torch.no_grad()
def output_of(model, inputs):
    """[rows, tokens, ...], or [rows, ...]."""
    output = model(**inputs)
    return output.logits if "logits" in output else output.last_hidden_state


def states_of(model, layer, inputs):
    inputs = dict(inputs)
    return head_states(model, layer, inputs.pop(model.main_input_name), **inputs)


@pytest.mark.parametrize(("name", "layer"), cuts("forward"))
def test_a_lossless_codec_changes_nothing(tiny, trail_of, name, layer):
    model = build(name)
    inputs, site, before = inputs_of(model), find_site(model, layer), tiny.trace(model)
    states = states_of(model, layer, inputs)
    codec = trail_of(site.channels)
    assert states.shape == (ROWS, states.shape[1], site.channels)
    plain = output_of(model, inputs)
    with compress_at(model, codec, layer=layer) as meter:
        coded = output_of(model, inputs)
    assert torch.equal(coded, plain)
    assert meter.tokens == states.shape[0] * states.shape[1]
    assert [frame[2] for frame in codec.log] == states[:, :, 0].tolist()
    assert tiny.trace(model) == before


@pytest.mark.parametrize(("name", "layer"), cuts("tail"))
def test_head_and_tail_are_the_model(name, layer):
    model, case = build(name), CASES[name]
    inputs = inputs_of(model)
    site = find_site(model, layer)
    states = states_of(model, layer, inputs)
    beside = inputs if site.split.needs_tokens else {}
    if model.config.is_encoder_decoder:  # what goes into the other part
        beside = {key: value for key, value in inputs.items() if (key == "decoder_input_ids") == (layer < LAYERS)}
    with torch.no_grad():
        tail = run_tail(model, layer, states, **beside, **case.tail)
        assert torch.equal(tail, output_of(model, inputs))
        assert not torch.allclose(run_tail(model, layer, states.flip(1) * 0.5, **beside), tail, rtol=1e-3, atol=1e-3)


def padded(model, case, side):
    """Inputs whose first row is padded, with their masks, and its inputs without padding."""
    inputs = inputs_of(model)
    alone = {key: value[:1] for key, value in inputs.items()}
    masks = {"input_ids": ("attention_mask", 3), "decoder_input_ids": ("decoder_attention_mask", 2)}
    for key, (mask_key, count) in masks.items():
        if key in inputs:
            mask = torch.ones_like(inputs[key])
            mask[0, slice(0, count) if side == "left" else slice(-count, None)] = 0
            alone[key] = inputs[key][:1, mask[0].bool()]
            inputs[key], inputs[mask_key] = inputs[key] * mask, mask
            if case.positions and side == "left":
                inputs["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)
    return inputs, alone


@pytest.mark.parametrize(("name", "layer"), cuts("padding", {n: c for n, c in WORKING.items() if c.padding}))
def test_padded_rows(trail_of, name, layer):
    for side in CASES[name].padding:
        check_padded_rows(trail_of, name, layer, side)


def check_padded_rows(trail_of, name, layer, side):
    model, case = build(name), CASES[name]
    inputs, alone = padded(model, case, side)
    plain, site = output_of(model, inputs), find_site(model, layer)
    with compress_at(model, trail_of(site.channels), layer=layer) as meter:
        coded = output_of(model, inputs)
    with compress_at(model, trail_of(site.channels), layer=layer) as meter_alone:
        single = output_of(model, alone)
    kept = slice(-single.shape[1], None) if side == "left" else slice(single.shape[1])
    assert torch.equal(coded, plain)
    torch.testing.assert_close(coded[:1, kept], single, rtol=0, atol=1e-4 * float(single.abs().max()))
    whole = states_of(model, layer, inputs).shape[1]
    assert meter.tokens == meter_alone.tokens + whole, "the padded row costs what it costs alone, the other one all its tokens"


GENERATORS = {"greedy": {}, "beams": {"num_beams": BEAMS}, "sampling": {"do_sample": True}}


@pytest.mark.parametrize("kind", GENERATORS)
@pytest.mark.parametrize(("name", "layer"), cuts("generate", {n: c for n, c in WORKING.items() if build(n).can_generate()}))
def test_generation(trail_of, name, layer, kind):
    model = build(name)
    inputs = {key: value for key, value in inputs_of(model).items() if key != "decoder_input_ids"}
    if "input_ids" in inputs:
        inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])

    def generated():
        torch.manual_seed(1)
        settings = {"do_sample": False, "max_new_tokens": NEW, "min_new_tokens": NEW, "pad_token_id": 0, **GENERATORS[kind]}
        return model.generate(**inputs, **settings)

    plain, site = generated(), find_site(model, layer)
    with compress_at(model, trail_of(site.channels), layer=layer) as meter:
        assert torch.equal(generated(), plain)
    rows = ROWS * (BEAMS if kind == "beams" else 1)
    if not model.config.is_encoder_decoder:
        assert meter.tokens == rows * (SOURCE + NEW - 1)
    elif layer >= LAYERS:
        assert meter.tokens == rows * NEW  # the first is the token that the decoder starts with
    else:
        assert meter.tokens == ROWS * (12 if model.main_input_name == "input_features" else SOURCE)  # once, for all beams


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.refused])
def test_refused_with_the_reason(name):
    model = build(name)
    with pytest.raises(RdcodecError) as refused:
        find_site(model, 0)
    assert str(refused.value) == f"model: the architecture {name!r} cannot be cut: {REFUSED[name]}"


def test_the_table_has_all_architectures():
    types = {build(name).config.model_type for name in WORKING}
    assert types == set(ARCHITECTURES) and types <= set(known_architectures())
    assert {name for name, case in CASES.items() if case.refused} == set(REFUSED)
    assert len(types) >= 40


def test_the_document_is_current():
    path = Path(__file__).parents[2] / "docs" / "architectures.md"
    assert path.read_text() == document(), "write it again: python tests/splits/tiny_models.py > docs/architectures.md"


@pytest.mark.parametrize("name", ["clip", "siglip"])
def test_towers_of_a_model_are_cut_one_by_one(trail_of, name):
    model = build(name)
    pixels = torch.randn(ROWS, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    inputs = {"input_ids": tokens(torch.Generator().manual_seed(2), 5), "pixel_values": pixels}
    with torch.no_grad():
        plain = model(**inputs).logits_per_image
        with compress_at(model.vision_model, trail_of(32), layer=1) as seen, compress_at(model.text_model, trail_of(32), layer=1) as read:
            assert torch.equal(model(**inputs).logits_per_image, plain)
    assert seen.tokens == ROWS * (17 if name == "clip" else 16) and read.tokens == ROWS * 5


def test_a_tail_without_the_token_ids_that_its_blocks_use_is_refused():
    model = build("gemma3n_text")
    states = states_of(model, 1, inputs_of(model))
    for part in run_tail, run_head:
        with pytest.raises(RdcodecError, match="input_ids: the blocks of Gemma3nForCausalLM use them besides h"):
            part(model, 1, states)


@pytest.mark.parametrize("name", ["bart", "t5", "whisper"])
def test_a_head_ends_in_the_encoder(name):
    model = build(name)
    states = states_of(model, 0, inputs_of(model))
    with torch.no_grad():
        assert torch.equal(run_head(model, 2, states), states_of(model, 2, inputs_of(model)))
    with pytest.raises(RdcodecError, match="layer: expected one of the encoder's 3, got 4, which is the decoder's"):
        run_head(model, 4, states)


def test_blocks_that_share_keys_and_values_are_not_cut_apart():
    config = build("gemma3n_text").config.to_dict()
    shared = {"num_kv_shared_layers": 1, "layer_types": ["sliding_attention", "full_attention", "full_attention"]}
    model = transformers.Gemma3nForCausalLM(transformers.Gemma3nTextConfig(**{**config, **shared}))
    inputs = inputs_of(model.eval())
    with torch.no_grad():
        assert torch.equal(run_tail(model, 1, states_of(model, 1, inputs), **inputs), output_of(model, inputs))
    with pytest.raises(RdcodecError, match="layer: expected 0 to 1, got 2"):
        find_site(model, 2)


def predicts_each_token(model):
    return model.get_output_embeddings() is not None and model.main_input_name == "input_ids"


@pytest.mark.parametrize(("name", "layer"), cuts("measure", {n: c for n, c in WORKING.items() if predicts_each_token(build(n))}))
def test_calibration_measures_what_evaluation_does(name, layer):
    """The one through what enters the output head, a few positions at a time, the other by the model's own forward pass."""
    model = build(name)
    ids, codec = tokens(torch.Generator().manual_seed(3), SOURCE), IntegerCodec(find_site(model, layer).channels, 4)
    (row,) = evaluate(model, ids, [Setting("int4", codec, layer=layer)])
    bits, kl = HeldOut(model, layer, input_states(model, layer, ids), ids).measure(codec, codec.default_quality)
    assert kl == pytest.approx(row.kl, rel=1e-3, abs=2e-7) and kl > 5e-6
    assert bits == pytest.approx(row.bits_per_token, rel=0.05), "frames of whole windows"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bart", "t5"])
def test_an_encoder_and_a_decoder_are_given_the_same_text(name):
    model = build(name)
    text = "".join(map(chr, torch.randint(97, 120, (2600,), generator=torch.Generator().manual_seed(3))))
    ids = torch.tensor(letters(text[-256:])["input_ids"]).view(4, 64)
    with torch.no_grad():
        logits = model(input_ids=ids, decoder_input_ids=ids).logits[:, :-1]
    losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
    for layer in (1, LAYERS + 1):
        codec = calibrate(model, letters, [text], layer, tokens=400)
        (row,) = evaluate(model, ids, [Setting("transform", codec, codec.max_quality, layer=layer)])
        assert row.perplexity == pytest.approx(float(losses.exp()), rel=0.01)
        (row,) = evaluate(model, ids, [Setting("transform", codec, layer=layer)])
        assert row.base_perplexity == pytest.approx(float(losses.exp()), rel=1e-4)
        assert 0.002 < row.kl < 0.3, "0.02 is the target, on windows of which single ones are an order of magnitude off"


def letters(text, verbose=False):
    return {"input_ids": [4 + (ord(letter) - 97) * 3 for letter in text]}


def test_what_makes_no_text_of_itself_is_refused(tmp_path):
    model = build("whisper")
    sounds = inputs_of(model)["input_features"]
    for use in (
        lambda: calibrate(model, letters, ["abc"], 1),
        lambda: calibrate_inputs(model, sounds, 1),
        lambda: evaluate(model, sounds, [Setting("int8", IntegerCodec(32, 8), layer=1)]),
        lambda: StateCache.open_inputs(tmp_path, model, sounds, 1),
    ):
        with pytest.raises(RdcodecError, match="WhisperForConditionalGeneration takes input_features and the text that belongs to them"):
            use()
