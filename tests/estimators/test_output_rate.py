"""What keeping outputs costs at least: both sides against sources whose rate is known."""

import math

import numpy as np
import pytest

from rdcodec import RdcodecError
from rdcodec.estimators import rate_at_divergence
from rdcodec.estimators.output_rate import _Counts, _entropy, divergences


def bits(p):
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p)


@pytest.mark.parametrize("flip, noise", [(0.05, 0.02), (0.05, 0.1), (0.2, 0.05)])
def test_binary_symmetric(flip, noise):
    """Contexts behind a binary symmetric channel: Mrs Gerber's lemma (Wyner and Ziv 1973) says that another one is the best."""
    both = flip * (1 - noise) + noise * (1 - flip)
    level = (bits(both) - bits(flip)) * math.log(2)
    found = rate_at_divergence([[1 - flip, flip], [flip, 1 - flip]], level, draws=4000)
    low, high = found.interval
    assert low <= 1 - bits(noise) <= high + 1e-6 and high == pytest.approx(1 - bits(noise), rel=1e-3)
    assert low > 0.75 * high


def test_outputs_without_doubt_are_named_but_for_the_level():
    """Logarithmic loss: H - D (Courtade and Weissman 2014)."""
    for classes, level in ((2, 0.0), (4, 0.3), (7, 1.0)):
        low, high = rate_at_divergence(np.eye(classes), level, draws=200).interval
        assert low == pytest.approx(math.log2(classes) - level / math.log(2), abs=1e-9) and high == pytest.approx(low, abs=0.01)


def test_gaussian_parameters():
    """Coins near 1/2: KL is about (x - q)^2 / 2 v with v = 1/4, and x Gaussian, of which the rate at a squared error is known."""
    x = np.random.default_rng(0).normal(0.5, 0.1, 400)
    x = x[(x > 0.05) & (x < 0.95)]
    level = 0.002
    expected = 0.5 * math.log2(0.1**2 / (2 * 0.25 * level))
    found = rate_at_divergence(np.stack([x, 1 - x], axis=1), level, draws=4000)
    low, high = found.interval
    assert low <= expected * 1.02 and expected * 0.98 <= high  # but for third moments
    assert high - low < 0.4 and found.terms["trials"] > 50


@pytest.fixture(scope="module")
def outputs():
    logits = np.random.default_rng(1).normal(0, 2.5, (120, 5))
    p = np.exp(logits)
    return p / p.sum(axis=1, keepdims=True)


def test_no_code_is_below_the_bound(outputs):
    """Codes of some codewords each, their rate the entropy of the one that is nearest, at the divergence that they have."""
    rng = np.random.default_rng(2)
    for codewords in (3, 10, 40):
        chosen = divergences(outputs, outputs[rng.permutation(len(outputs))[:codewords]])
        shares = np.bincount(chosen.argmin(axis=1), minlength=codewords) / len(outputs)
        bound = rate_at_divergence(outputs, float(chosen.min(axis=1).mean()), draws=2000)
        assert bound.interval[0] <= bound.value <= _entropy(shares) / math.log(2) + 0.02


def test_bound_is_above_that_of_a_single_trial_and_below_what_numbers_the_contexts(outputs):
    found = rate_at_divergence(outputs, 0.02, draws=2000)
    information = _entropy(outputs.mean(axis=0)) - np.mean([_entropy(row) for row in outputs])
    assert found.terms["first"] == pytest.approx((information - 0.02) / math.log(2))
    low, high = found.interval
    assert 1.2 * found.terms["first"] < low <= found.terms["expected"] and low < high <= found.terms["most"] == math.log2(120)


@pytest.mark.parametrize("trials, chance", [(1, 1.0), (3, 0.25), (4, 1.0), (5, 0.5)])
def test_law_of_counts(outputs, trials, chance):
    """Gains are those of the proof, summed over all counts, and none is below the least."""
    p = outputs[:6, :3] / outputs[:6, :3].sum(axis=1, keepdims=True)
    entropies = np.array([_entropy(row) for row in p])
    law = _Counts(p, entropies, trials, chance)
    every = np.array([(a, b, trials - a - b) for a in range(trials + 1) for b in range(trials + 1 - a)])
    mean = np.exp(law._log_mean(every))
    assert mean.sum() == pytest.approx(1)
    assert mean @ every == pytest.approx(trials * p.mean(axis=0))
    arrangements = [math.log(math.factorial(trials) / math.prod(map(math.factorial, row))) for row in every.tolist()]
    exact = _entropy(mean) + mean @ arrangements - trials * entropies.mean()
    gains = law.gains(np.random.default_rng(0).integers(6, size=20_000), np.random.default_rng(1))
    assert gains.mean() == pytest.approx(exact, abs=4 * gains.std() / math.sqrt(len(gains)))
    assert gains.min() >= law.least


def test_what_needs_no_bits(outputs):
    assert rate_at_divergence(outputs, 5.0, draws=100).interval == (0.0, 0.0)
    assert rate_at_divergence(np.full((4, 3), 1 / 3), 0.0, draws=100).interval == (0.0, 0.0)


def test_same_seed_same_bits(outputs):
    assert rate_at_divergence(outputs, 0.1, draws=300, seed=3) == rate_at_divergence(outputs, 0.1, draws=300, seed=3)


@pytest.mark.parametrize(
    "p, options, message",
    [
        ([[0.5, 0.5]], {}, r"p: expected \[contexts, classes\], at least 2 and 2 of them, got shape \(1, 2\)"),
        ([[0.5, 0.4], [1, 0]], {}, "p: expected rows of at least 0 with the sum 1, got 0 and sums of 0.9 to 1"),
        ([[1.5, -0.5], [1, 0]], {}, "p: expected rows of at least 0 with the sum 1, got -0.5"),
        ([[np.nan, 1], [1, 0]], {}, "p: expected finite values"),
        (np.eye(2), {"level": -0.1}, "level: expected a finite number of nats, at least 0, got -0.1"),
        (np.eye(2), {"draws": 1}, "draws: expected at least 2"),
        (np.eye(2), {"delta": 1}, "delta: expected a number above 0 and below 1"),
    ],
)
def test_what_is_refused(p, options, message):
    with pytest.raises(RdcodecError, match=message):
        rate_at_divergence(p, **{"level": 0.1, **options})
