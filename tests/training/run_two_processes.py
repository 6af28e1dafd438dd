"""What test_processes.py runs in each of two processes: a training on random states, with one window a process."""

import sys

import numpy as np
import torch
from noisy_quantiser import NoisyQuantiser

from rdcodec.training import Batch, Settings, train

CHANNELS = 8
SETTINGS = Settings(steps=6, qualities=(-4, 4), learning_rate=0.05, windows=1, checkpoint_every=2, validate_every=4)


class RandomStates:
    """In place of a `StateCache`."""

    key = {"states": "random"}
    train, held_out = np.arange(6), np.arange(6, 9)

    def __init__(self):
        self._states = torch.randn(9, 16, CHANNELS, generator=torch.Generator().manual_seed(0))

    def read(self, index):
        return Batch(self._states[index], self._states[index], torch.zeros(len(index), 16, dtype=torch.int64))


def squared_error(h_hat, batch):
    return (h_hat - batch.states).square().sum(dim=2).mean()


def trained(settings, out):
    module = NoisyQuantiser(CHANNELS, noise=0)
    return train(module, RandomStates(), squared_error, settings, out, resume=True)


if __name__ == "__main__":
    print(trained(SETTINGS, sys.argv[1]))
