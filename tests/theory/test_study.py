"""The study: correlations with intervals, and its picture."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rdcodec import RdcodecError
from rdcodec.theory import StudyRow, correlation, layer_bounds, plot_study, study_row
from rdcodec.theory.study import BOUNDS

ROW = StudyRow(
    model="a",
    task="t",
    codec="transform",
    layer=1,
    quality=0,
    seed=0,
    channels=8,
    windows=4,
    tokens=64,
    rate=20.0,
    rate_error=1.0,
    certificate=25.0,
    clipped=0,
    gaussian_entropy=22.0,
    symbol_entropy=23.0,
    token_entropy=None,
    gap_low=-2.0,
    gap_high=22.0,
    log_det=-3.0,
    state_log_det=5.0,
    complexity=2.0,
    complexity_l2=9.0,
    analysis_norm=1.0,
    head_norm=2.0,
    entropy_norm=3.0,
    level_slope=7.0,
)


def rows(count):
    rng = np.random.default_rng(2)
    names = ("rate", "gaussian_entropy", "log_det", "state_log_det", "complexity", "complexity_l2", "head_norm", "entropy_norm")
    return [
        replace(ROW, model="ab"[k % 2], codec="xyz"[k % 3], layer=k, **{name: float(rng.uniform(1, 9)) for name in names})
        for k in range(count)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_correlations_are_scipys(seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 8, 12).astype(float)  # with equal ones
    y = x + rng.normal(0, 3, 12)
    pearson, spearman = correlation(x, y, resamples=50)
    assert pearson.value == pytest.approx(stats.pearsonr(x, y)[0])
    assert spearman.value == pytest.approx(stats.spearmanr(x, y)[0])
    assert pearson.interval[0] <= pearson.interval[1]


@pytest.mark.slow
def test_interval_of_correlation_covers_the_true_one():
    """Of normal pairs with a correlation of 0.6: the bootstrap's percentiles hold it in nine of ten repeats or more."""
    rng, hits = np.random.default_rng(1), 0
    for _ in range(200):
        x = rng.standard_normal(60)
        pearson, _ = correlation(x, 0.6 * x + 0.8 * rng.standard_normal(60), resamples=200)
        hits += pearson.interval[0] <= 0.6 <= pearson.interval[1]
    assert hits >= 180


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 2], [1, 2], "3 or more"),
        ([1, 2, 3], [1, 2], "as many"),
        ([1, 2, np.nan], [1, 2, 3], "finite"),
        ([1, 1, 1], [1, 2, 3], "all the same"),
    ],
)
def test_refused(x, y, message):
    with pytest.raises(RdcodecError, match=message):
        correlation(x, y)


@pytest.mark.slow
def test_picture_has_every_model_and_codec():
    figure = plot_study(rows(12))
    assert len(figure.axes) == len(BOUNDS)
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {f"{m}, {c}" for m in "ab" for c in "xyz"}
    assert all("r = " in panel.get_title(loc="left") for panel in figure.axes)
    with pytest.raises(RdcodecError, match="rows: expected at least 3"):
        plot_study(rows(2))


def test_row_of_bounds(model, windows):
    import torch
    from learned_parts import learned_codec

    from rdcodec.codecs import ContextCodec

    codec = learned_codec(ContextCodec, 32, np.full(32, 2.0))
    bounds = layer_bounds(model, windows.to(torch.int64), "context", codec, 0)
    row = study_row("small", "language", 32, bounds)
    assert (row.rate, row.gap_high, row.token_entropy) == (bounds.rate.value, bounds.gap.interval[1], None)
    assert row.complexity == pytest.approx(np.sqrt(5) * bounds.complexity.value)
