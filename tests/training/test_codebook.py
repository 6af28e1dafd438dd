"""The codebook: what comes out of the checkpoint is near to what went in, the nearer the more often it is used."""

import numpy as np
import pytest

from rdcodec.codecs.codebook import unpack_codebook
from rdcodec.training import codebook

COUNT, CHANNELS = 300, 40


@pytest.fixture
def packed():
    random = np.random.default_rng(1)
    unit = 2.0 ** random.integers(-2, 3, CHANNELS)
    deviation = unit * random.uniform(0.7, 1.4, CHANNELS)
    values = random.normal(0, 2, (COUNT, CHANNELS)) * deviation
    prior = 1 / np.arange(1, COUNT + 1) ** 1.2
    prior /= prior.sum()
    tensors = {"precision": np.array(15), **codebook.pack_codebook(values, deviation, unit, prior)}
    return values, tensors, unpack_codebook(tensors) * unit / 64, np.sqrt(deviation**2 + codebook.ERROR)


def test_size(packed):
    _, tensors, _, _ = packed
    bits = 8 * len(tensors["words"]) / (COUNT * CHANNELS)
    assert 0.8 * codebook.BITS_PER_COMPONENT < bits <= codebook.BITS_PER_COMPONENT


def test_errors_are_less_than_a_step(packed):
    values, tensors, back, spread = packed
    steps = 2.0 ** (tensors["word_exponents"][:, None].astype(float) + codebook.FINEST)
    assert (np.abs(back - values) / spread <= np.sqrt(2) * codebook.DEAD_ZONE * steps + 0.02).all()


def test_frequent_codewords_are_finer(packed):
    values, tensors, back, spread = packed
    assert (np.diff(tensors["word_exponents"].astype(int)) >= 0).all()
    error = np.square((back - values) / spread).mean(axis=1)
    assert error[:20].mean() < error[-100:].mean() / 3
