"""Models whose hidden states travel as bytes, in one forward pass and token by token."""

import copy
import io
import math

import numpy as np
import pytest
import torch
from block_parts import calibrated_codec
from transformers import DynamicCache, LogitsProcessor, LogitsProcessorList

from rdcodec import RdcodecError
from rdcodec.codecs import IntegerCodec, RawCodec
from rdcodec.splits import Meter, compress_at, head_states, run_tail

NEW = 5


def logits_of(model, inputs, **kwargs):
    with torch.no_grad():
        return model(inputs, **kwargs).logits


def generated(model, ids, mask=None, **kwargs):
    mask = torch.ones_like(ids) if mask is None else mask
    return model.generate(ids, attention_mask=mask, max_new_tokens=NEW, do_sample=False, **kwargs)


def left_padded(ids):
    mask = torch.ones_like(ids)
    mask[0, :4] = 0
    return ids * mask, mask


@pytest.mark.parametrize("layer", [0, 3])
def test_a_lossless_codec_changes_nothing(tiny, model, trail, layer):
    inputs = tiny.inputs(model)
    plain = logits_of(model, inputs)
    before = tiny.trace(model)
    with compress_at(model, trail, layer=layer) as meter:
        assert torch.equal(logits_of(model, inputs), plain)
    assert tiny.trace(model) == before
    states = head_states(model, layer, inputs)
    assert meter.tokens == states.shape[0] * states.shape[1]
    assert [frame[2] for frame in trail.log] == states[:, :, 0].tolist()


def test_a_codec_whose_transforms_are_where_the_model_is(tiny, model):
    codec = calibrated_codec(np.ones(tiny.channels), blocks=False)
    inputs, sent = tiny.inputs(model), []
    for own in (codec, codec.to(model.device)):
        with compress_at(model, own, layer=2, any_layer=True) as meter:
            sent.append((logits_of(model, inputs), meter.bytes))
    (logits, count), (moved_logits, moved_count) = sent
    assert moved_count == count
    assert torch.equal(moved_logits, logits)


def pickled(model):
    buffer = io.BytesIO()
    torch.save(model, buffer)
    return buffer.getvalue()


def loaded(data):
    return torch.load(io.BytesIO(data), weights_only=False)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: loaded(pickled(model))], ids=["deepcopy", "torch.save"])
def test_copies_of_a_model_are_plain(tiny, model, duplicate):
    inputs = tiny.inputs(model)
    plain = logits_of(model, inputs)
    with compress_at(model, IntegerCodec(tiny.channels, bits=2), layer=2) as meter:
        compressed = logits_of(model, inputs)
        bytes_sent = meter.bytes
        twin = duplicate(model)
        assert torch.equal(logits_of(twin, inputs), plain)
        assert torch.equal(logits_of(copy.deepcopy(twin), inputs), plain)
        assert meter.bytes == bytes_sent
        assert torch.equal(logits_of(model, inputs), compressed)
        with compress_at(twin, IntegerCodec(tiny.channels, bits=2), layer=2) as other:
            assert torch.equal(logits_of(twin, inputs), compressed)
        assert other.bytes == bytes_sent == meter.bytes - bytes_sent
    assert torch.equal(logits_of(twin, inputs), plain)


def test_a_pickled_model_does_not_ask_for_this_package(tiny):
    model = tiny.build("llama")
    with compress_at(model, IntegerCodec(tiny.channels, bits=2), layer=2):
        assert b"rdcodec" not in pickled(model)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_models_of_16_bits(tiny, model_type, dtype):
    model = tiny.build(model_type, getattr(torch, dtype))
    inputs = tiny.inputs(model)
    inputs = inputs.to(model.dtype) if inputs.is_floating_point() else inputs
    plain = logits_of(model, inputs)
    with compress_at(model, RawCodec(tiny.channels, dtype), layer=2) as meter:
        assert torch.equal(logits_of(model, inputs), plain)
    assert meter.bits_per_token > 16 * tiny.channels
    assert meter.ratio == pytest.approx(1, rel=0.02)


def test_numbers_of_any_type_are_taken(tiny):
    model = tiny.build("llama")
    with compress_at(model, RawCodec(tiny.channels), np.int32(0), layer=np.int64(2), frame_tokens=np.uint8(4)) as meter:
        logits_of(model, tiny.inputs(model))
    assert meter.tokens == 22


