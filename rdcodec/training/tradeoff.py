"""What a bit is worth along the qualities of a codec, measured."""

import math

import torch

from rdcodec.errors import RdcodecError
from rdcodec.training.settings import Tradeoff

__all__ = ["measure_tradeoff"]

QUALITIES = (-12, 4)  # where distortion and rate are measured; between and beyond them the former is taken for exponential
WINDOWS = 2  # at a time


@torch.no_grad()
def measure_tradeoff(module, cache, distortion, report):
    """`Tradeoff` on held-out windows: by how much the distortion falls when the rate rises with the quality.

    Parameters
    ----------
    module : torch.nn.Module
        As for `train`.
    cache : StateCache
    distortion : callable
        As for `train`; what it gives for the states themselves is subtracted.
    report : callable
        Called with a fraction, 0 to 1.
    """
    training = module.training
    module.eval()
    sums = torch.zeros(len(QUALITIES), 2)
    for start in range(0, len(cache.held_out), WINDOWS):
        batch = cache.read(cache.held_out[start : start + WINDOWS]).to(next(module.parameters()).device)
        least = distortion(batch.states, batch)
        for row, quality in zip(sums, QUALITIES):
            coded = module(batch.states, torch.full((len(batch.states),), quality, device=batch.states.device))
            row += torch.stack([(distortion(coded.h_hat, batch) - least).sum(), coded.bits.mean(dim=1).sum()]).cpu()
        report((start + WINDOWS) / len(cache.held_out))
    module.train(training)
    (coarse, coarse_bits), (fine, fine_bits) = (sums / len(cache.held_out)).tolist()
    if not (coarse > fine > 0 and fine_bits > coarse_bits):
        raise RdcodecError(
            f"distortion: expected one that falls as the rate rises, got {coarse:g} nats at {coarse_bits:.0f} bits a token"
            f" and {fine:g} at {fine_bits:.0f}"
        )
    span = QUALITIES[1] - QUALITIES[0]
    decay = math.log(coarse / fine) / span
    at_zero = coarse * math.exp(decay * QUALITIES[0])
    return Tradeoff(decay * at_zero * span / (fine_bits - coarse_bits), decay / math.log(2))
