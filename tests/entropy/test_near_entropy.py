"""Tables of pmfs of any shape: what they take, by expectation and in real bytes, lies near the entropy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wide_parts import entropy, expected_bits, scaled

from rdcodec.entropy import FrequencyTables, _gaussian_row

SAMPLES = 100_000


def spaced(distance, *weights):
    pmf = np.zeros((len(weights) - 1) * distance + 1)
    pmf[::distance] = weights
    return scaled(pmf)


def sparse(count, symbols, seed):
    rng = np.random.default_rng(seed)
    pmf = np.zeros(symbols)
    pmf[rng.choice(symbols, count, replace=False)] = rng.exponential(size=count)
    return scaled(pmf)


def shuffled(weights, seed=0):
    return scaled(np.random.default_rng(seed).permutation(weights))


def student(freedom, scale, reach):
    x = np.arange(-reach, reach + 1) / scale
    return scaled((1 + x * x / freedom) ** (-(freedom + 1) / 2))


SHAPES = {
    **{
        f"uniform-{n}": lambda n=n: np.full(n, 1 / n)
        for n in (1, 2, 3, 1000, 4095, 4096, 16383, 16384, 16385, 65535, 65536, 10**6, 2**20 - 1)
    },
    **{f"gaussian-{s:g}": lambda s=s: _gaussian_row(s)[0] for s in (0.01, 0.3, 3.0, 100.0, 1000.0, 1e4, 1e5)},
    **{
        f"laplace-{s:g}": lambda s=s: scaled(np.exp(-np.abs(np.arange(-int(14 * s) - 9, int(14 * s) + 10)) / s))
        for s in (0.5, 30, 900, 3e4)
    },
    **{f"geometric-{d:g}": lambda d=d: scaled(d ** np.arange(min(2**18, int(np.ceil(30 / -np.log(d)))))) for d in (0.1, 0.5, 0.99, 0.9999)},
    **{f"student-{f}": lambda f=f: student(f, 50, 300_000) for f in (1, 2, 4)},
    **{f"peaks-{d}": lambda d=d: spaced(d, 1, 1) for d in (16_000, 16_500, 10**6)},
    "uneven-peaks": lambda: spaced(16_000, 1, 5, 100),
    "wide-peaks": lambda: scaled(np.convolve(spaced(70_000, 1, 2), np.exp(-(np.linspace(-4, 4, 3001) ** 2)))),
    "zipf": lambda: scaled(1 / np.arange(1, 2**20)),
    "comb-2": lambda: spaced(2, *np.ones(300_000)),
    "comb-7": lambda: spaced(7, *np.exp(-np.arange(20_000) / 900)),
    "comb-1000": lambda: spaced(1000, *np.ones(700)),
    "sparse-100": lambda: sparse(100, 10**6, 1),
    "sparse-5000": lambda: sparse(5000, 10**6, 2),
    "sparse-50000": lambda: sparse(50_000, 10**6, 3),
    "noise": lambda: shuffled(np.random.default_rng(4).exponential(size=2**16)),
    "wild-noise": lambda: scaled(np.exp(4 * np.random.default_rng(5).normal(size=2**16))),
    "spike": lambda: scaled([*np.full(500, 0.01 / 1022), 0.99, *np.full(522, 0.01 / 1022)]),
    "far-spike": lambda: scaled([*np.full(123_456, 1e-8), 0.99, *np.full(10**6 - 123_457, 1e-8)]),
    "octaves": lambda: shuffled(np.repeat(2.0 ** -np.arange(18), 2 ** np.arange(18))),
    "levels": lambda: shuffled(np.repeat([1000.0, 1.0], [2**18 // 3, 2**18])),
    "edge": lambda: scaled([1e-9] * 5 + [1] + [1e-9] * 40_000 + [1]),
}


def tolerance(bits):
    return max(0.01 * bits, 0.02)


@pytest.mark.slow
@pytest.mark.parametrize("precision", [12, 13, 14, 15])
@pytest.mark.parametrize("shape", SHAPES)
def test_expected_and_real_bits(shape, precision):
    pmf, offset = SHAPES[shape](), -1000
    tables = FrequencyTables.from_pmf(pmf[None], offset, precision)
    limit = entropy(pmf) + tolerance(entropy(pmf))
    assert expected_bits(tables, pmf, offset) <= limit
    # symbols at even steps of the distribution: as likely as drawn ones, and without their noise
    symbols = np.searchsorted(np.cumsum(pmf), (np.arange(SAMPLES) + 0.5) / SAMPLES * pmf.sum())
    symbols = np.random.default_rng(6).permutation(np.minimum(symbols, len(pmf) - 1))
    own = -np.log2(pmf[symbols]).mean()
    index = np.zeros(SAMPLES, np.uint8)
    block = tables.encode(symbols + offset, index)
    assert 8 * len(block) <= SAMPLES * (own + tolerance(own)) + 64
    assert np.array_equal(tables.decode(block, index), symbols + offset)


@pytest.mark.slow
def test_the_widest_gaussian():
    tables = FrequencyTables.gaussian([2.0**20], 12)
    symbols = np.rint(np.random.default_rng(7).normal(size=SAMPLES) * 2.0**20).astype(np.int32)
    density = np.log2(np.sqrt(2 * np.pi) * 2.0**20) + np.square(symbols / 2.0**20) / 2 * np.log2(np.e)
    index = np.zeros(SAMPLES, np.uint8)
    block = tables.encode(symbols, index)
    assert 8 * len(block) <= 1.001 * density.sum()
    assert np.array_equal(tables.decode(block, index), symbols)


pmfs = st.builds(
    lambda seed, symbols, spread, zeros, mass, smooth: _random_pmf(seed, symbols, spread, zeros, mass, smooth),
    st.integers(0, 2**32),
    st.integers(1, 200) | st.integers(1, 30_000),
    st.floats(0, 12),
    st.sampled_from([0.0, 0.0, 0.5, 0.99]),
    st.sampled_from([1.0, 1.0, 0.9, 0.01]),
    st.booleans(),
)


def _random_pmf(seed, symbols, spread, zeros, mass, smooth):
    rng = np.random.default_rng(seed)
    logarithms = np.cumsum(rng.normal(size=symbols)) / np.sqrt(symbols) if smooth else rng.normal(size=symbols)
    weights = np.exp(spread * logarithms)
    weights[rng.random(symbols) < zeros] = 0
    weights[rng.integers(0, symbols)] += weights.mean() + 1e-3
    return mass * scaled(weights)


@given(pmfs, st.integers(12, 15), st.integers(-(2**31), 2**31 - 30_000))
def test_any_pmf(pmf, precision, offset):
    tables = FrequencyTables.from_pmf(pmf[None], offset, precision)
    assert expected_bits(tables, pmf, offset) <= entropy(pmf) + tolerance(entropy(pmf))
    symbols = np.concatenate([offset + np.flatnonzero(pmf)[:300], [-(2**31), 2**31 - 1, offset, offset + len(pmf) - 1]]).astype(np.int32)
    index = np.zeros(len(symbols), np.uint8)
    assert np.array_equal(tables.decode(tables.encode(symbols, index), index), symbols)


def test_tables_that_are_near_enough_stay_as_they_are():
    """One entry a symbol: what is quickest to code with, and what earlier checkpoints hold."""
    for pmf in (scaled(0.9 ** np.arange(80)), np.full(3000, 1 / 3000), student(5, 50, 4000)):
        assert set(FrequencyTables.from_pmf(pmf[None], 0, 14).to_arrays()) == {"frequencies", "counts", "offsets", "precision"}
    assert "runs" not in FrequencyTables.gaussian(np.geomspace(0.01, 300, 40), 14).to_arrays()


def test_symbols_in_order_make_one_run():
    """So that the table is small where neighbours are about equally probable."""
    arrays = FrequencyTables.gaussian([1e5], 14).to_arrays()
    assert len(arrays["runs"]) == 1 and len(arrays["frequencies"]) < 400
