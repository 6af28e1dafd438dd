"""One step, a table a channel."""

import numpy as np
import pytest
import torch

from rdcodec import Codec, RdcodecError
from rdcodec.codecs import GlobalStepCodec
from rdcodec.entropy import FrequencyTables


def test_values_are_the_nearest_multiples_of_the_step(states):
    codec, h = GlobalStepCodec.fit(states(500), 0.37), states(60, seed=5)
    step = np.float32(0.37)
    np.testing.assert_array_equal(codec.decode(codec.encode(h)), np.rint(h / step) * step)


def test_real_bytes_are_near_the_entropy_of_other_data_of_the_same_kind(states):
    train, test = states(4000), states(512, seed=1)
    codec = GlobalStepCodec.fit(train, 1.0)
    bits = 8 * len(codec.encoder().encode(test))
    symbols = np.rint(np.concatenate([train, states(20000, seed=2)])).astype(int)
    entropy = 0
    for channel in symbols.T:
        frequency = np.unique(channel, return_counts=True)[1] / len(channel)
        entropy -= (frequency * np.log2(frequency)).sum()
    assert 0.97 < bits / (512 * entropy) < 1.03


def test_real_bytes_are_the_ideal_code_length(states):
    codec, h = GlobalStepCodec.fit(states(3000), 0.5), states(512, seed=1)
    symbols = np.rint(h / np.float32(0.5)).astype(np.int32)
    index = np.tile(np.arange(70, dtype=np.uint16), (512, 1))
    assert 8 * len(codec.encoder().encode(h)) <= 1.003 * codec.tables.ideal_bits(symbols, index)


def test_channels_may_lie_anywhere(states):
    offset = np.linspace(-30000, 30000, 70).astype(np.float32)
    near, far = (GlobalStepCodec.fit(states(1000) + shift, 1.0) for shift in (0, np.rint(offset)))
    h = states(100, seed=1)
    assert len(far.encode(h + np.rint(offset))) < 1.02 * len(near.encode(h))


def test_values_never_seen_are_escaped(states):
    codec = GlobalStepCodec.fit(states(200), 1.0)
    h = states(20, seed=1)
    h[4, 5], h[7, 8] = 26000, -(2.0**31) + 128
    decoded = codec.decode(codec.encode(h))
    assert decoded[4, 5] == 26000
    assert decoded[7, 8] == -(2.0**31) + 128  # the largest that is coded


@pytest.mark.parametrize("value", [-1e30, 2.0**31, np.finfo(np.float32).max])
def test_values_that_int32_steps_do_not_reach_are_refused(states, value):
    h, message = states(200), r"h: expected magnitudes below 2.14748e\+09, 2\*\*31 - 1 steps, got .* at index \(7, 8\)"
    codec = GlobalStepCodec.fit(h, 1.0)
    encoder = codec.encoder()
    expected = encoder.fork().encode(h[:20])
    wrong = h[:20].copy()
    wrong[7, 8] = wrong[9, 1] = value
    with pytest.raises(RdcodecError, match=message):
        encoder.encode(wrong)
    assert encoder.encode(h[:20]) == expected
    with pytest.raises(RdcodecError, match=message):
        GlobalStepCodec.fit(wrong, 1.0)


def test_channels_of_any_shape_are_saved_and_loaded(tmp_path):
    """A spike over a flat floor costs too much with an entry a symbol, so its table is a wide one."""
    rng = np.random.default_rng(8)
    h = np.where(rng.random((20_000, 3)) < 0.01, rng.integers(-500, 501, (20_000, 3)), 0).astype(np.float32)
    codec = GlobalStepCodec.fit(h, 1.0)
    assert "runs" in codec.tables.to_arrays()
    codec.save_pretrained(tmp_path)
    again = Codec.from_pretrained(tmp_path)
    assert again.codec_id == codec.codec_id
    stream = codec.encode(h[:3000])
    assert again.encode(h[:3000]) == stream
    np.testing.assert_array_equal(again.decode(stream), h[:3000])
    rare = np.log2(1000 / 0.01)
    bits = 8 * len(stream) / h[:3000].size
    assert bits <= -0.99 * np.log2(0.99) + 0.01 * rare + 0.03


def test_one_token_and_constant_channels_can_be_fitted():
    for h in (np.ones((1, 5), np.float32), np.tile(np.float32([3, -1e9, 0, 1, 2]), (50, 1))):
        codec = GlobalStepCodec.fit(h, 1.0)
        np.testing.assert_array_equal(codec.decode(codec.encode(h)), h)


def test_tensors_fit_too(states):
    h = states(300)
    assert GlobalStepCodec.fit(torch.from_numpy(h), 0.5).codec_id == GlobalStepCodec.fit(h, 0.5).codec_id


@pytest.mark.parametrize("step", [0, -1.0, np.nan, np.inf, 1e-60])
def test_steps_that_are_none(step):
    with pytest.raises(RdcodecError, match="step: expected a finite number above 0"):
        GlobalStepCodec.fit(np.ones((3, 2), np.float32), step)


def test_misuse():
    with pytest.raises(RdcodecError, match=r"h: expected \[tokens, channels\] with at least one token, got shape \(0, 4\)"):
        GlobalStepCodec.fit(np.ones((0, 4), np.float32), 1.0)
    with pytest.raises(RdcodecError, match=r"got nan at index \(0, 1\)"):
        GlobalStepCodec.fit(np.float32([[0, np.nan]]), 1.0)
    with pytest.raises(RdcodecError, match="tables: expected 3, one a channel, got 2"):
        GlobalStepCodec(3, 1.0, FrequencyTables.gaussian([1.0, 2.0]))
