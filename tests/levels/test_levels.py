"""Levels under the scale grid: which tables, and the way back."""

import numpy as np
import pytest

from rdcodec import RdcodecError, _core
from rdcodec.entropy import FrequencyTables

SCALES, FIRST, COMPONENTS, TOKENS = 6, 2, 9, 20


@pytest.fixture
def case():
    rng = np.random.default_rng(4)
    grid = (
        rng.integers(-2, 8, COMPONENTS).astype(np.int32),
        rng.integers(0, 2, COMPONENTS).astype(np.uint8),
        SCALES,
        FIRST,
    )
    levels = _core.trellis_quantise(rng.standard_normal((TOKENS, COMPONENTS)) * 4)
    return grid, levels, rng.integers(-3, 4, TOKENS).astype(np.int32)


def tables():
    scales = np.exp(np.linspace(-1, 2, SCALES)).repeat(2)
    return FrequencyTables.gaussian(np.concatenate([np.ones(FIRST), scales, scales * 1.5]))


def test_tables_are_clamped_sums(case):
    grid, levels, token_scale = case
    symbols, index = _core.levels_order(grid, levels, token_scale)
    assert np.array_equal(symbols, levels.T)
    scale = np.clip(grid[0] + token_scale[:, None], 0, SCALES - 1)
    expected = FIRST + 2 * (grid[1] * SCALES + scale) + _core.trellis_odd(levels)
    assert np.array_equal(index, expected.T)


@pytest.mark.parametrize("reach", [0, 2, 30])
def test_every_level_within_reach_is_counted_in_its_table(case, reach):
    grid, levels, token_scale = case
    levels[0, :4] = -(2**31), 2**31 - 1, reach, -reach - 1
    rows = 2 * 2 * SCALES + 1
    counts = _core.levels_count(grid, levels, token_scale, rows, reach)
    _, index = _core.levels_order(grid, levels, token_scale)
    expected = np.zeros((rows, 2 * reach + 1), np.int64)
    for table, level in zip(index.T.ravel() - FIRST, levels.ravel()):
        if abs(int(level)) <= reach:
            expected[table, level + reach] += 1
    assert np.array_equal(counts, expected)
    assert not _core.levels_count(grid, levels[:0], token_scale[:0], rows, reach).any()


def test_decoding_gives_the_points_of_the_levels(case):
    grid, levels, token_scale = case
    symbols, index = _core.levels_order(grid, levels, token_scale)
    decoder = tables().decoder(tables().encode(symbols, index), symbols.size)
    points = _core.levels_decode(grid, decoder._core, token_scale)
    decoder.finish()
    assert np.array_equal(points, 2 * levels - _core.trellis_odd(levels) * np.sign(levels))


def test_parities_are_those_of_symbols_and_not_of_entries(case):
    """With tables some of which have entries for several levels."""
    grid, levels, token_scale = case
    pmf = np.full((1, 40), 1 / 40)
    parts = [FrequencyTables.from_frequencies([2**13, 2**13 - 1, 1], [3], [-9], 14, [4, 3, 0], [1], [[0, 24]]), FrequencyTables.from_pmf(pmf, -20)]
    mixed = FrequencyTables.joined([parts[table % 3 == 0] for table in range(len(tables()))])
    levels[3, 2:5] = 10**6, -(10**6) - 1, 77
    symbols, index = _core.levels_order(grid, levels, token_scale)
    decoder = mixed.decoder(mixed.encode(symbols, index), symbols.size)
    points = _core.levels_decode(grid, decoder._core, token_scale)
    decoder.finish()
    assert np.array_equal(points, 2 * levels - _core.trellis_odd(levels) * np.sign(levels))