class TooLargeCodec(RawCodec):
    """What arrives is larger than 16 bits hold."""

    family = "too-large"

    def _decode_tokens(self, *arguments):
        return np.copysign(np.finfo(np.float32).max, super()._decode_tokens(*arguments))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_values_beyond_the_element_type_are_clipped(tiny, dtype):
    model = tiny.build("llama", dtype)
    seen = []
    with compress_at(model, TooLargeCodec(tiny.channels), layer=1):
        model.model.layers[1].register_forward_pre_hook(lambda block, args: seen.append(args[0]))
        logits_of(model, tiny.inputs(model))
    assert seen[0].dtype == dtype and (seen[0].abs() == torch.finfo(dtype).max).all()


@pytest.mark.parametrize("frame_tokens", [None, 1, 4])
def test_a_lossy_codec_does_what_its_bytes_say(tiny, model, frame_tokens):
    codec = IntegerCodec(tiny.channels, bits=4, group=32)
    inputs = tiny.inputs(model)
    states = head_states(model, 2, inputs)
    with compress_at(model, codec, layer=2, frame_tokens=frame_tokens) as meter:
        coded = logits_of(model, inputs)
    with torch.no_grad():
        expected = run_tail(model, 2, torch.from_numpy(codec.decode(codec.encode(states))))
    assert torch.equal(coded, expected)
    assert not torch.allclose(coded, logits_of(model, inputs), atol=1e-3)
    rows, tokens, _ = states.shape
    frames = []
    for row in states:
        encoder = codec.encoder()
        frames += [encoder.encode(part) for part in row.split(frame_tokens or tokens)]
    assert (meter.tokens, meter.bytes) == (rows * tokens, sum(map(len, frames)))
    assert meter.bits_per_token == 8 * meter.bytes / meter.tokens
    assert meter.ratio == pytest.approx(16 * tiny.channels / meter.bits_per_token)
    assert meter.encode_seconds > 0 and meter.decode_seconds > 0


def test_padding_passes_unchanged_and_costs_nothing(tiny, model, trail):
    if model.main_input_name != "input_ids":
        pytest.skip("images have no padding")
    ids = tiny.inputs(model, rows=3)
    mask = torch.ones_like(ids)
    mask[0, :4] = 0
    mask[1, -3:] = 0
    mask[2] = 0
    codec = IntegerCodec(tiny.channels, bits=3)
    states = head_states(model, 2, ids, mask)
    kept = mask.bool()
    states[kept] = torch.from_numpy(codec.decode(codec.encode(states[kept])))
    with compress_at(model, codec, layer=2) as meter:
        coded = logits_of(model, ids, attention_mask=mask)
    with torch.no_grad():
        assert torch.equal(coded, run_tail(model, 2, states, mask))
    assert meter.tokens == mask.sum()
    plain = logits_of(model, ids, attention_mask=mask)
    with compress_at(model, trail, layer=2):
        assert torch.equal(logits_of(model, ids, attention_mask=mask), plain)
    assert [frame[:2] for frame in trail.log] == [(0, 7), (0, 8)]


def test_the_mask_may_be_given_by_position(tiny, trail):
    model = tiny.build("llama")
    ids, mask = left_padded(tiny.inputs(model))
    with compress_at(model, trail, layer=1) as meter, torch.no_grad():
        model.model(ids, mask)
    assert meter.tokens == mask.sum()


@pytest.mark.parametrize("layer", [0, 2])
def test_generation_goes_token_by_token(tiny, causal_model, trail, layer):
    ids = tiny.inputs(causal_model)
    plain = generated(causal_model, ids)
    with compress_at(causal_model, trail, layer=layer) as meter:
        assert torch.equal(generated(causal_model, ids), plain)
        frames = [(0, 11)] * 2 + [(11 + i, 1) for i in range(NEW - 1) for _ in range(2)]
        assert [frame[:2] for frame in trail.log] == frames
        assert meter.tokens == 2 * (11 + NEW - 1)
        trail.log.clear()
        generated(causal_model, ids[:1, :6])
        assert [frame[:2] for frame in trail.log] == [(0, 6), (6, 1), (7, 1), (8, 1), (9, 1)]  # a new prompt starts anew


@pytest.mark.parametrize("layer", [0, 2])
def test_generation_of_padded_batches(tiny, causal_model, trail, layer):
    ids, mask = left_padded(tiny.inputs(causal_model))
    plain = generated(causal_model, ids, mask)
    with compress_at(causal_model, trail, layer=layer) as meter:
        assert torch.equal(generated(causal_model, ids, mask), plain)
    assert meter.tokens == mask.sum() + 2 * (NEW - 1)
    assert [frame[:2] for frame in trail.log[:4]] == [(0, 7), (0, 11), (7, 1), (11, 1)]


