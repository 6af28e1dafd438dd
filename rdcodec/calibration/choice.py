"""Steps that calibration and adaptation share: what is measured of a model, and the settings chosen by the loss of its output."""

import torch

from rdcodec.calibration.fit import Statistics, fit_codec
from rdcodec.calibration.inputs import input_states, kept_of
from rdcodec.calibration.processes import shared_out
from rdcodec.calibration.tail_gradients import generators_of, sampled_gradients
from rdcodec.calibration.tune import rate_at_target
from rdcodec.calibration.windows import batches, windows_of
from rdcodec.errors import RdcodecError

__all__ = ["checked_target", "choose", "measure", "states_of"]

GRADIENT_TOKENS = 8192  # about, at most: more change the metric no further
SAMPLES = 2  # of each output distribution
ALPHAS = (0.7, 0.5)
SHRINKAGES = (0.05, 0.15)
INWARDS = ((0, 0), (2, 0))  # of the points 1 and 2, in sixteenths of half a step
START_QUALITY = 0
DEFAULT_TARGET = 0.02  # nats
SEED = 19


def checked_target(target_kl):
    target = DEFAULT_TARGET if target_kl is None else float(target_kl)
    if not target > 0:
        raise RdcodecError(f"target_kl: expected more than 0 nats, got {target_kl}")
    return target


def measure(model, layer, fit, codewords, report):
    """`Statistics` of the inputs to fit."""
    states = states_of(model, layer, fit, "hidden states", report)
    parts = batches(states[: windows_of(GRADIENT_TOKENS, states)], fit)
    generators = generators_of(model, layer, parts, SAMPLES, SEED)

    def gradients_of(i):
        report("gradients", (i + 1) / len(parts))
        return sampled_gradients(model, layer, parts[i][0], SAMPLES, generators[i], parts[i][1])

    gradients = shared_out(len(parts), gradients_of)
    kept = kept_of(fit, states.shape[1])
    return Statistics(layer, states.float().numpy(), torch.cat(gradients, dim=1).numpy(), codewords(states, report), kept)


def choose(statistics, held_out, target, report, priors=()):
    """The codec of least rate at the target loss, and its quality: priors first, then strength, then shrinkage, then reconstruction points.

    Candidates are compared at one quality near the target, by the rate that each would have at the target itself.
    """
    setting = {"alpha": ALPHAS[0], "shrinkage": SHRINKAGES[0], "inward": INWARDS[0], "before": None}
    trials = [("before", p) for p in priors]
    trials += [("alpha", a) for a in ALPHAS[1:]] + [("shrinkage", s) for s in SHRINKAGES[1:]] + [("inward", i) for i in INWARDS[1:]]
    parts = len(trials) + 2
    codec = fit_codec(statistics, **setting)
    quality, points = held_out.quality_at(codec, target, START_QUALITY, lambda f: report("settings", f / parts))
    least = min(rate_at_target(point, target, codec.channels) for point in points if point[0] == quality)
    for i, (name, value) in enumerate(trials):
        report("settings", (i + 1) / parts)
        candidate = fit_codec(statistics, **{**setting, name: value})
        rate = rate_at_target((quality, *held_out.measure(candidate, quality)), target, codec.channels)
        if rate < least:
            least, codec, setting = rate, candidate, {**setting, name: value}
    report("settings", 1 - 1 / parts)
    quality, _ = held_out.quality_at(codec, target, quality, lambda f: None)
    report("settings", 1.0)
    return codec, quality


def states_of(model, layer, inputs, stage, report):
    def states(i):
        report(stage, (i + 1) / len(inputs))
        return input_states(model, layer, inputs[i : i + 1])[0]

    return torch.stack(shared_out(len(inputs), states))
