"""Bounds over families as their formulas stand; none fails more often than it says, none claims more than is trivial."""

import numpy as np
import pytest

from rdcodec import RdcodecError
from rdcodec.estimators import occam_bound, pac_bound, rademacher_complexity


@pytest.mark.parametrize("case", range(20))
def test_pac_bound_is_the_sum_of_its_terms(case):
    rng = np.random.default_rng(case)
    radius, bound, delta, lipschitz = rng.uniform(0.01, 1), rng.uniform(1, 20), rng.uniform(0.001, 0.5), rng.uniform(0.1, 5)
    n = int(rng.integers(1, 10**6))
    for vector, contraction in ((False, 1), (True, np.sqrt(2))):
        measured = pac_bound(radius, bound, n, delta, lipschitz, vector)
        expected = pac_bound(radius, bound, n, delta, lipschitz, vector, expected=True)
        for found, deviation in (
            (measured, 3 * bound * np.sqrt(np.log(4 / delta) / (2 * n))),
            (expected, bound * np.sqrt(np.log(2 / delta) / (2 * n))),
        ):
            raw = 2 * contraction * lipschitz * radius + deviation
            assert found.terms["complexity"] == pytest.approx(2 * contraction * lipschitz * radius)
            assert found.terms["deviation"] == pytest.approx(deviation) and found.terms["raw"] == pytest.approx(raw)
            assert found.value == pytest.approx(min(raw, bound)) and found.terms["vacuous"] == (raw >= bound)
            assert found.error == 0 and found.unit == "bits" and found.samples == n


def test_pac_bound_carries_the_error_of_the_complexity():
    radius = rademacher_complexity(np.random.default_rng(0).normal(size=(50, 20)), draws=100)
    found = pac_bound(radius, 3, 50, lipschitz=1.5)
    assert found.error == pytest.approx(3 * radius.error)
    assert found.terms["complexity"] == pytest.approx(3 * radius.value)


def test_pac_bound_holds_on_both_sides_for_clipped_functionals():
    """clip(<w, y>, 0, 1) over the l1-ball, whose vertices bear the suprema of the few functionals tried here; heavy tails."""
    rng = np.random.default_rng(1)
    n, delta, law = 400, 0.1, rng.standard_t(2, (100_000, 3))
    ball = np.concatenate([np.eye(3), -np.eye(3), rng.dirichlet(np.ones(3), 30) * rng.choice([-1, 1], (30, 3))])
    truth = np.clip(law @ ball.T, 0, 1).mean(axis=0)
    failures = 0
    for _ in range(300):
        y = law[rng.integers(len(law), size=n)]
        bound = pac_bound(rademacher_complexity(y, draws=50), 1, n, delta)
        failures += np.abs(np.clip(y @ ball.T, 0, 1).mean(axis=0) - truth).max() > bound.value
    assert not bound.terms["vacuous"] and failures <= delta * 300


def test_vectors_contract_by_the_root_of_two():
    """Complexity of |W y| over matrices W with rows in the l2-ball, from below, against rows' sum of complexities (Maurer 2016)."""
    rng = np.random.default_rng(2)
    n, outputs = 40, 3
    y = rng.normal(size=(n, 5))
    rows = outputs * rademacher_complexity(y, "l2", draws=2000).value
    matrices = rng.normal(size=(400, outputs, 5))
    matrices /= np.linalg.norm(matrices, axis=2, keepdims=True)
    losses = np.linalg.norm(matrices @ y.T, axis=1)
    suprema = (rng.choice([-1, 1], (500, n)) @ losses.T).max(axis=1) / n
    assert suprema.mean() <= np.sqrt(2) * rows
    assert pac_bound(rows, 1e9, n, vector=True).terms["complexity"] == pytest.approx(2 * np.sqrt(2) * rows)


# ---- description length


def kl(p, q):
    return sum(a * np.log(a / b) for a, b in ((p, q), (1 - p, 1 - q)) if a > 0)


@pytest.mark.parametrize("case", range(20))
def test_occam_bound_solves_its_inequality(case):
    rng = np.random.default_rng(case)
    bound, n, description, delta = rng.uniform(1, 3000), int(rng.integers(10, 10**5)), rng.uniform(0, 2000), rng.uniform(0.001, 0.5)
    rate = rng.uniform(0, bound)
    found = occam_bound(rate, bound, description, n, delta)
    nats = (description * np.log(2) + np.log(1 / delta)) / n
    assert rate <= found.value <= bound
    if found.value < bound * (1 - 1e-9):
        assert kl(rate / bound, found.value / bound) == pytest.approx(nats, rel=1e-3)
    half_way = occam_bound(rate, bound, description, int(np.ceil(found.terms["needed"])), delta)
    assert half_way.value == pytest.approx((rate + bound) / 2, rel=0.2) and not half_way.terms["vacuous"]


def test_occam_bound_holds_for_the_best_of_all_codecs():
    """256 codecs of 8 bits each, all as good: the one that looks best on the samples is no better than the others."""
    rng = np.random.default_rng(3)
    n, delta, failures, naive = 30, 0.1, 0, 0
    for _ in range(1000):
        best = rng.binomial(n, 0.3, 256).min() / n
        failures += occam_bound(best, 1, 8, n, delta).value < 0.3
        naive += occam_bound(best, 1, 0, n, delta).value < 0.3
    assert failures <= delta * 1000 < naive


def test_occam_bound_says_where_it_says_nothing():
    few, many = (occam_bound(760, 2320, 3e7, n) for n in (600, 10**9))
    assert few.terms["vacuous"] and few.value <= 2320
    assert not many.terms["vacuous"] and many.value < 1000
    assert 600 < few.terms["needed"] < 10**9


@pytest.mark.parametrize(
    ("call", "arguments", "message"),
    [
        (pac_bound, (-1, 1, 5), "complexity: expected a finite number of at least 0, got -1"),
        (pac_bound, (np.nan, 1, 5), "complexity: expected a finite number"),
        (pac_bound, (1, 0, 5), "bound: expected a number above 0 and below inf, got 0"),
        (pac_bound, (1, 1, 0), "samples: expected at least 1, got 0"),
        (pac_bound, (1, 1, 1.5), "samples: expected at least 1, got 1.5"),
        (pac_bound, (1, 1, 5, 0), "delta: expected a number above 0 and below 1, got 0"),
        (pac_bound, (1, 1, 5, 0.1, np.inf), "lipschitz: expected a number above 0 and below inf, got inf"),
        (occam_bound, (2, 1, 5, 5), "rate: expected 0 to bound, 1, got 2"),
        (occam_bound, (np.nan, 1, 5, 5), "rate: expected 0 to bound"),
        (occam_bound, (0, 1, -1, 5), "description: expected a finite number of bits, at least 0, got -1"),
        (occam_bound, (0, np.inf, 1, 5), "bound: expected a number above 0 and below inf"),
        (occam_bound, (0, 1, 1, 0), "samples: expected at least 1, got 0"),
        (occam_bound, (0, 1, 1, 5, 1), "delta: expected a number above 0 and below 1, got 1"),
    ],
)
def test_bad_arguments(call, arguments, message):
    with pytest.raises(RdcodecError, match=message):
        call(*arguments)
