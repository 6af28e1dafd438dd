"""Bounds over families with parameters: by a cover of them."""

import numpy as np
import pytest

from rdcodec import RdcodecError
from rdcodec.estimators import covering_bound


def test_the_best_of_all_covers():
    p, r, slopes, bound, n, delta = np.array([30, 5]), np.array([2.0, 1.0]), np.array([4.0, 40.0]), 8.0, 5000, 0.05
    found = covering_bound(p, r, slopes, bound, n, delta)

    def distance(t):
        cover = sum(k * np.log(1 + 2 * radius * slope / (t * k / 35)) for k, radius, slope in zip(p, r, slopes))
        return 2 * t + bound * np.sqrt((cover + np.log(2 / delta)) / (2 * n))

    assert found.value == pytest.approx(min(distance(bound * 2.0**-k) for k in range(3, 64)))
    assert found.value <= 1.2 * min(distance(bound * t) for t in np.geomspace(1e-6, 0.1, 400))
    assert found.terms["discretisation"] + found.terms["deviation"] == pytest.approx(found.value) == found.interval[1]
    assert (found.terms["parameters"], found.terms["vacuous"], found.confidence) == (35, 0, 0.95)


def test_needed_samples_make_it_half_the_bound():
    arguments = [1000, 50], [1.0, 2.0], [300.0, 10.0], 100.0
    needed = covering_bound(*arguments, 10).terms["needed"]
    assert covering_bound(*arguments, int(needed * 1.001) + 1).value <= 50
    assert covering_bound(*arguments, int(needed * 0.99)).value > 50


def test_no_more_than_trivial_and_says_so():
    found = covering_bound([10**6], [10.0], [1e6], 20.0, 64)
    assert found.value == 20 and found.terms["vacuous"] == 1 and found.terms["raw"] > 20


def test_it_holds_for_the_worst_of_the_family():
    """Losses min(|x - a|, 1), a within -1 to 1, x normal: the farthest apart of means over samples and over the law, 1,000 repeats."""
    rng = np.random.default_rng(3)
    a = np.linspace(-1, 1, 81)
    law = np.minimum(np.abs(np.quantile(rng.standard_normal(10**6), np.linspace(5e-4, 1 - 5e-4, 1000))[:, None] - a), 1).mean(axis=0)
    bound = covering_bound([1], [1.0], [1.0], 1.0, 400, 0.05).value
    farthest = [np.abs(np.minimum(np.abs(rng.standard_normal(400)[:, None] - a), 1).mean(axis=0) - law).max() for _ in range(1000)]
    assert np.mean(np.array(farthest) > bound) <= 0.05 and bound < 0.2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1], [1.0, 2.0], [1.0], 1, 5), "parameters, radii and lipschitz: expected as many of each"),
        (([], [], [], 1, 5), "parameters, radii and lipschitz: expected as many of each"),
        (([0], [1.0], [1.0], 1, 5), "parameters: expected finite numbers, at least 1, got"),
        (([1], [0.0], [1.0], 1, 5), "radii: expected finite numbers, above 0, got"),
        (([1], [1.0], [np.inf], 1, 5), "lipschitz: expected finite numbers, above 0, got"),
        (([1], [1.0], [1.0], 0, 5), "bound: expected a number above 0"),
        (([1], [1.0], [1.0], 1, 0), "samples: expected at least 1, got 0"),
        (([1], [1.0], [1.0], 1, 5, 1), "delta: expected a number above 0 and below 1, got 1"),
    ],
)
def test_what_is_refused(arguments, message):
    with pytest.raises(RdcodecError, match=message):
        covering_bound(*arguments)
