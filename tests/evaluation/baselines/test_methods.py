"""What is particular to each method."""

import numpy as np
import pytest
from made_up import CHANNELS, error, states, transmitted

from rdcodec.codecs import IntegerCodec
from rdcodec.evaluation.baselines.codebook import CodebookCodec
from rdcodec.evaluation.baselines.counted import decode_counted, encode_counted
from rdcodec.evaluation.baselines.fourier import FourierCodec
from rdcodec.evaluation.baselines.kvtc import ComponentPlan, KVTCCodec
from rdcodec.evaluation.baselines.residual import ResidualCodec
from rdcodec.evaluation.baselines.rotation import rotate, rotate_back
from rdcodec.evaluation.baselines.sparse import SparseCodec
from rdcodec.evaluation.baselines.tokenwise import TokenwiseCodec


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 2, 3, 48, 576, 896])
def test_rotations_keep_lengths_and_turn_back(channels):
    h = states(5, channels=channels) if channels > 3 else np.random.default_rng(0).normal(size=(5, channels)).astype(np.float32)
    y = rotate(h)
    np.testing.assert_allclose(np.linalg.norm(y, axis=1), np.linalg.norm(h, axis=1), rtol=1e-5)
    np.testing.assert_allclose(rotate_back(y), h, atol=1e-4 * np.abs(h).max())


@pytest.mark.parametrize("channels", [64, 576, 896])
def test_rotations_spread_every_channel(channels):
    """A channel on its own becomes values none of which is large."""
    y = rotate(np.eye(channels, dtype=np.float32))
    assert np.abs(y).max() < 8 / np.sqrt(channels)


def test_counted_symbols_come_back_at_the_cost_of_their_entropy():
    symbols = np.random.default_rng(0).geometric(0.3, 20_000) - 1
    data = b"abc" + encode_counted(symbols) + b"rest"
    found, end = decode_counted(data, 3, len(symbols))
    np.testing.assert_array_equal(found, symbols)
    assert data[end:] == b"rest"
    p = np.bincount(symbols) / len(symbols)
    assert 8 * (end - 3) < 1.01 * len(symbols) * -(p[p > 0] * np.log2(p[p > 0])).sum() + 600


@pytest.mark.parametrize("symbols", [[], [0], [5], [0] * 100, [70_000 % 4096, 1]])
def test_few_counted_symbols(symbols):
    found, _ = decode_counted(encode_counted(np.array(symbols, int)), 0, len(symbols))
    assert found.tolist() == symbols


def test_quantile_codebooks_hold_few_values_exactly():
    h = np.random.default_rng(0).integers(0, 100, (64, CHANNELS)).astype(np.float32)
    decoded, size = transmitted(CodebookCodec(CHANNELS, "quantile"), h, 64)
    np.testing.assert_allclose(decoded, h, atol=1e-4)
    assert h.size + 1024 < size < h.size + 1024 + 32


def test_uniform_codebooks_have_the_error_of_their_width():
    h = np.random.default_rng(0).normal(3, 2, (512, CHANNELS)).astype(np.float32)
    decoded, _ = transmitted(CodebookCodec(CHANNELS, "uniform"), h, 512)
    inside = np.abs(h - 3) < 5.5
    assert np.square(decoded - h)[inside].mean() == pytest.approx((6 * 2 / 256) ** 2 / 12, rel=0.05)


def test_low_frequencies_pass():
    """What varies slowly along channels comes through, the rest does not."""
    t, c = np.mgrid[0:32, 0:CHANNELS]
    slow = (np.cos(2 * np.pi * (3 * c / CHANNELS + t / 32))).astype(np.float32)
    fast = np.cos(2 * np.pi * 20 * c / CHANNELS).astype(np.float32)
    decoded, size = transmitted(FourierCodec(CHANNELS, 0.3), slow + fast, 32)
    np.testing.assert_allclose(decoded, slow, atol=2e-3)
    assert size == pytest.approx(32 * round(0.3 * 25) * 4, abs=32)


def test_sparse_states_cost_little_and_keep_their_zeros():
    h = np.zeros((64, CHANNELS), np.float32)
    h[np.arange(64), np.arange(64) % CHANNELS] = 5
    decoded, size = transmitted(SparseCodec(CHANNELS, 8), h, 64)
    np.testing.assert_allclose(decoded, h, atol=1e-5)
    assert size < 300


def test_sparse_errors_are_within_half_a_step():
    h = states(64)
    decoded, _ = transmitted(SparseCodec(CHANNELS, 8), h, 64)
    assert np.abs(decoded - h).max() <= 0.51 * 2 * (h.max() - min(h.min(), 0)) / 255


def test_tokens_get_the_bits_that_they_need():
    h = states(32)
    codec = TokenwiseCodec(CHANNELS, 0.05, 5.0)
    decoded, _ = transmitted(codec, h, 32)
    kept = np.abs(h) <= 5
    errors = np.sqrt((np.square(decoded - h) * kept).mean(axis=1))
    assert errors.max() <= 0.051
    np.testing.assert_array_equal(decoded[~kept], h[~kept].astype(np.float16))
    bits = codec._bits(np.where(kept, h, 0))
    assert codec._bits(0.01 * h).max() == 1 < bits.min()


def test_repeated_tokens_cost_no_error():
    """A multiple of an earlier token is found: only the first one's error is left."""
    h = np.tile(states(4), (8, 1))
    alone, beside = IntegerCodec(CHANNELS, 4, 16), ResidualCodec(CHANNELS, 4, 16)
    errors = [np.square(transmitted(codec, h)[0] - h)[4:].mean() for codec in (alone, beside)]
    assert errors[1] < 0.02 * errors[0]
    assert error(beside, h[:1]) == pytest.approx(error(alone, h[:1]))


def test_earlier_tokens_are_those_of_the_window():
    h = np.concatenate([states(1), states(4, 5), states(1)])
    far, near = (error(ResidualCodec(CHANNELS, 3, 48, window), h[[0, 1, 2, 3, 4, 5]], 1) for window in (8, 2))
    assert far < near


def test_components_beat_plain_integers():
    """Of states with few large components, at fewer bits."""
    h = states(256, 2)
    plan = ComponentPlan(states(1000, 1), "frame", most=256)
    decoded, size = transmitted(KVTCCodec(plan, 2 * CHANNELS), h, 256)
    integers, integer_size = transmitted(IntegerCodec(CHANNELS, 4, 16), h, 256)
    assert size < 0.7 * integer_size
    assert np.square(decoded - h).mean() < np.square(integers - h).mean()


def test_bits_fall_with_the_variance_of_components():
    plan = ComponentPlan(states(1000, 1), "frame", most=256)
    bits = np.concatenate([[group.bits] * group.size for group in plan.groups(100)])
    assert bits[0] > bits[-1] and (np.diff(bits) <= 1).all()


def test_sinks_are_float16_and_only_the_first_tokens():
    h = states(20)
    h[:2] *= 1000
    plan = ComponentPlan(states(500, 1), "token", most=256)
    decoded, _ = transmitted(KVTCCodec(plan, 200, sinks=2), h, 1)
    np.testing.assert_array_equal(decoded[:2], h[:2].astype(np.float16))
    assert (decoded[2:] != h[2:].astype(np.float16)).any(axis=1).all()
