"""Prompts follow their caches: any number of links, any kind of cache, copies and pickles of it."""

import copy
import io
import pickle

import pytest
import torch
import transformers
from tiny_models import CHANNELS, LAYERS, build
from transformers import DynamicCache, LogitsProcessor, LogitsProcessorList

from rdcodec.codecs import IntegerCodec
from rdcodec.splits import compress_at, head_states

NEW = 5


def cached(model, ids, cache=None):
    with torch.no_grad():
        return model(ids, cache=cache, use_cache=True)


def generated(model, ids, **kwargs):
    return model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW, do_sample=False, **kwargs)


def trails_of(model, layer, *rows):
    """First channel of all tokens of each row at a layer."""
    return [head_states(model, layer, row[None])[0, :, 0].tolist() for row in rows]


@pytest.fixture
def trails(trail):
    """One codec a layer."""
    return {layer: type(trail)() for layer in (0, 1, 2, 3)}


class Compare(LogitsProcessor):
    """At each step `input_ids` holds the hypotheses: the states that were coded at every layer must be theirs."""

    def __init__(self, model, trails):
        self.model, self.trails, self.steps = model, trails, 0

    def __call__(self, input_ids, scores):
        coded = {layer: [frame[2] for frame in trail.log[-len(input_ids) :]] for layer, trail in self.trails.items()}
        for layer, rows in coded.items():
            torch.testing.assert_close(rows, trails_of(self.model, layer, *input_ids), rtol=1e-3, atol=1e-3)
        self.steps += 1
        return scores


@pytest.mark.parametrize("first", [0, 3])
def test_beams_at_every_layer_at_once(tiny, trails, first):
    model = tiny.build("llama")
    ids = tiny.inputs(model)
    plain = generated(model, ids, num_beams=3)
    layers = [first, 3 - first]
    compare = Compare(model, {layer: trails[layer] for layer in layers})
    with compress_at(model, trails[layers[0]], layer=layers[0]), compress_at(model, trails[layers[1]], layer=layers[1]):
        beams = generated(model, ids, num_beams=3, logits_processor=LogitsProcessorList([compare]))
    assert torch.equal(beams, plain) and compare.steps == NEW


def test_links_open_and_close_in_any_order(tiny, trails):
    model = tiny.build("llama")
    ids = tiny.inputs(model, rows=2)
    links = {layer: compress_at(model, trails[layer], layer=layer) for layer in (0, 1, 2)}
    cache = DynamicCache(config=model.config)
    attributes, kind = sorted(vars(cache)), type(cache)
    for layer in (0, 1):
        links[layer].__enter__()
    cached(model, ids[:, :6], cache)
    links[2].__enter__()
    cache.reorder_cache(torch.tensor([1, 0]))
    cached(model, ids[[1, 0], 6:8], cache)
    links[0].__exit__(None, None, None)
    cache.batch_repeat_interleave(2)
    cache.batch_select_indices(torch.tensor([3, 1]))
    cached(model, ids[:, 8:10], cache)
    links[2].__exit__(None, None, None)
    cache.reorder_cache(beam_idx=torch.tensor([1, 1]))
    cached(model, ids[[1, 1], 10:], cache)
    links[1].__exit__(None, None, None)
    assert type(cache) is kind and sorted(vars(cache)) == attributes
    assert [frame[:2] for frame in trails[0].log] == [(0, 6)] * 2 + [(6, 2)] * 2
    assert [frame[:2] for frame in trails[1].log] == [(0, 6)] * 2 + [(6, 2)] * 2 + [(8, 2)] * 2 + [(10, 1)] * 2
    assert [frame[:2] for frame in trails[2].log] == [(0, 2)] * 2 + [(2, 2)] * 2  # of a prompt that began before it was opened
    expected = trails_of(model, 1, ids[1], ids[1])
    torch.testing.assert_close([frame[2] for frame in trails[1].log[-2:]], expected, rtol=1e-3, atol=1e-3)


