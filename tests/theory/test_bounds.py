"""Bounds at a layer: each against what it bounds, on a small model."""

import math

import numpy as np
import pytest
import torch
from learned_parts import learned_codec
from scipy import stats

from rdcodec import RdcodecError
from rdcodec.codecs import ContextCodec, DirectAccessCodec, GlobalStepCodec, IntegerCodec
from rdcodec.estimators import Estimate, cross_entropy_bound
from rdcodec.splits import head_states, run_head, run_tail
from rdcodec.stream import read_frame
from rdcodec.theory import entropy_norm, head_norm, head_norms, layer_bounds, token_entropy_bound
from rdcodec.theory.bounds import _gap, _gaussian_entropy, _over_windows, description_bits, fallback_rate

LAYER = 1  # of the codecs of learned_parts


@pytest.fixture(scope="module", params=[ContextCodec, DirectAccessCodec])
def codec(request, model, windows):
    h = torch.cat([head_states(model, LAYER, one[None])[0] for one in windows]).numpy()
    return learned_codec(request.param, model.config.hidden_size, h.std(axis=0).astype(np.float64) + 0.1)


@pytest.fixture(scope="module")
def bounds(model, windows, codec):
    return layer_bounds(model, windows, "learned", codec, 0, token_entropy_bound(model, windows))


def test_rate_is_that_of_real_frames(bounds, model, windows, codec):
    states = [head_states(model, LAYER, one[None])[0].numpy() for one in windows]
    bits = [8 * len(codec.encoder(0).encode(h)) / len(h) for h in states]
    assert bounds.rate.value == pytest.approx(np.mean(bits))
    assert (bounds.windows, bounds.tokens, bounds.layer, bounds.quality) == (5, 120, LAYER, 0)


def test_the_entropy_model_is_looked_at_where_it_codes(bounds, model, windows, codec):
    h = head_states(model, LAYER, windows[:1])[0].numpy()
    assert bounds.entropy_norm.value == entropy_norm(codec, h, 0).value > 0


def test_certificate_is_above_the_rate_and_no_more_than_the_fallback(bounds, codec):
    cap = fallback_rate(codec.channels, 24)
    assert 4 * codec.channels < cap < 5 * codec.channels
    assert min(bounds.rate.value, cap) <= bounds.certificate.value <= cap
    assert bounds.clipped == 0 or bounds.rate.value > bounds.certificate.terms["mean"]


def test_drawn_windows_are_about_the_text_they_were_drawn_from():
    values = np.random.default_rng(5).normal(900, 30, 24)
    plain = values.std(ddof=1) / np.sqrt(24)
    some, all_of_them = _over_windows(values, 240), _over_windows(values, 24)
    assert some.error == pytest.approx(plain * np.sqrt(0.9)) and some.terms["design_effect"] == pytest.approx(0.9)
    assert some.interval[1] == pytest.approx(values.mean() + stats.t(23).ppf(0.975) * some.error, rel=1e-6)
    assert all_of_them.error == 0 and all_of_them.interval == (values.mean(), values.mean())
    assert _over_windows(values, None).error >= plain


def test_bounds_over_families_are_no_more_than_trivial_and_say_so(bounds, codec):
    cap = fallback_rate(codec.channels, 24)
    assert bounds.pac.value == cap and bounds.pac.terms["vacuous"]
    assert bounds.pac.terms["complexity"] == pytest.approx(2 * codec.level_slope * 32 * bounds.complexity.value)
    assert bounds.occam.value <= cap and bounds.occam.terms["vacuous"]
    assert bounds.occam.terms["description"] == description_bits(codec)


def test_description_is_no_shorter_than_what_it_says(codec, tmp_path):
    codec.save_pretrained(tmp_path)
    raw = 8 * sum(path.stat().st_size for path in tmp_path.iterdir())
    assert raw / 100 < description_bits(codec) < raw


