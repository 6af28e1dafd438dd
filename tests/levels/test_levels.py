"""Levels under the scale grid: how often each met each table."""

import numpy as np
import pytest

from rdcodec import RdcodecError, _core

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


@pytest.mark.parametrize("reach", [0, 2, 30])
def test_every_level_within_reach_is_counted_in_its_table(case, reach):
    grid, levels, token_scale = case
    levels[0, :4] = -(2**31), 2**31 - 1, reach, -reach - 1
    rows = 2 * 2 * SCALES + 1
    counts = _core.levels_count(grid, levels, token_scale, rows, reach)
    scale = np.clip(grid[0] + token_scale[:, None], 0, SCALES - 1)
    tables = 2 * (grid[1] * SCALES + scale) + _core.trellis_odd(levels)
    expected = np.zeros((rows, 2 * reach + 1), np.int64)
    for table, level in zip(tables.ravel(), levels.ravel()):
        if abs(int(level)) <= reach:
            expected[table, level + reach] += 1
    assert np.array_equal(counts, expected)
    assert not _core.levels_count(grid, levels[:0], token_scale[:0], rows, reach).any()


def test_a_grid_outside_its_tables_is_refused(case):
    grid, levels, token_scale = case
    for bad in ((grid[0], grid[1], 0, FIRST), (grid[0], grid[1], 40_000, FIRST), (grid[0], grid[1], SCALES, 70_000)):
        with pytest.raises(RdcodecError, match="its tables lie outside the grid"):
            _core.levels_count(bad, levels, token_scale, 2**17, 4)
    with pytest.raises(RdcodecError, match="its tables lie outside the grid"):
        _core.levels_count(grid, levels, token_scale, 3, 4)
    with pytest.raises(RdcodecError, match=r"levels: expected shape \[20, 9\]"):
        _core.levels_count(grid, levels[:, :4].copy(), token_scale, 24, 4)
