"""Entropy from counts: published values, independent integration, closed forms, coverage, bad input."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import digamma, gammaln, polygamma

from rdcodec import RdcodecError
from rdcodec.estimators import entropy

METHODS = ["plugin", "miller-madow", "grassberger", "chao-shen", "nsb"]
NATS = np.log(2)  # a bit

# Entropy and, where it is given, standard deviation in nats: C. Mendl's Mathematica functions as ported by S. Hong (both to 40
# digits), and the examples of the package ndd 0.8 and 1.7. (Its deviation leaves out the variance at fixed concentration.)
TEXT_COUNTS = [12, 4, 12, 4, 5, 3, 1, 5, 1, 2, 2, 2, 2, 11, 3, 4, 12, 12, 1, 2]
PUBLISHED = [
    ([4, 2, 3, 0, 2, 4, 0, 0, 2], 9, 1.940646728502697166844598206814653716492, 0.1560242251518078487118059349690693094484),
    (TEXT_COUNTS, 100, 2.840012048914245, None),
    ([7, 3, 5, 8, 9, 1, 3, 3, 1, 0, 2, 5, 2, 11, 4, 23, 5, 0, 8, 0], 20, 2.623634344902917, None),
]

# By mpmath with 60 digits: the posterior's moments after Wolpert and Wolf, integrated over log(beta) by tanh-sinh quadrature.
MANY_DIGITS = [
    (TEXT_COUNTS[1:], 100, 2.80609691605432906, 0.119476909190216783),
    (TEXT_COUNTS, 100, 2.84001204889797657, 0.108866771079421907),
    ([1, 1], 10, 1.55027144205041889, 0.520869788531517218),
    ([3], 4, 0.349050490885894525, 0.390659535016474716),
]


@pytest.mark.parametrize(("counts", "alphabet", "value", "deviation"), PUBLISHED + MANY_DIGITS)
def test_nsb_is_as_published(counts, alphabet, value, deviation):
    found = entropy(counts, "nsb", alphabet)
    assert found.value * NATS == pytest.approx(value, rel=1e-9)
    assert deviation is None or found.error * NATS == pytest.approx(deviation, rel=1e-9)


def nsb_by_scipy(counts, alphabet):
    """The posterior mean by SciPy's adaptive quadrature, class by class."""
    counts = np.concatenate([counts, np.zeros(alphabet - len(counts))])

    def log_density(u):
        beta = np.exp(u)
        slope = alphabet * polygamma(1, alphabet * beta + 1) - polygamma(1, beta + 1)
        evidence = np.sum(gammaln(counts + beta) - gammaln(beta))
        evidence += gammaln(alphabet * beta) - gammaln(counts.sum() + alphabet * beta)
        return evidence + np.log(slope) + u

    def mean(u):
        a = counts + np.exp(u)
        return digamma(a.sum() + 1) - np.sum(a / a.sum() * digamma(a + 1))

    grid = np.linspace(-25, 17, 1681)
    logs = np.array([log_density(u) for u in grid])
    mode, best = grid[logs.argmax()], logs.max()
    inside = grid[logs > best - 40]
    pieces = [inside[0], *(mode + d for d in (-2, -0.5, 0.5, 2) if inside[0] < mode + d < inside[-1]), inside[-1]]

    def integral(f):
        return sum(quad(f, a, b, epsrel=1e-10, limit=400)[0] for a, b in zip(pieces, pieces[1:]))

    return integral(lambda u: np.exp(log_density(u) - best) * mean(u)) / integral(lambda u: np.exp(log_density(u) - best)) / NATS


@pytest.mark.parametrize("case", range(20))
def test_nsb_is_the_integral(case):
    rng = np.random.default_rng(case)
    alphabet = int(rng.integers(2, 60))
    counts = rng.multinomial(rng.integers(2, 400), rng.dirichlet(np.full(alphabet, rng.choice([0.03, 0.3, 3]))))
    assert entropy(counts, "nsb").value == pytest.approx(nsb_by_scipy(counts, alphabet), rel=1e-6)


def test_nsb_of_much_data_is_the_entropy():
    p = np.random.default_rng(0).dirichlet(np.ones(1000))
    truth = -np.sum(p * np.log2(p))
    found = entropy(np.round(p * 2**50).astype(np.int64), "nsb")
    assert found.value == pytest.approx(truth, abs=1e-6)
    assert 0 < found.error < 1e-6


def test_nsb_of_one_class_or_a_huge_alphabet():
    assert entropy([7], "nsb").value == 0
    assert 0 < entropy([1, 1], "nsb", alphabet=2**53).value < 53
    assert entropy([2**52, 3], "nsb").value < 1e-10


def additive(counts, method):
    """As the formulas stand, class by class."""
    counts = np.array([count for count in counts if count], float)
    n, p = counts.sum(), counts / counts.sum()
    plugin = -np.sum(p * np.log(p))
    if method == "plugin":
        return plugin / NATS
    if method == "miller-madow":
        return (plugin + (len(p) - 1) / (2 * n)) / NATS
    if method == "grassberger":
        g = digamma(counts) + 0.5 * (-1) ** counts * (digamma((counts + 1) / 2) - digamma(counts / 2))
        return (np.log(n) - np.sum(p * g)) / NATS
    singletons = min(np.sum(counts == 1), n - 1)
    q = (1 - singletons / n) * p
    return -np.sum(q * np.log(q) / (1 - (1 - q) ** n)) / NATS


