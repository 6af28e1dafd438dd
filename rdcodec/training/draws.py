"""Every draw of a training is a function of seed and place, so that going on from a checkpoint needs the step alone."""

import numpy as np
import torch

__all__ = ["draw_qualities", "seed_noise", "window_indices"]

ORDER, QUALITY, NOISE = range(3)  # streams of draws


def window_indices(windows, start, count, seed):
    """Indices at places start, ... of an endless sequence that has all windows in each epoch, in a new order each time.

    Returns
    -------
    ndarray
        int64 [count], each one of `windows`.
    """
    places = np.arange(start, start + count)
    epochs = places // len(windows)
    orders = {epoch: np.random.default_rng((seed, ORDER, epoch)).permutation(windows) for epoch in set(epochs.tolist())}
    return np.array([orders[epoch][place % len(windows)] for epoch, place in zip(epochs.tolist(), places)])


def draw_qualities(lowest, highest, start, count, seed):
    """int64 tensor [count]: qualities, the highest included, of the windows at places start, ..."""
    drawn = [np.random.default_rng((seed, QUALITY, start + i)).integers(lowest, highest, endpoint=True) for i in range(count)]
    return torch.tensor(drawn)


def seed_noise(seed, start):
    """Seed PyTorch's generators for what a module draws at a place."""
    torch.manual_seed(int(np.random.SeedSequence((seed, NOISE, start)).generate_state(1, np.uint64)[0] >> 1))