def test_lossy_generation_equals_the_lossy_forward_pass(tiny, causal_model):
    codec = IntegerCodec(tiny.channels, bits=4)
    ids = tiny.inputs(causal_model)
    with compress_at(causal_model, codec, layer=2):
        out = generated(causal_model, ids, output_logits=True, return_dict_in_generate=True)
        whole = logits_of(causal_model, out.sequences[:, :-1])
    torch.testing.assert_close(torch.stack(out.logits, 1), whole[:, 10:], rtol=1e-3, atol=1e-3)


def test_prompts_in_turn_keep_their_own_state(tiny, causal_model, trail):
    ids = tiny.inputs(causal_model)
    with compress_at(causal_model, trail, layer=2), torch.no_grad():
        first = causal_model(ids[:1, :6], use_cache=True).past_key_values
        second = causal_model(ids[1:, :8], use_cache=True).past_key_values
        causal_model(ids[:1, 6:9], past_key_values=first, use_cache=True)
        causal_model(ids[1:, 8:9], past_key_values=second, use_cache=True)
        causal_model(ids[:1, 9:], past_key_values=first, use_cache=True)
    assert [frame[:2] for frame in trail.log] == [(0, 6), (0, 8), (6, 3), (8, 1), (9, 2)]


def test_a_copied_cache_goes_on_from_its_prompt(tiny, trail):
    model = tiny.build("llama")
    ids = tiny.inputs(model, rows=1)
    with compress_at(model, trail, layer=2), torch.no_grad():
        cache = model(ids[:, :6], use_cache=True).past_key_values
        for _ in range(2):
            generated(model, ids, past_key_values=copy.deepcopy(cache))
    starts = [frame[:2] for frame in trail.log]
    assert starts == [(0, 6)] + 2 * [(6, 5), (11, 1), (12, 1), (13, 1), (14, 1)]


def test_a_cache_filled_before_starts_anew(tiny, trail):
    model = tiny.build("gpt2")
    ids = tiny.inputs(model, rows=1)
    cache = DynamicCache(config=model.config)
    with torch.no_grad():
        model(ids[:, :6], past_key_values=cache, use_cache=True)
        with compress_at(model, trail, layer=2):
            model(ids[:, 6:], past_key_values=cache, use_cache=True)
    assert [frame[:2] for frame in trail.log] == [(0, 5)]


@pytest.mark.parametrize("layer", [0, 2])
def test_beam_search_moves_the_rows_with_their_hypotheses(tiny, layer, trail):
    model = tiny.build("llama")
    ids = tiny.inputs(model)
    trails = []

    class Compare(LogitsProcessor):
        """At each step `input_ids` holds the hypotheses: the states that were coded for each row must be theirs."""

        def __call__(self, input_ids, scores):
            coded = [frame[2] for frame in trail.log[-len(input_ids) :]]
            trails.append((head_states(model, 0, input_ids)[:, :, 0].tolist(), coded))
            return scores

    plain = generated(model, ids, num_beams=3)
    with compress_at(model, trail, layer=0):
        beams = generated(model, ids, num_beams=3, logits_processor=LogitsProcessorList([Compare()]))
    assert torch.equal(beams, plain)
    assert len(trails) == NEW
    for expected, coded in trails:
        assert coded == expected


def test_assisted_decoding(tiny, trail):
    model = tiny.build("llama")
    ids = tiny.inputs(model, rows=1).repeat(1, 2)
    lookup = {"prompt_lookup_num_tokens": 3, "eos_token_id": 1}
    plain = generated(model, ids, **lookup)
    with compress_at(model, trail, layer=2) as meter:
        assert torch.equal(generated(model, ids, **lookup), plain)
    assert meter.tokens >= 22 + NEW - 1


def test_two_layers_at_once(tiny, trail):
    model = tiny.build("gpt_neox")
    inputs = tiny.inputs(model)
    plain = logits_of(model, inputs)
    with compress_at(model, trail, layer=1) as first, compress_at(model, trail, layer=3) as second:
        assert torch.equal(logits_of(model, inputs), plain)
    assert first.tokens == second.tokens == 22


def test_an_empty_meter():
    assert math.isnan(Meter(channels=8).bits_per_token)


def test_exceptions_leave_the_model_untouched(tiny, trail):
    model = tiny.build("llama")
    ids = tiny.inputs(model)
    plain, before = logits_of(model, ids), tiny.trace(model)
    cache = DynamicCache(config=model.config)
    attributes = sorted(vars(cache))
    with pytest.raises(ZeroDivisionError), compress_at(model, trail, layer=2), torch.no_grad():
        model(ids, past_key_values=cache, use_cache=True)
        assert sorted(vars(cache)) != attributes
        raise ZeroDivisionError
    assert tiny.trace(model) == before and sorted(vars(cache)) == attributes
    ids[1, 4] = 96
    with torch.no_grad():
        model.model.embed_tokens.weight[96, 3] = float("nan")
    with pytest.raises(RdcodecError, match=r"h: expected finite values, got nan at index \(1, 4, 3\)"), compress_at(model, trail, layer=0):
        logits_of(model, ids)
    assert tiny.trace(model) == before
    assert torch.equal(logits_of(model, tiny.inputs(model)), plain)


