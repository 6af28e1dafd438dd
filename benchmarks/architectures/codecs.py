"""Families of codecs: each fits itself to a task and says at which settings it is measured."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

from rdcodec import training
from rdcodec.codecs import IntegerCodec
from rdcodec.evaluation import Setting
from rdcodec.splits import find_site

LAMBDAS = (1e-2, 1e-4)  # nats that a bit a token is worth: more than in large models, whose tokens take more bits
QUALITIES = (8, 0, -8)  # beside the default, which keeps a KL of 0.02 nats on inputs like those that were fitted to


class Training(NamedTuple):
    """Where learned codecs are trained, and for how long."""

    folder: Path
    minutes: float


def at_qualities(name, task, codec):
    qualities = sorted({max(codec.default_quality + more, codec.min_quality) for more in QUALITIES}, reverse=True)
    return [Setting(name, codec, quality, layer=task.layer) for quality in qualities]


def transform(task, _, progress):
    return at_qualities("transform", task, task.calibrated(progress))


def learned(family, task, trained, progress):
    return at_qualities(family, task, trained_codec(family, task, trained, progress))


def trained_codec(family, task, trained, progress):
    """A training that was interrupted goes on, one that was finished is not done again."""
    states = task.states(trained.folder / "states", progress)
    distortion = training.TailDistortion(task.model, task.layer)
    out = trained.folder / f"{task.architecture} {family}"
    result = training.train_codec(
        family, task.model, task.layer, states, distortion, LAMBDAS, trained.minutes, out, progress=progress, resume=True
    )
    return result.codec


def integers(bits, task, _, progress):
    return [Setting(f"int{bits} a token", IntegerCodec(find_site(task.model, task.layer).channels, bits), layer=task.layer)]


FAMILIES = {
    "transform": transform,
    **{family: partial(learned, family) for family in training.FAMILIES},
    **{f"int{bits}": partial(integers, bits) for bits in (8, 4, 3)},
}
