"""The differentiable rate beside code lengths in the codec's tables."""

import numpy as np
import pytest
import torch
from learned_parts import learned_codec

from rdcodec import _core
from rdcodec.codecs import ContextCodec
from rdcodec.codecs.costs import ESCAPE_BITS
from rdcodec.training.rate import LevelRate

CHANNELS, TOKENS = 16, 30


@pytest.fixture(scope="module")
def codec():
    return learned_codec(ContextCodec, CHANNELS, np.ones(CHANNELS))


@pytest.fixture
def case(codec):
    random = np.random.default_rng(5)
    u = random.normal(0, 4, (TOKENS, CHANNELS))
    levels = _core.trellis_quantise(u)
    odd = _core.trellis_odd(levels)
    scale = random.integers(20, 60, (TOKENS, CHANNELS)).astype(np.float32)

    def tensor(x, dtype):
        return torch.from_numpy(x.astype(dtype))[None]

    choice_costs = torch.from_numpy(random.uniform(1, 6, (1, TOKENS, len(codec.scale_offsets))).astype(np.float32))
    return tensor(u, np.float32), tensor(levels, np.int64), tensor(odd, np.int64), tensor(scale, np.float32), choice_costs


def code_length(arrays, table, level):
    """Bits of a level; those of a typical escape where the table has no entry for it."""
    first, entries = int(arrays["counts"][:table].sum()), int(arrays["counts"][table]) - 1
    entry = level - arrays["offsets"][table]
    escaped = not 0 <= entry < entries
    return int(arrays["precision"]) - np.log2(arrays["frequencies"][first + (entries if escaped else entry)]) + ESCAPE_BITS * escaped


def test_integers_cost_what_the_tables_say(codec, case):
    u, levels, odd, scale, choice_costs = case
    rate = LevelRate(codec).eval()
    got = rate(*case)[0]
    candidates, arrays = codec.scale_offsets, codec.tables.to_arrays()
    shape = codec.tensors["component_shape"].astype(int)
    for t in range(TOKENS):
        totals = []
        for k, candidate in enumerate(candidates):
            row = 2 * (shape * 89 + np.clip(scale[0, t].numpy().astype(int) + candidate, 0, 88)) + odd[0, t].numpy()
            bits = sum(code_length(arrays, codec.first_level_table + r, abs(level)) for r, level in zip(row, levels[0, t].tolist()))
            totals.append(bits + float(choice_costs[0, t, k]))
        assert float(got[t]) == pytest.approx(min(totals), rel=1e-5)


def test_what_is_estimated_takes_the_nearest_tables(codec, case):
    u, levels, odd, scale, choice_costs = case
    rate = LevelRate(codec).eval()
    between = scale + torch.rand(scale.shape, generator=torch.Generator().manual_seed(1)) - 0.5
    torch.testing.assert_close(rate(u, levels, odd, between, choice_costs), rate(*case))


def test_gradients_lead_to_fewer_bits(codec, case):
    u, levels, odd, scale, choice_costs = case
    scale.requires_grad_(True), u.requires_grad_(True)
    rate = LevelRate(codec).train()
    before = rate(u, levels, odd, scale, choice_costs).sum()
    before.backward()
    with torch.no_grad():
        after = rate(u, levels, odd, scale - 0.1 * scale.grad, choice_costs).sum()
    assert after < before
    # Larger values cost more: the slope points outwards, but for the noise of tables that nothing was counted for.
    outwards = (u.grad * levels.sign())[levels != 0]
    assert outwards.mean() > 0.1 and (outwards > -0.3).float().mean() > 0.95


def test_tables_follow_what_they_meet(codec, case):
    u, levels, odd, scale, choice_costs = case
    rate = LevelRate(codec).train()
    before = rate(u, levels, odd, scale, choice_costs).sum()
    for _ in range(50):
        after = rate(u, levels, odd, scale, choice_costs).sum()
    assert after < 0.95 * before and rate.counts.sum() > 0
