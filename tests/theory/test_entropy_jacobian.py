"""The Jacobian of entropy models: networks against those of the codec, norms against dense Jacobians."""

import numpy as np
import pytest
import torch
from learned_parts import learned_codec

from rdcodec import RdcodecError, calibrate_inputs
from rdcodec.calibration.tables import SCALES
from rdcodec.codecs import ContextCodec, DirectAccessCodec, FactorisedHyperpriorCodec, IntegerCodec
from rdcodec.codecs.grid import GRID_STEPS
from rdcodec.splits import head_states
from rdcodec.theory import entropy_norm, entropy_norms
from rdcodec.theory.entropy_jacobian import _at, _predicted, _slopes, networks_of

LAYER = 1  # of the codecs of learned_parts
FINE = 24


@pytest.fixture(scope="module")
def states(model, windows):
    return np.stack([head_states(model, LAYER, one[None])[0].numpy() for one in windows])


@pytest.fixture(scope="module", params=[ContextCodec, DirectAccessCodec, FactorisedHyperpriorCodec])
def codec(request, states):
    found = learned_codec(request.param, states.shape[-1], states.std(axis=(0, 1)).astype(np.float64) + 0.1)
    return type(found)({**found.config, "adaptation": 0}, found.tensors)


def test_scales_are_those_of_the_codec(codec, states):
    """At a fine quality, where what is decoded is what was coded; a token's own shift of its scales is one of few."""
    h = states[0]
    coded, at = codec.coded_symbols(h, FINE), _at(codec, h, FINE)
    _, predicted = _predicted(codec, networks_of(codec), at, torch.zeros(h.shape, dtype=torch.float64))
    table = (coded.level_tables.astype(int) - codec.first_level_table) % (2 * SCALES) // 2
    exponent = (at.exponent.numpy() * GRID_STEPS).round()
    expected = codec.tensors["component_scale"] + predicted.numpy() + codec.config["zero_scale"] - exponent
    inside = (table > 0) & (table < SCALES - 1)
    shift = np.where(inside, table - expected, np.nan)
    of_token = np.nanmedian(shift, axis=1, keepdims=True).round()
    assert set(of_token.ravel()) <= set(codec.scale_offsets)
    assert np.nanquantile(np.abs(shift - of_token), 0.95) <= 1.0


def test_the_norm_is_that_of_the_jacobian(codec, states):
    h = states[0, :5]
    slopes, at, nets = _slopes(codec, h, 0), _at(codec, h, 0), networks_of(codec)
    of_value, of_scale = slopes

    def bits(change):
        mean, scale = _predicted(codec, nets, at, change.view(h.shape))
        return (of_value * (change.view(h.shape) - mean) + of_scale * scale).flatten()

    jacobian = torch.autograd.functional.jacobian(bits, torch.zeros(h.size, dtype=torch.float64))
    found = entropy_norm(codec, h, 0, steps=40)
    assert found.value == pytest.approx(float(torch.linalg.matrix_norm(jacobian, 2)), rel=1e-4)
    later = jacobian.view(*h.shape, *h.shape)
    assert bool(later[2:, :, 0].abs().sum() > 0) == codec.uses_context, "tokens after the next as well"
    assert later[0, :, 1:].abs().sum() == 0, "no token knows of later ones"


def test_slopes_are_differences_of_code_lengths(codec, states):
    coded, slopes = codec.coded_symbols(states[0], 0), _slopes(codec, states[0], 0)
    costs = codec.level_costs() / 256
    token, component = np.argwhere(np.abs(coded.levels) == 1)[0]
    row = int(coded.level_tables[token, component]) - codec.first_level_table
    expected = coded.levels[token, component] * (costs[row, 2] - costs[row, 0]) / 4
    assert float(slopes.of_value[token, component]) == pytest.approx(expected)
    assert float(slopes.of_scale[token, component]) == pytest.approx((costs[row + 2, 1] - costs[row - 2, 1]) / 2)
    assert not slopes.of_value[torch.from_numpy(coded.levels == 0)].any()


def test_a_calibrated_codec_has_no_networks(model, windows, states):
    codec = calibrate_inputs(model, windows, LAYER)
    found = entropy_norm(codec, states[0])
    assert found.value == float(_slopes(codec, states[0], None).of_value.abs().max())
    assert 0 < found.value <= codec.level_slope / 2


def test_norms_of_many_inputs_are_those_of_each(codec, states):
    found = entropy_norms(codec, states[:3], 0, repeats=2, steps=8)
    each = [entropy_norm(codec, h, 0).value for h in states[:3]]
    assert found.value == pytest.approx(np.mean(each), rel=0.05) and found.samples == 3
    with pytest.raises(RdcodecError, match="inputs: expected at least 2, the independent units, got 1"):
        entropy_norms(codec, states[:1], 0)


def test_what_is_refused(codec, states):
    with pytest.raises(RdcodecError, match="codec: expected a transform codec or a learned one, got family 'integer'"):
        entropy_norm(IntegerCodec(states.shape[-1], bits=8), states[0])
    with pytest.raises(RdcodecError, match=r"h: expected finite numbers \[tokens, "):
        entropy_norm(codec, states)
    with pytest.raises(RdcodecError, match="quality: expected"):
        entropy_norm(codec, states[0], 1000)
