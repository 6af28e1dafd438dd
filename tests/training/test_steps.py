"""The network of steps finds what tokens are sensitive, and the steps follow."""

import numpy as np

from rdcodec.net import IntegerNet
from rdcodec.training.steps import fit_steps


def test_steps_follow_the_sensitivity():
    random = np.random.default_rng(1)
    features = random.standard_normal((20_000, 24)).astype(np.float32)
    log2 = 1.5 * np.tanh(features[:, 0]) - features[:, 1]
    sensitivity = 2.0**log2 * random.exponential(1, len(features))  # one noisy sample a token, as gradients are
    tensors = fit_steps(features, sensitivity, lambda fraction: None)
    predicted = IntegerNet.from_tensors("steps", tensors).apply(np.rint(64 * features).astype(np.int16))[:, 0] / 8.0
    assert np.corrcoef(predicted, log2)[0, 1] > 0.95
    steps = np.searchsorted(tensors["step_thresholds"], -8 * predicted, side="right")
    offsets = tensors["step_offsets"]
    assert (np.diff(offsets) >= 0).all() and len(offsets) == len(tensors["step_thresholds"]) + 1
    # Half the logarithm of the sensitivity, in eighths of an octave, from token to token.
    slope = np.polyfit(log2, offsets[steps], 1)[0]
    assert -4.6 < slope < -3.0