def test_gap_reaches_from_the_least_bound_on_the_entropy_to_the_rate(bounds):
    least = min(bounds.token_entropy.value, bounds.symbol_entropy.value)
    assert bounds.gap.value == pytest.approx(bounds.rate.value - least)
    low, high = bounds.gap.interval
    assert 0 < low < bounds.gap.value < high and high == bounds.rate.interval[1]


def test_gap_is_not_negative_where_no_bound_is_below_the_rate():
    rate, high, low = (Estimate.normal(value, 1.0, "bits", 5) for value in (20.0, 30.0, 4.0))
    assert (_gap(rate, 1.0, high, None).value, _gap(rate, 1.0, high, None).interval) == (0.0, (0.0, rate.interval[1]))
    assert _gap(rate, 1.0, high, low).value == 16.0 and _gap(rate, 1.0, low, high).interval[0] == pytest.approx(16 - 2 * 1.96, abs=0.01)


def test_gap_is_taken_apart():
    rate, symbols, tokens = (Estimate.normal(value, 1.0, "bits", 5) for value in (20.0, 13.0, 4.0))
    found = _gap(rate, 1.5, symbols, tokens)
    assert found.terms == {"container": 1.5, "models": 5.5, "text": 9.0} and sum(found.terms.values()) == found.value
    assert _gap(rate, 1.5, tokens, None).terms == {"container": 1.5, "models": 14.5}
    assert _gap(rate, 1.5, Estimate.normal(25, 1, "bits", 5), tokens).terms == {"container": 1.5, "models": -6.5, "text": 14.5}


def test_container_is_what_is_outside_of_payloads(bounds, model, windows, codec):
    frames = [codec.encoder(0).encode(head_states(model, LAYER, one[None])[0].numpy()) for one in windows]
    outside = [len(frame) - len(read_frame(frame).payload) for frame in frames]
    assert bounds.gap.terms["container"] == pytest.approx(8 * np.mean(outside) / 24) and 4 <= min(outside) < 20


def test_gaussian_entropy_of_symbols_is_a_sum_over_kinds():
    rng = np.random.default_rng(4)
    levels, side = np.rint(rng.normal(0, 3, (4000, 5))), np.stack([rng.integers(0, 4000, 4000), np.zeros(4000)], axis=1)
    gaussian = 0.5 * np.log2(2 * np.pi * np.e * (9 + 2 / 12))
    uniform = 0.5 * np.log2(2 * np.pi * np.e * 4000**2 / 12)
    constant = 0.5 * np.log2(2 * np.pi * np.e / 12)
    assert _gaussian_entropy(levels, side.astype(float)).value == pytest.approx(5 * gaussian + uniform + constant, abs=0.1)


def test_entropy_of_symbols_is_what_models_of_other_windows_pay(bounds, model, windows, codec):
    coded = [codec.symbols(head_states(model, LAYER, one[None])[0].numpy(), 0) for one in windows]
    expected = cross_entropy_bound(np.stack([np.concatenate(one, axis=1) for one in coded]))
    assert bounds.symbol_entropy == expected and expected.samples == 2


def test_token_entropy_is_the_cross_entropy_in_bits(model, windows):
    with torch.no_grad():
        nats = float(model(input_ids=windows, labels=windows).loss)
    size, vocabulary = windows.shape[1], model.config.vocab_size
    found = token_entropy_bound(model, windows)
    assert found.value == pytest.approx((nats / math.log(2) * (size - 1) + math.log2(vocabulary)) / size, rel=1e-5)
    assert found.error > 0


def test_symbols_are_all_that_a_frame_says(codec, model, windows):
    h = head_states(model, LAYER, windows[:1])[0].numpy()
    side, levels = codec.symbols(h, 0)
    references = 2 * codec.config["references"]
    assert side.shape == (24, 4 + codec.latents + references) and levels.shape == h.shape
    changed_side, changed = codec.symbols(1.5 * h, 0)
    assert not np.array_equal(levels, changed) or not np.array_equal(side, changed_side)
    with pytest.raises(RdcodecError, match="h: expected finite numbers"):
        codec.symbols(h[:, :-1])