@pytest.mark.parametrize("method", METHODS[:4])
@pytest.mark.parametrize("case", range(20))
def test_sums_over_classes(method, case):
    rng = np.random.default_rng(case)
    counts = rng.multinomial(rng.integers(2, 3000), rng.dirichlet(np.full(rng.integers(1, 80), 0.4)))
    assert entropy(counts, method).value == pytest.approx(additive(counts, method), rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("method", METHODS[:4])
def test_errors_are_the_jackknife_of_the_samples(method):
    counts = np.array([1, 1, 2, 2, 3, 7, 0, 20])
    n, seen = counts.sum(), np.sum(counts > 0)
    without = np.concatenate([np.full(c, additive(counts - (np.arange(8) == i), method)) for i, c in enumerate(counts) if c])
    jackknife = np.sqrt((n - 1) / n * np.sum((without - without.mean()) ** 2))
    curvature = np.sqrt((seen - 1) / 2) / n / NATS
    bias = (seen - 1) / (2 * n) / NATS * (method in ("plugin", "chao-shen"))
    assert entropy(counts, method).error == pytest.approx(np.sqrt(jackknife**2 + curvature**2 + bias**2), rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_order_and_element_type_do_not_matter(method):
    counts = np.array([70000, 1, 90000, 1, 3, 70000])
    expected = entropy(counts, method, alphabet=9)
    assert entropy(counts[::-1].astype(np.uint64), method, alphabet=9) == expected
    assert expected.unit == "bits" and expected.samples == counts.sum()
    assert "bits" in str(expected)


def draw_from_prior(rng, alphabet):
    """A distribution whose expected entropy was uniform: what the intervals of NSB presume."""
    expected = rng.uniform(0, np.log(alphabet))
    beta = np.exp(brentq(lambda u: digamma(alphabet * np.exp(u) + 1) - digamma(np.exp(u) + 1) - expected, -60, 60))
    logs = np.log(rng.gamma(beta + 1, size=alphabet)) + np.log(rng.uniform(size=alphabet)) / beta
    p = np.exp(logs - logs.max())
    return p / p.sum()


def covers(counts, method, p):
    low, high = entropy(counts, method).interval
    return low <= -np.sum(p[p > 0] * np.log2(p[p > 0])) <= high


def test_coverage_of_nsb():
    rng = np.random.default_rng(1)
    draws = [draw_from_prior(rng, 50) for _ in range(1000)]
    assert np.mean([covers(rng.multinomial(100, p), "nsb", p) for p in draws]) >= 0.94


@pytest.mark.parametrize("method", METHODS[:4])
@pytest.mark.parametrize("shape", ["equal", "zipf"])
def test_coverage_where_classes_are_seen_often(method, shape):
    rng = np.random.default_rng(2)
    p = np.ones(20) / 20 if shape == "equal" else 1 / np.arange(1, 21) / np.sum(1 / np.arange(1, 21))
    assert np.mean([covers(rng.multinomial(2000, p), method, p) for _ in range(1000)]) >= 0.94


@pytest.mark.parametrize(
    ("counts", "alphabet", "message"),
    [
        ([1, -2, 3], None, r"counts\[1\]: expected at least 0, got -2"),
        ([], None, "counts: expected at least 2 samples, got 0"),
        ([0, 1], None, "counts: expected at least 2 samples, got 1"),
        ([2**53, 1], None, r"counts: expected a sum of at most 2\^53, passed at position 1"),
        ([2**62, 2**62], None, r"counts: expected a sum of at most 2\^53, passed at position 0"),
        (np.array([2**64 - 1], np.uint64), None, r"counts: expected a sum of at most 2\^53, got a count of"),
        ([1, 2, 3], 2, r"alphabet: expected at least the 3 classes that were seen and at most 2\^53, got 2"),
        ([1, 2, 3], -1, "alphabet: expected at least the 3 classes"),
        ([1, 2, 3], 2**54, "alphabet: expected at least the 3 classes"),
        ([1.5, 2], None, r"counts: expected integers \[classes\], got 1.5"),
        ([-1.0, 2.0], None, r"counts\[0\]: expected at least 0, got -1"),
        ([1e300, 2], None, r"counts: expected a sum of at most 2\^53, got a count of 1e\+300"),
        (["1"], None, r"counts: expected integers \[classes\], got <U1"),
        ([1, 1, 1, 5], None, "alphabet: expected how many classes there are, or counts with zeros: 3 of the 4 that were seen"),
        ([float("nan"), 2], None, r"counts: expected integers"),
        ([[1, 2]], None, r"counts: expected integers \[classes\], got int64 of 2 axes"),
    ],
)
def test_bad_input(counts, alphabet, message):
    with pytest.raises(RdcodecError, match=message):
        entropy(counts, "nsb", alphabet)


def test_floats_that_are_integers_are_counts():
    assert entropy([4.0, 2.0, 0.0]) == entropy([4, 2, 0])


def test_counts_of_what_was_seen_do_not_say_how_many_classes_there_are():
    """Of 1,000 equal classes 100 samples see 95 or so: for NSB with these alone the entropy is 2 bits too small, and sure of it."""
    draws = np.random.default_rng(3).integers(0, 1000, 100)
    seen = np.unique(draws, return_counts=True)[1]
    with pytest.raises(RdcodecError, match="method='chao-shen' needs no number"):
        entropy(seen)
    found = entropy(seen, alphabet=1000)
    assert found == entropy(np.bincount(draws, minlength=1000))
    assert found.interval[0] < np.log2(1000) and entropy(seen, alphabet=len(seen)).interval[1] < np.log2(1000) - 2
    assert entropy(seen, "chao-shen").value > entropy(seen, alphabet=len(seen)).value
    assert entropy([40, 60, 1]).value > 0  # nothing is missing


def test_unknown_method():
    with pytest.raises(RdcodecError, match="method: expected plugin, miller-madow, grassberger, chao-shen or nsb, got 'best'"):
        entropy([1, 2], "best")