def test_the_outer_link_goes_on_after_the_inner_one(tiny, trails):
    model = tiny.build("llama")
    ids = tiny.inputs(model, rows=3)
    with compress_at(model, trails[2], layer=2):
        with compress_at(model, trails[1], layer=1):
            cache = cached(model, ids[:, :9]).cache
        cache.reorder_cache(torch.tensor([2, 0, 1]))
        cached(model, ids[[2, 0, 1], 9:], cache)
    expected = trails_of(model, 2, *ids[[2, 0, 1]])
    torch.testing.assert_close([frame[2] for frame in trails[2].log[-3:]], expected, rtol=1e-3, atol=1e-3)


def test_two_links_at_one_layer(tiny, trails):
    model = tiny.build("gpt2")
    ids = tiny.inputs(model)
    plain = generated(model, ids, num_beams=2)
    with compress_at(model, trails[0], layer=2), compress_at(model, trails[1], layer=2):
        assert torch.equal(generated(model, ids, num_beams=2), plain)
    assert trails[0].log == trails[1].log


def test_copied_caches_take_the_rows_of_every_link_along(tiny, trails):
    model = tiny.build("llama")
    ids = tiny.inputs(model, rows=2)
    with compress_at(model, trails[1], layer=1), compress_at(model, trails[3], layer=3):
        cache = cached(model, ids[:, :6]).cache
        twin = copy.deepcopy(cache)
        twin.reorder_cache(torch.tensor([1, 1]))
        copied = copy.deepcopy(twin)
        cached(model, ids[:, 6:], cache)
        cached(model, ids[[1, 1], 6:], copied)
        assert twin.get_seq_length() == 6
    for layer in (1, 3):
        assert [frame[:2] for frame in trails[layer].log] == [(0, 6)] * 2 + [(6, 5)] * 4
        expected = trails_of(model, layer, ids[0], ids[1], ids[1], ids[1])
        torch.testing.assert_close([frame[2] for frame in trails[layer].log[2:]], expected, rtol=1e-3, atol=1e-3)
    assert type(twin) is type(copied) is DynamicCache


def torch_saved(cache):
    buffer = io.BytesIO()
    torch.save(cache, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "dump", [pickle.dumps, lambda cache: pickle.dumps(cache, 0), torch_saved], ids=["pickle", "pickle 0", "torch.save"]
)
def test_pickled_caches_are_plain(tiny, trail, dump):
    model = tiny.build("llama")
    ids = tiny.inputs(model)
    plain = cached(model, ids).logits
    with compress_at(model, trail, layer=2):
        cache = cached(model, ids[:, :6]).cache
        data = dump(cache)
        shallow = copy.copy(cache)
        cached(model, ids[:, 6:], cache)
    assert b"rdcodec" not in data and type(shallow) is DynamicCache
    loaded = torch.load(io.BytesIO(data), weights_only=False) if dump is torch_saved else pickle.loads(data)
    assert type(loaded) is DynamicCache and sorted(vars(loaded)) == sorted(vars(cache))
    loaded.reorder_cache(torch.tensor([1, 0]))
    torch.testing.assert_close(cached(model, ids[[1, 0], 6:], loaded).logits, plain[[1, 0], 6:])
    assert [frame[:2] for frame in trail.log] == [(0, 6)] * 2 + [(6, 5)] * 2


def test_a_cache_that_is_emptied_begins_another_prompt(tiny, trail):
    model = tiny.build("llama")
    ids = tiny.inputs(model)
    with compress_at(model, trail, layer=2):
        cache = cached(model, ids[:, :6]).cache
        cache.crop(-6)
        cached(model, ids, cache)
    assert [frame[:2] for frame in trail.log] == [(0, 6)] * 2 + [(0, 11)] * 2


def test_crops_of_assisted_decoding_at_two_layers(tiny, trails):
    model = tiny.build("llama")
    ids = tiny.inputs(model, rows=1).repeat(1, 2)
    lookup = {"prompt_lookup_num_tokens": 3, "eos_token_id": 1}
    plain = generated(model, ids, **lookup)
    with compress_at(model, trails[1], layer=1) as first, compress_at(model, trails[2], layer=2) as second:
        assert torch.equal(generated(model, ids, **lookup), plain)
    assert first.tokens == second.tokens >= 22 + NEW - 1


