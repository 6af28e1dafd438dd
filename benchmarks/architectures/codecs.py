"""Families of codecs: each fits itself to a task and says at which settings it is measured."""

from functools import partial

from rdcodec.codecs import IntegerCodec
from rdcodec.evaluation import Setting
from rdcodec.splits import find_site

QUALITIES = (8, 0, -8)  # beside the default, which keeps a KL of 0.02 nats on inputs like those that were fitted to


def at_qualities(name, task, codec):
    qualities = sorted({max(codec.default_quality + more, codec.min_quality) for more in QUALITIES}, reverse=True)
    return [Setting(name, task.layer, codec, quality) for quality in qualities]


def transform(task, progress):
    return at_qualities("transform", task, task.calibrated(progress))


def integers(bits, task, progress):
    return [Setting(f"int{bits} a token", task.layer, IntegerCodec(find_site(task.model, task.layer).channels, bits))]


FAMILIES = {"transform": transform, "int8": partial(integers, 8), "int4": partial(integers, 4), "int3": partial(integers, 3)}
