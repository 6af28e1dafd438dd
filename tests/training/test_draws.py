"""Draws: every window once an epoch, and the same however they are asked for."""

import numpy as np
import torch

from rdcodec.training.draws import draw_qualities, seed_noise, window_indices

WINDOWS = np.array([3, 5, 8, 9, 11])


def test_each_epoch_has_every_window_once():
    drawn = window_indices(WINDOWS, 0, 200, seed=1).reshape(40, 5)
    assert all(set(epoch) == set(WINDOWS) for epoch in drawn)
    assert len({tuple(epoch) for epoch in drawn}) > 20


def test_draws_depend_on_their_place_alone():
    together = window_indices(WINDOWS, 0, 24, seed=1)
    assert np.array_equal(np.concatenate([window_indices(WINDOWS, i, 3, seed=1) for i in range(0, 24, 3)]), together)
    assert not np.array_equal(window_indices(WINDOWS, 0, 24, seed=2), together)
    qualities = draw_qualities(-2, 2, 0, 100, seed=1)
    assert set(qualities.tolist()) == {-2, -1, 0, 1, 2}
    assert torch.equal(draw_qualities(-2, 2, 40, 60, seed=1), qualities[40:])


def test_noise_depends_on_its_place_alone():
    noise = []
    with torch.random.fork_rng():
        for place in (4, 5, 4):
            seed_noise(1, place)
            noise.append(torch.rand(3))
    assert torch.equal(noise[0], noise[2]) and not torch.equal(noise[0], noise[1])
