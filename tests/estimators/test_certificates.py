"""Certificates fail no more often than they say."""

import numpy as np
import pytest
from laws import autoregressive

from rdcodec import RdcodecError
from rdcodec.estimators import certify

METHODS = ["hoeffding", "empirical-bernstein", "betting"]


DISTRIBUTIONS = {
    "narrow": lambda rng, n: np.clip(rng.normal(0.5, 0.02, n), 0, 1),
    "low": lambda rng, n: rng.beta(1, 30, n),
    "coin": lambda rng, n: rng.integers(0, 2, n).astype(float),
    "rare": lambda rng, n: (rng.uniform(size=n) < 0.03).astype(float),
}
MEANS = {"narrow": 0.5, "low": 1 / 31, "coin": 0.5, "rare": 0.03}


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("n", [24, 200])
def test_certificates_hold(method, name, n):
    rng = np.random.default_rng(2)
    delta = 0.05
    held = [certify(DISTRIBUTIONS[name](rng, n), 1, delta, method).value >= MEANS[name] for _ in range(1000)]
    assert np.mean(held) >= 1 - delta - 2 * np.sqrt(delta * (1 - delta) / 1000)


def test_closed_forms():
    rates = np.random.default_rng(3).uniform(0, 7, 90)
    n, delta = 90, 0.02
    mean = rates.mean()
    assert certify(rates, 8, delta, "hoeffding").value == pytest.approx(mean + 8 * np.sqrt(np.log(1 / delta) / (2 * n)))
    bernstein = mean + np.sqrt(2 * rates.var(ddof=1) * np.log(2 / delta) / n) + 7 * 8 * np.log(2 / delta) / (3 * (n - 1))
    assert certify(rates, 8, delta, "empirical-bernstein").value == pytest.approx(bernstein)
    found = certify(rates, 8, delta)
    assert found.terms["mean"] == pytest.approx(mean) and found.terms["margin"] == pytest.approx(found.value / mean - 1)
    assert found.interval == (0, found.value)


@pytest.mark.parametrize("case", range(20))
def test_betting_is_where_the_capital_passes_its_limit(case):
    """Sample by sample, as the gambler would."""
    rng = np.random.default_rng(case)
    x, delta = rng.beta(2, 5, int(rng.integers(5, 80))), 0.05

    def best_capital(m):
        capital, best, mean_sum, variance_sum = 1.0, 0.0, 0.5, 0.25
        for t, sample in enumerate(x, 1):
            bet = min(np.sqrt(2 * np.log(1 / delta) / (np.log1p(t) * variance_sum)), 0.9 / (1 - m))
            capital *= 1 + bet * (m - sample)
            best = max(best, capital)
            mean_sum += sample
            variance_sum += (sample - mean_sum / (t + 1)) ** 2
        return best

    found = certify(x, 1, delta).value
    if found < 1:
        assert best_capital(found + 1e-9) >= 1 / delta > best_capital(found - 1e-9)
    else:
        assert best_capital(1 - 1e-9) < 1 / delta


@pytest.mark.parametrize("method", ["hoeffding", "betting"])
@pytest.mark.parametrize("persistence", [0, 0.6, 0.9])
def test_drawn_from_a_population_neighbours_may_depend_on_each_other(method, persistence):
    rng = np.random.default_rng(5)
    delta, repeats, failures, consecutive = 0.05, 200, 0, 0
    for _ in range(repeats):
        x = np.clip(0.4 + 0.1 * autoregressive(rng, 400, persistence), 0, 1)
        failures += certify(rng.permutation(x)[:60], 1, delta, method, population=400).value < x.mean()
        consecutive += certify(x[:60], 1, delta, method).value < x.mean()
    assert failures <= delta * repeats
    assert method == "hoeffding" or persistence < 0.9 or consecutive > 2 * delta * repeats