def test_the_batch_may_not_change_in_the_middle(tiny, trail):
    model = tiny.build("llama")
    ids = tiny.inputs(model, rows=3)
    with compress_at(model, trail, layer=0), torch.no_grad():
        cache = model(ids[:2], use_cache=True).past_key_values
        with pytest.raises(RdcodecError, match="the batch changed from 2 to 3 rows in the middle of a prompt"):
            model(ids, past_key_values=cache, use_cache=True)


def test_caches_that_change_their_rows_take_the_state_along(tiny, trail):
    model = tiny.build("llama")
    ids = tiny.inputs(model, rows=3)
    with compress_at(model, trail, layer=0), torch.no_grad():
        cache = model(ids, use_cache=True).past_key_values
        cache.batch_repeat_interleave(2)
        cache.batch_select_indices(torch.tensor([5, 0]))
        model(ids[:2, :1], past_key_values=cache, use_cache=True)
        states = head_states(model, 0, torch.cat([ids[[2, 0]], ids[:2, :1]], 1))
    assert [frame[2] for frame in trail.log[-2:]] == states[:, :, 0].tolist()


def test_masks_of_static_caches_are_refused(tiny, trail):
    model = tiny.build("llama")
    with compress_at(model, trail, layer=2), pytest.raises(RdcodecError, match="attention_mask: expected .* use the dynamic one"):
        logits_of(model, tiny.inputs(model), attention_mask=torch.ones(2, 1, 11, 11, dtype=torch.bool))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": 5}, "layer: expected 0 to 4, got 5"),
        ({"codec": RawCodec(63)}, "codec: expected 64 channels as the model has, got 63"),
        ({"quality": 1}, "quality: expected an integer 0 to 0, got 1"),
        ({"frame_tokens": 0}, "frame_tokens: expected 1 to 4096, got 0"),
        ({"frame_tokens": 4097}, "frame_tokens: expected 1 to 4096, got 4097"),
    ],
)
def test_misuse_is_refused_at_once(tiny, arguments, message):
    model = tiny.build("llama")
    before = tiny.trace(model)
    with pytest.raises(RdcodecError, match=message), compress_at(model, **{"layer": 1, "codec": RawCodec(64), **arguments}):
        pytest.fail("opened")
    assert tiny.trace(model) == before


def test_states_that_need_a_gradient(tiny, trail):
    model = tiny.build("gpt2")
    inputs = tiny.inputs(model)
    plain = model(inputs).logits
    with compress_at(model, trail, layer=2):
        coded = model(inputs).logits
    assert torch.equal(coded, plain)
    coded.square().sum().backward()
    assert model.transformer.h[2].mlp.c_fc.weight.grad.abs().sum() > 0
    assert model.transformer.h[1].mlp.c_fc.weight.grad is None


def test_long_rows_are_split_into_frames(tiny):
    """Only the rate may depend on how a row is framed."""
    model = tiny.build("llama")
    codec = IntegerCodec(tiny.channels, bits=4)
    h = head_states(model, 2, tiny.inputs(model, rows=1, tokens=60))
    whole = codec.decode(codec.encode(h))
    encoder, decoder = codec.encoder(), codec.decoder()
    parts = [decoder.decode(encoder.encode(part)) for part in h[0].split(7)]
    assert np.array_equal(np.concatenate(parts), whole[0])


class GradedCodec(RawCodec):
    """Multiples of 2**-quality."""

    family = "graded-raw"

    def __init__(self, channels):
        super().__init__(channels)
        self.min_quality, self.max_quality = 0, 2

    def _encode_tokens(self, h, quality, state):
        return super()._encode_tokens(np.ldexp(np.rint(np.ldexp(h, quality)), -quality), quality, state)


@pytest.mark.parametrize("quality", [None, 0, 2])
def test_the_quality_is_that_of_the_codec(tiny, quality):
    model, codec = tiny.build("qwen3"), GradedCodec(tiny.channels)
    ids = tiny.inputs(model)
    h = head_states(model, 2, ids)
    with compress_at(model, codec, quality, layer=2):
        coded = logits_of(model, ids)
    with torch.no_grad():
        expected = run_tail(model, 2, torch.from_numpy(codec.decode(codec.encode(h, quality or 0))))
        other = run_tail(model, 2, torch.from_numpy(codec.decode(codec.encode(h, 1))))
    assert torch.equal(coded, expected) and not torch.equal(coded, other)