@pytest.fixture(params=["jamba", "qwen3_next", "lfm2", "falcon_h1", "recurrent_gemma", "mamba", "mamba2"])
def hybrid(request):
    return build(request.param)


@pytest.mark.parametrize("layer", range(LAYERS))
def test_prompts_of_hybrid_caches(tiny, hybrid, trail_of, layer):
    """At layers of attention and of others: a prompt begins once, and tokens follow one by one."""
    ids, trail = tiny.inputs(hybrid), trail_of(CHANNELS)
    plain = generated(hybrid, ids)
    with compress_at(hybrid, trail, layer=layer) as meter:
        assert torch.equal(generated(hybrid, ids), plain)
        frames = [(0, 11)] * 2 + [(11 + i, 1) for i in range(NEW - 1) for _ in range(2)]
        assert [frame[:2] for frame in trail.log] == frames
        trail.log.clear()
        generated(hybrid, ids[:1, :6])
        assert [frame[:2] for frame in trail.log] == [(0, 6), (6, 1), (7, 1), (8, 1), (9, 1)]
    assert meter.tokens == 2 * (11 + NEW - 1) + 10


def test_beams_of_hybrid_caches(tiny, hybrid, trail_of):
    ids, trails = tiny.inputs(hybrid), {layer: trail_of(CHANNELS) for layer in (1, 2)}
    plain = generated(hybrid, ids, num_beams=2)
    with compress_at(hybrid, trails[1], layer=1), compress_at(hybrid, trails[2], layer=2):
        assert torch.equal(generated(hybrid, ids, num_beams=2), plain)
    assert [frame[:2] for frame in trails[1].log] == [frame[:2] for frame in trails[2].log]


BART = {"d_model": 64, "encoder_layers": 4, "decoder_layers": 4, "encoder_attention_heads": 4, "decoder_attention_heads": 4}


def bart():
    config = transformers.BartConfig(
        vocab_size=97, **BART, encoder_ffn_dim=96, decoder_ffn_dim=96, max_position_embeddings=64, forced_eos_token_id=None, eos_token_id=96
    )
    return transformers.BartForConditionalGeneration(config)


@pytest.mark.parametrize("beams", [1, 3])
def test_caches_of_encoder_and_decoder(tiny, trails, beams):
    model = tiny.cut(bart, "decoder.layers")
    ids = tiny.inputs(model)
    plain = generated(model, ids, num_beams=beams)
    with compress_at(model, trails[1], layer=1) as meter, compress_at(model, trails[3], layer=3):
        assert torch.equal(generated(model, ids, num_beams=beams), plain)
    assert meter.tokens == 2 * beams * (plain.shape[1] - 1)
    for layer in (1, 3):
        assert [frame[:2] for frame in trails[layer].log] == [(i, 1) for i in range(plain.shape[1] - 1) for _ in range(2 * beams)]


@pytest.mark.parametrize("layer", [0, 1, 3])
@pytest.mark.parametrize("model_type", ["llama", "gpt2", "bert", "gemma3_text", "vit", "resnet"])
def test_hidden_states_show_what_arrived(tiny, model_type, layer):
    model = tiny.build(model_type)
    inputs = tiny.inputs(model)
    codec = IntegerCodec(tiny.channels, bits=4)
    sent = head_states(model, layer, inputs)
    arrived = torch.from_numpy(codec.decode(codec.encode(sent)))
    with compress_at(model, codec, layer=layer), torch.no_grad():
        for _ in range(2):  # transformers installs hooks of its own in the first
            shown = model(inputs, output_hidden_states=True)
            values = model(inputs, output_hidden_states=True, return_dict=False)[-1]
            for states in (shown.hidden_states, values):
                assert shown.logits is not None
                place = {0: 0, 1: 1, 3: 2}[layer] if model_type == "resnet" else layer
                state = states[place].flatten(2).mT if model_type == "resnet" else states[place]
                torch.testing.assert_close(state, arrived, rtol=0, atol=0)
