"""Rates at equal loss and BD-rates of curves that are made by hand."""

import math

import numpy as np
import pytest

from rdcodec.evaluation import Row, bd_rate, compare, rate_at
from rdcodec.evaluation.comparison import best_settings

LOSSES = np.array([0.1, 0.05, 0.02, 0.01, 0.005, 0.002])


def rates(losses, at_one, slope):
    """Bits that fall by a power of the loss."""
    return at_one * losses**-slope


def row(method, bits, kl, layer=1, noise=0.0):
    """Windows whose bits and losses vary about these."""
    wave = 1 + noise * np.array([1, 1, -1, -1, 1, -1])
    numbers = (bits, bits / 576, 9216 / bits, kl, None, 0.0, None, 20.0, 20.0, 0.5, 0.5, 3072, 0.1, 0.1, 1.0)
    return Row(method, layer, None, *numbers, window_bits=(bits * wave).tolist(), window_kl=(kl * wave).tolist())


def test_settings_that_others_beat_do_not_count():
    bits, kl = [100, 110, 115, 130, 130], [0.4, 0.5, 0.27, 0.3, 0.2]
    assert best_settings(bits, kl).tolist() == [0, 2, 4]


def test_settings_that_two_others_beat_between_them_do_not_count():
    """Two tokens of three at the finest, one at the coarsest: 300 bits at a loss of 0.02. More than that is left out, less stays."""
    assert best_settings([100, 310, 400], [0.04, 0.02, 0.01]).tolist() == [0, 2]
    assert best_settings([100, 290, 400], [0.04, 0.02, 0.01]).tolist() == [0, 1, 2]


def test_settings_of_one_step_after_another_all_count():
    """A bit an element halves the error twice over, whatever the range: no setting is left out for the sake of distant ones."""
    assert best_settings(np.arange(1, 9) * 576.0, 4.0 ** -np.arange(1, 9)).tolist() == list(range(8))


def test_lossless_settings_have_a_place():
    assert best_settings([100, 9216], [0.04, 0.0]).tolist() == [0, 1]


def test_rates_between_settings_are_on_a_line_of_logarithms():
    assert rate_at([400, 100, 1000], [0.01, 0.04, 0.02], 0.02) == 200


def test_rates_beyond_the_settings():
    """A loss that all settings keep costs the cheapest one; one that none keeps has no rate."""
    assert rate_at([400, 100], [0.01, 0.04], 0.1) == 100
    assert rate_at([400, 100], [0.01, 0.04], 0.009) is None
    assert rate_at([9216], [0.0], 0.01) == 9216


@pytest.fixture
def package():
    return pytest.importorskip("bjontegaard")


def test_a_constant_share_of_the_rate_comes_out(package):
    """The same curve at 70% of the rate, measured at other losses."""
    others = rates(LOSSES, 100, 0.4)
    losses = np.array([0.07, 0.03, 0.015, 0.008, 0.003])
    assert bd_rate(others, LOSSES, 0.7 * rates(losses, 100, 0.4), losses) == pytest.approx(-30, abs=1e-6)
    assert bd_rate(0.7 * others, LOSSES, others, LOSSES) == pytest.approx(100 * (1 / 0.7 - 1), abs=1e-6)


def test_different_slopes_are_averaged_over_the_losses(package):
    """Of a ratio loss**-0.1 the mean logarithm is that in the middle of the losses, at their geometric mean."""
    found = bd_rate(rates(LOSSES, 100, 0.4), LOSSES, rates(LOSSES, 100, 0.3), LOSSES, (0.005, 0.05))
    assert found == pytest.approx(100 * (math.sqrt(0.005 * 0.05) ** 0.1 - 1), abs=1e-6)


def test_only_common_losses_count(package):
    """The two agree at losses above 0.01; below, where one has no settings, nothing is compared."""
    few = LOSSES >= 0.01
    assert bd_rate(rates(LOSSES, 100, 0.4), LOSSES, rates(LOSSES, 100, 0.4)[few], LOSSES[few]) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("losses", [[0.3, 0.2], [0.001, 0.0005], [0.02]])
def test_no_losses_in_common(package, losses):
    losses = np.array(losses)
    assert math.isnan(bd_rate(rates(LOSSES, 100, 0.4), LOSSES, rates(losses, 50, 0.4), losses))


def test_comparisons(package):
    rows = [row("own", 0.7 * rates(loss, 100, 0.4), loss, noise=0.1) for loss in LOSSES]
    rows += [row("other", rates(loss, 100, 0.4), loss, noise=0.1) for loss in LOSSES]
    rows += [row("fp16", 9216.0, 1e-9), row("coarse", 50.0, 0.4)]
    own, other, lossless, coarse = compare(rows, "own")
    assert [found.method for found in (own, other, lossless, coarse)] == ["own", "other", "fp16", "coarse"]
    assert own.saved is None and other.saved == pytest.approx(-30, abs=1e-6)
    assert other.rates[1] == pytest.approx(rates(0.01, 100, 0.4))
    assert lossless.rates == [9216] * 4 and coarse.rates == [None] * 4
    assert lossless.saved is None and coarse.saved is None


def test_windows_that_vary_alike_leave_no_doubt(package):
    """Both methods have hard and easy windows together: the ratio is the same in every resample."""
    rows = [row("own", 0.7 * rates(loss, 100, 0.4), loss, noise=0.3) for loss in LOSSES]
    rows += [row("other", rates(loss, 100, 0.4), loss, noise=0.3) for loss in LOSSES]
    low, high = compare(rows, "own")[1].interval
    assert low == pytest.approx(-30, abs=1e-6) and high == pytest.approx(-30, abs=1e-6)


def test_windows_that_vary_apart_do(package):
    rows = [row("own", 0.7 * rates(loss, 100, 0.4), loss) for loss in LOSSES]
    rows += [row("other", rates(loss, 100, 0.4), loss, noise=0.2) for loss in LOSSES]
    low, high = compare(rows, "own")[1].interval
    assert low < -31 < -29 < high


def test_layers_are_kept_apart(package):
    shares = [(layer, method, share) for layer in (3, 1) for method, share in (("own", layer), ("other", 2))]
    rows = [row(method, share * rates(loss, 100, 0.4), loss, layer) for layer, method, share in shares for loss in LOSSES]
    found = {(each.layer, each.method): each.saved for each in compare(rows, "own")}
    assert found[1, "other"] == pytest.approx(-50) and found[3, "other"] == pytest.approx(50)


def test_no_reference_needs_no_package(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "bjontegaard", None)
    rows = [row("own", rates(loss, 100, 0.4), loss) for loss in LOSSES]
    assert compare(rows)[0].saved is None
    with pytest.raises(ImportError, match=r"bjontegaard: pip install 'rdcodec\[baselines\]'"):
        bd_rate([1, 2], [0.02, 0.01], [1, 2], [0.02, 0.01])