def test_the_chosen_scale_has_the_shortest_code(case):
    grid, levels, _ = case
    grid = (np.zeros(COMPONENTS, np.int32), *grid[1:])
    token_scale = np.full(TOKENS, 3, np.int32)
    rows = 2 * 2 * SCALES
    costs = (np.arange(64)[None] * (np.arange(rows) // 2 % SCALES - 3.3)[:, None] ** 2 * 7).astype(np.uint16)
    candidates = np.arange(-3, 3, dtype=np.int32)
    chosen = _core.levels_fit_scale(grid, levels, token_scale, costs, candidates)
    sums = []
    for candidate in candidates:
        _, index = _core.levels_order(grid, levels, token_scale + candidate)
        sums.append(costs[index.T - FIRST, np.abs(levels)].sum(axis=1, dtype=int))
    sums = np.array(sums)
    assert np.array_equal(sums[chosen, np.arange(TOKENS)], sums.min(axis=0))


def downhill(sums, start):
    """The local minimum that the search meets."""
    best = start
    while best + 1 < len(sums) and sums[best + 1] < sums[best]:
        best += 1
    while best <= start and best > 0 and sums[best - 1] < sums[best]:
        best -= 1
    return best


def test_the_search_walks_downhill_from_the_candidate_that_changes_nothing(case):
    grid, levels, token_scale = case
    rows = 2 * 2 * SCALES
    costs = np.random.default_rng(5).integers(0, 2**16, (rows, 3)).astype(np.uint16)
    token_scale[:2] = 2**31 - 1, -(2**31)
    candidates = np.array([-(2**31), -2, 0, 1, 3, 2**31 - 1], np.int32)
    chosen = _core.levels_fit_scale(grid, levels, token_scale, costs, candidates)
    odd, magnitude = _core.trellis_odd(levels), np.minimum(np.abs(levels), 2)
    for token, choice in enumerate(chosen):
        scale = np.clip(grid[0].astype(np.int64) + int(token_scale[token]) + candidates[:, None].astype(np.int64), 0, SCALES - 1)
        sums = costs[2 * (grid[1] * SCALES + scale) + odd[token], magnitude[token]].sum(axis=1, dtype=int)
        assert choice == downhill(sums, 2)


def test_a_grid_outside_its_tables_is_refused(case):
    grid, levels, token_scale = case
    for bad in ((grid[0], grid[1], 0, FIRST), (grid[0], grid[1], 40_000, FIRST), (grid[0], grid[1], SCALES, 70_000)):
        with pytest.raises(RdcodecError, match="its tables lie outside the grid"):
            _core.levels_order(bad, levels, token_scale)
    with pytest.raises(RdcodecError, match="its tables lie outside the grid"):
        _core.levels_fit_scale(grid, levels, token_scale, np.zeros((3, 4), np.uint16), np.zeros(1, np.int32))
    with pytest.raises(RdcodecError, match="its tables lie outside the grid"):
        _core.levels_count(grid, levels, token_scale, 3, 4)
    for bad in (np.zeros((40, 0), np.uint16), np.zeros((40, 2**16 + 1), np.uint16)):
        with pytest.raises(RdcodecError, match="candidates: expected at least one, and 1 to 65536 costs a table"):
            _core.levels_fit_scale(grid, levels, token_scale, bad, np.zeros(1, np.int32))
    with pytest.raises(RdcodecError, match=r"levels: expected shape \[20, 9\]"):
        _core.levels_order(grid, levels[:, :4].copy(), token_scale)
    with pytest.raises(TypeError, match="decoder: expected a Decoder, got int"):
        _core.levels_decode(grid, 5, token_scale)


def test_a_decoder_of_other_tables_says_so(case):
    grid, levels, token_scale = case
    few = FrequencyTables.gaussian([1.0, 2.0])
    decoder = few.decoder(few.encode(np.zeros(TOKENS * COMPONENTS, int), np.zeros(TOKENS * COMPONENTS, int)), TOKENS * COMPONENTS)
    with pytest.raises(RdcodecError, match="index: no such table"):
        _core.levels_decode(grid, decoder._core, token_scale)