def test_level_map_says_how_levels_follow_the_state(codec, model, windows):
    """A codec whose token has neither codeword nor mean to subtract would be this map exactly; others are so but for an offset."""
    h = head_states(model, LAYER, windows[:1])[0].numpy()
    fine = 40
    slope = np.abs(codec.level_map(fine)).max()
    assert slope == pytest.approx(32 * np.abs(codec.level_map(0)).max(), rel=0.2)  # 2**(40/8); the emphasis differs
    moved = h.copy()
    moved[-1] += 0.01
    levels, others = codec.symbols(h, fine)[1], codec.symbols(moved, fine)[1]
    assert np.array_equal(levels[:-1], others[:-1])


def test_level_slope_bounds_neighbouring_code_lengths(codec):
    arrays = codec.tables.to_arrays()
    counts, ends = arrays["counts"].astype(int), np.cumsum(arrays["counts"].astype(int))
    steepest = 0.0
    for table in range(codec.first_level_table, len(counts)):
        row = arrays["frequencies"][ends[table] - counts[table] : ends[table] - 1].astype(float)
        from_zero = row[-int(arrays["offsets"][table]) :]
        if len(from_zero) > 1:
            steepest = max(steepest, np.abs(np.diff(np.log2(from_zero))).max())
    assert codec.level_slope >= steepest - 0.02


def test_head_norm_is_that_of_the_jacobian(model, windows):
    one = windows[0, :6]
    start = head_states(model, 0, one[None])
    flat = start.flatten()

    def head(values):
        return run_head(model, 2, values.view(start.shape)).flatten()

    jacobian = torch.autograd.functional.jacobian(head, flat)
    found = head_norm(model, 2, one)
    assert found.value == pytest.approx(float(torch.linalg.matrix_norm(jacobian, 2)), rel=0.02)
    assert head_norm(model, 0, one).value == 1.0


def test_norms_of_many_inputs_are_those_of_each(model, windows):
    found = head_norms(model, 2, windows[:3], tokens=6, repeats=2, steps=6)
    each = [head_norm(model, 2, one, tokens=6).value for one in windows[:3]]
    assert found.value == pytest.approx(np.mean(each), rel=0.05) and found.samples == 3
    assert found.terms["least"] <= min(each) * 1.001 and 0 < found.terms["starts"] < 0.2
    assert found.terms["largest"] == pytest.approx(max(each), rel=0.05)
    with pytest.raises(RdcodecError, match="inputs: expected at least 2, the independent units, got 1"):
        head_norms(model, 2, windows[:1])


def test_the_head_that_begins_at_block_0_is_the_head(model, windows):
    start = head_states(model, 0, windows)
    for layer in (0, 1, 3):
        found = run_head(model, layer, start)
        torch.testing.assert_close(found, head_states(model, layer, windows))
    torch.testing.assert_close(run_tail(model, 3, found), model(input_ids=windows).logits)


def test_a_quality_without_levels_is_refused(model, windows, codec):
    with pytest.raises(RdcodecError, match="quality: expected one at which levels differ between tokens, got -64"):
        layer_bounds(model, windows, "learned", codec, codec.min_quality)


def test_what_has_no_symbols_is_refused(model, windows, codec):
    with pytest.raises(RdcodecError, match="codec: expected a transform codec or a learned one, got family 'int4'|integer"):
        layer_bounds(model, windows, "int4", IntegerCodec(32, 4))
    with pytest.raises(RdcodecError, match="expected at least 4 windows"):
        layer_bounds(model, windows[:3], "learned", codec)
    narrow = learned_codec(ContextCodec, 16, np.ones(16))
    with pytest.raises(RdcodecError, match="codec: expected 32 channels"):
        layer_bounds(model, windows, "learned", narrow)
    assert not hasattr(GlobalStepCodec, "symbols")
