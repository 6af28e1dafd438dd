"""Estimates from few tokens: what they are worth where the truth is known."""

import numpy as np
import pytest

from rdcodec import RdcodecError, calibrate
from rdcodec.calibration.codewords import PSEUDO_COUNT, fit_codewords
from rdcodec.calibration.metric import principal_components, shrunk_covariance, token_scales
from rdcodec.calibration.windows import all_windows, cut_windows, default_tokens

CHANNELS = 24


def regression(rng, noise, massive):
    """Features of 400 codewords, one of them massive, and values of 2,000 tokens that are linear in them but for noise."""
    features = rng.standard_normal((400, CHANNELS))
    features[:, 0] *= massive
    truth = (features / features.std(axis=0)) @ rng.standard_normal((CHANNELS, CHANNELS))
    codeword_of = rng.integers(0, 300, 2000)
    return features, truth, truth[codeword_of] + noise * rng.standard_normal((2000, CHANNELS)), codeword_of


def test_a_massive_channel_does_not_hide_what_the_others_say_of_codewords():
    """Its eigenvalue makes up nearly all of the mean: a ridge in proportion to that leaves nothing of the rest."""
    features, truth, values, codeword_of = regression(np.random.default_rng(0), noise=1.0, massive=1000)
    predicted, _ = fit_codewords(features, values, codeword_of)
    unseen = slice(300, None)
    assert np.square(predicted - truth)[unseen].mean() < 0.05 * truth[unseen].var()


def test_features_that_say_nothing_are_left_out():
    rng = np.random.default_rng(1)
    features = rng.standard_normal((400, 200))
    predicted, _ = fit_codewords(features, rng.standard_normal((500, CHANNELS)), rng.integers(0, 400, 500))
    assert predicted.var() < 0.1  # least squares make about 200 / 300 of it


def test_codewords_are_refined_by_the_means_of_what_is_left():
    rng = np.random.default_rng(2)
    values, codeword_of = rng.standard_normal((300, 3)), rng.integers(0, 5, 300)
    predicted, codewords = fit_codewords(rng.standard_normal((7, 2)), values, codeword_of)
    for codeword in range(5):
        own = values[codeword_of == codeword] - predicted[codeword]
        np.testing.assert_allclose(codewords[codeword], predicted[codeword] + own.sum(axis=0) / (len(own) + PSEUDO_COUNT), atol=1e-12)
    np.testing.assert_array_equal(codewords[5:], predicted[5:])


def test_the_share_of_noise_is_that_of_the_formula():
    x = np.random.default_rng(3).standard_normal((40, 5)) @ np.random.default_rng(4).standard_normal((5, 5))
    z = x / np.sqrt(np.mean(x**2, axis=0))
    products = z[:, :, None] * z[:, None, :]
    correlation, apart = products.mean(axis=0), ~np.eye(5, dtype=bool)
    share = (products.var(axis=0) / len(x))[apart].sum() / np.square(correlation[apart]).sum()
    expected = x.T @ x / len(x) * np.where(apart, 1 - share, 1)
    assert 0.01 < share < 0.9
    np.testing.assert_allclose(shrunk_covariance(x), expected, atol=1e-12)


def test_channels_that_are_independent_are_found_to_be_so():
    x = np.random.default_rng(5).standard_normal((300, 100)) * np.geomspace(1, 100, 100)
    correlation = shrunk_covariance(x) / np.outer(x.std(axis=0), x.std(axis=0))
    plain = np.corrcoef(x, rowvar=False)
    apart = ~np.eye(100, dtype=bool)
    assert np.square(correlation[apart]).sum() < 0.05 * np.square(plain[apart]).sum()


def test_scales_of_tokens_show_their_common_axes():
    """A tenth of the tokens is fifty times as large and lies the other way: at equal scales the many rule."""
    rng = np.random.default_rng(6)
    usual, large = rng.standard_normal((900, 8)), rng.standard_normal((100, 8))
    usual[:, 0] *= 4
    large[:, 1] *= 4
    x = np.concatenate([usual, 50 * large])
    scales = token_scales(x)
    assert scales[900:].min() > 20 * scales[:900].max()
    scaled = x / np.sqrt(scales)[:, None]
    assert np.abs(principal_components(x.T @ x)[1][:, 0]).argmax() == 1
    assert np.abs(principal_components(scaled.T @ scaled)[1][:, 0]).argmax() == 0


@pytest.mark.parametrize(("channels", "tokens"), [(40, 12_000), (285, 12_000), (576, 24_192), (896, 37_632), (4096, 86_000)])
def test_the_default_number_of_tokens_follows_the_width(channels, tokens):
    assert default_tokens(channels) == tokens


def test_without_a_number_of_tokens_all_of_a_short_text_are_fitted_to(model, tokenizer, text):
    windows = cut_windows(model, tokenizer, [text], 10**6, or_all=True)
    rows, _ = all_windows(model, tokenizer, [text])
    assert len(windows.fit) + len(windows.held_out) == len(rows) and len(windows.held_out) >= 1
    with pytest.raises(RdcodecError, match="tokens=1000000"):
        cut_windows(model, tokenizer, [text], 10**6)
    with pytest.raises(RdcodecError, match="tokens=12000"):
        calibrate(model, tokenizer, [text[:100]], 2)
