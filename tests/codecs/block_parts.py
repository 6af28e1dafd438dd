"""Calibrated codecs without a model, from random states: with a whole transform and with one in blocks."""

import numpy as np

from rdcodec.calibration.codewords import position_codewords
from rdcodec.calibration.fit import Statistics, fit_codec


def calibrated_codec(deviation, blocks):
    """A codec for states of these deviations [channels]."""
    rng = np.random.default_rng(4)
    channels = len(deviation)
    states = (rng.standard_normal((8, 64, channels)) * deviation).astype(np.float32)
    states[..., 1:] += states[..., :-1] / 2
    gradients = rng.standard_normal((2, 4, 64, channels)).astype(np.float32)
    statistics = Statistics(1, states, gradients, position_codewords(8, 64))
    return fit_codec(statistics, 0.7, 0.05, (2, 0), blocks=blocks)