def test_a_population_leaves_nothing_open_once_all_of_it_is_seen():
    x = np.random.default_rng(6).beta(2, 5, 50)
    values = [certify(x[:n], 1, population=50).value for n in (10, 25, 40, 49, 50)]
    assert values == sorted(values, reverse=True) and values[-1] == pytest.approx(x.mean(), abs=1e-9)
    assert certify(x[:10], 1, population=10**9).value == pytest.approx(certify(x[:10], 1).value, rel=1e-6)


def test_of_a_population_betting_is_where_the_capital_passes_its_limit():
    rng = np.random.default_rng(7)
    x, delta, population = rng.beta(2, 5, 40), 0.05, 90

    def best_capital(m):
        capital, best, total, mean_sum, variance_sum = 1.0, 0.0, 0.0, 0.5, 0.25
        for t, sample in enumerate(x, 1):
            expected = (population * m - total) / (population - t + 1)
            bet = min(np.sqrt(2 * np.log(1 / delta) / (np.log1p(t) * variance_sum)), 0.9 / (1 - expected))
            capital *= 1 + bet * (expected - sample)
            best, total, mean_sum = max(best, capital), total + sample, mean_sum + sample
            variance_sum += (sample - mean_sum / (t + 1)) ** 2
        return best

    found = certify(x, 1, delta, population=population).value
    assert best_capital(found + 1e-9) >= 1 / delta > best_capital(found - 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("population", [None, 500])
def test_one_may_stop_whenever_one_likes(population):
    """The least of the bounds after each block fails no more often than a single one; later blocks do not undo a bound."""
    rng = np.random.default_rng(8)
    delta, failures = 0.1, 0
    for _ in range(200):
        x = (rng.permutation(500) < 150 if population else rng.uniform(size=120) < 0.3).astype(float)[:120]
        values = [certify(x[:n], 1, delta, population=population).value for n in range(15, 121, 15)]
        assert values == sorted(values, reverse=True)
        failures += values[-1] < 0.3
    assert failures <= delta * 200


def test_betting_is_the_tightest_for_small_variance():
    rates = np.random.default_rng(4).normal(900, 30, 600)
    values = {method: certify(rates, 1800, method=method).value for method in METHODS}
    assert values["betting"] < values["empirical-bernstein"] < values["hoeffding"]
    assert values["betting"] < 1.03 * rates.mean()


def test_single_and_constant_rates():
    assert certify([3.0], 8).value == 8
    assert 0 < certify(np.zeros(1000), 8).value < 0.1
    assert certify(np.full(50, 8.0), 8).value == 8


@pytest.mark.parametrize(
    ("rates", "options", "message"),
    [
        ([], {}, r"rates: expected at least 1 numbers on one axis, got shape \(0,\)"),
        ([1.0], {"method": "empirical-bernstein"}, "rates: expected at least 2 numbers"),
        ([[1.0]], {}, "rates: expected at least 1 numbers on one axis"),
        ([1.0, np.nan], {}, "rates: expected finite values, got NaN or infinity"),
        ([1.0, 9.0], {}, "rates: expected 0 to upper, 8, got 1 to 9"),
        ([-1.0, 2.0], {}, "rates: expected 0 to upper, 8, got -1 to 2"),
        ([1.0], {"delta": 0}, "delta: expected a number above 0 and below 1, got 0"),
        ([1.0], {"delta": 1}, "delta: expected a number above 0 and below 1, got 1"),
        ([1.0, 2.0], {"population": 1}, "population: expected at least the 2 blocks drawn from it, got 1"),
        (
            [1.0, 2.0],
            {"method": "empirical-bernstein", "population": 9},
            "method: expected hoeffding or betting for blocks from a population",
        ),
        ([1.0], {"method": "markov"}, "method: expected hoeffding, empirical-bernstein, betting, got 'markov'"),
    ],
)
def test_bad_rates(rates, options, message):
    with pytest.raises(RdcodecError, match=message):
        certify(rates, 8, **options)
