"""The last hidden state, behind all blocks and the final norm: what heads and poolers take, and what embeddings are made of."""

import pytest
import torch
from test_architectures import NEW, ROWS, SOURCE, WORKING, check_padded_rows, inputs_of, output_of, states_of
from tiny_models import BEAMS, LAYERS, build

from rdcodec import RdcodecError, compress_at
from rdcodec.codecs import IntegerCodec, RawCodec
from rdcodec.serving import part_of
from rdcodec.splits import find_site, run_head, run_tail
from rdcodec.splits.fingerprint import origin_of
from rdcodec.store import Store, capture
from rdcodec.store.texts import layer_states

# One of each kind of end: a norm, a pooler, a projection or nothing behind the blocks, text beside images, a map, a decoder with its encoder.
KINDS = ("llama", "bert", "opt", "llava", "mamba", "roberta", "vit", "resnet", "t5")
INT3 = {"codec": IntegerCodec(32, 3)}


def last(model):
    config = model.config
    if config.is_encoder_decoder:
        return 2 * LAYERS
    return sum(config.depths) if config.model_type == "resnet" else LAYERS


def beside(model, inputs):
    """What the tail is given besides: the tokens that blocks use, or what goes into the encoder."""
    if find_site(model, 0).split.needs_tokens or model.config.is_encoder_decoder:
        return {key: value for key, value in inputs.items() if key != "decoder_input_ids"}
    return {}


def own_last(model, inputs):
    """As transformers calls it."""
    with torch.no_grad():
        output = model.base_model(**inputs, output_hidden_states=True)
    return output.decoder_hidden_states[-1] if "decoder_hidden_states" in output else output.last_hidden_state


@pytest.mark.parametrize("name", WORKING)
def test_it_is_what_transformers_calls_so(tiny, trail_of, name):
    model = build(name)
    inputs, layer = inputs_of(model), last(model)
    own, before = own_last(model, inputs), tiny.trace(model)
    site, states = find_site(model, layer), states_of(model, layer, inputs)
    there = model.model.decoder.project_out(states) if name == "opt" else states  # which has narrower ones behind its norm
    assert site.is_last and states.shape == (ROWS, states.shape[1], site.channels)
    assert torch.equal(there, site.layout.to_tokens(own))
    codec, plain = trail_of(site.channels), output_of(model, inputs)
    with compress_at(model, codec, layer=layer) as meter:
        assert torch.equal(output_of(model, inputs), plain)
    assert meter.tokens == states.shape[0] * states.shape[1]
    assert [frame[2] for frame in codec.log] == states[:, :, 0].tolist()
    with torch.no_grad():
        assert torch.equal(run_tail(model, layer, states, **beside(model, inputs)), plain)
    assert tiny.trace(model) == before


@pytest.mark.parametrize("name", KINDS)
def test_the_output_is_of_what_arrived(name):
    model = build(name)
    inputs, layer = inputs_of(model), last(model)
    states = states_of(model, layer, inputs)
    arrived = torch.stack([torch.from_numpy(INT3["codec"].decode(INT3["codec"].encode(h.numpy()))) for h in states])
    with torch.no_grad():
        expected = run_tail(model, layer, arrived, **beside(model, inputs))
        with compress_at(model, **INT3, layer=layer):
            assert torch.equal(output_of(model, inputs), expected)
            if name != "opt":
                assert torch.equal(find_site(model, layer).layout.to_tokens(own_last(model, inputs)), arrived)
            assert torch.equal(run_tail(model, layer, states, **beside(model, inputs)), expected), "a tail begins before what is sent"
    assert not torch.allclose(expected, output_of(model, inputs), atol=1e-3)


@pytest.mark.parametrize("name", ["llama", "bert", "roberta", "mamba"])
def test_padding_is_not_sent(trail_of, name):
    check_padded_rows(trail_of, name, LAYERS, "right")


@pytest.mark.parametrize("beams", [1, BEAMS])
@pytest.mark.parametrize("name", ["llama", "bloom", "mamba", "gemma3n_text"])
def test_generation_goes_on_with_its_rows(trail_of, name, beams):
    model = build(name)
    ids = inputs_of(model)["input_ids"]

    def generated():
        settings = {"do_sample": False, "max_new_tokens": NEW, "min_new_tokens": NEW, "pad_token_id": 0, "num_beams": beams}
        return model.generate(ids, attention_mask=torch.ones_like(ids), **settings)

    plain, codec = generated(), trail_of(find_site(model, LAYERS).channels)
    with compress_at(model, codec, layer=LAYERS) as meter:
        assert torch.equal(generated(), plain)
    assert meter.tokens == ROWS * beams * (SOURCE + NEW - 1)


def test_heads_go_up_to_it():
    model = build("llama")
    inputs = inputs_of(model)
    with torch.no_grad():
        assert torch.equal(run_head(model, LAYERS, states_of(model, 0, inputs)), states_of(model, LAYERS, inputs))


def test_its_origin_is_all_blocks():
    model = build("llama")
    here = origin_of(model, LAYERS)
    assert here != origin_of(model, LAYERS - 1)
    changed = model.model.layers[-1].mlp.down_proj.weight
    with torch.no_grad():
        changed.neg_()
        try:
            assert origin_of(model, LAYERS) != here
        finally:
            changed.neg_()


def test_stores_keep_it(tmp_path):
    model = build("llama")
    inputs = inputs_of(model)
    with torch.no_grad(), capture(tmp_path / "states", model, [1, LAYERS], RawCodec(32)):
        model(**inputs)
    store = Store.open(tmp_path / "states")
    for layer in (1, LAYERS):
        states = states_of(model, layer, inputs).flatten(0, 1)
        assert torch.equal(torch.from_numpy(store[f"layer{layer}"][:]), states.half().float())
        assert torch.equal(layer_states(model, [1, LAYERS], inputs["input_ids"])[layer].flatten(0, 1), states)


def test_what_needs_blocks_behind_it_says_so():
    model = build("llama")
    with pytest.raises(RdcodecError, match="layer: expected 0 to 2, got 3, behind which there are no blocks"):
        part_of(model, LAYERS)
    with pytest.raises(RdcodecError, match="layer: expected 0 to 3, got 4"):
        find_site(model, LAYERS + 1)
