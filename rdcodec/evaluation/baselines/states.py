"""Hidden states that baselines are fitted to."""

import numpy as np
import torch

from rdcodec.calibration.inputs import input_states
from rdcodec.modes import evaluating

__all__ = ["fit_states", "spread_of"]

SPREAD_PER_MEDIAN = 1.4826  # standard deviation of a normal variable over the median of its magnitude


def fit_states(model, layer, inputs, tokens):
    """float32 [inputs, tokens, channels] of inputs spread evenly over those given: of so many tokens in all, where there are as many."""
    with evaluating(model):
        count = -(-tokens // input_states(model, layer, inputs[:1]).shape[1])
        chosen = np.unique(np.linspace(0, len(inputs) - 1, count).round().astype(int))
        states = [input_states(model, layer, inputs[i : i + 1])[0] for i in chosen]
    return torch.stack(states).float().numpy()


def spread_of(h):
    """Robust standard deviation of hidden states."""
    # Half of the values behind a ReLU may be 0: their median says nothing then.
    return SPREAD_PER_MEDIAN * float(np.median(np.abs(h - np.median(h)))) or float(h.std())
