"""What fields and tensors of a checkpoint may hold: tables of these, and the one checker of all families."""

import re
from typing import NamedTuple

import numpy as np

from rdcodec.codecs.limits import AXES
from rdcodec.errors import LimitError, RdcodecError
from rdcodec.messages import shown

__all__ = [
    *("CHANNELS", "Choice", "Integer", "Integers", "Number", "Tensor", "Text"),
    *("check_config", "check_count", "check_field", "check_range", "check_tensors"),
]


class Integer(NamedTuple):
    """An integer from least to most; true and 2.0 are none."""

    least: int
    most: int

    def holds(self, value):
        return type(value) is int and self.least <= value <= self.most

    def __str__(self):
        return f"an integer {self.least} to {self.most}"


CHANNELS = Integer(1, 65536)


class Integers(NamedTuple):
    """A list of so many integers."""

    length: int
    each: Integer

    def holds(self, value):
        return type(value) is list and len(value) == self.length and all(map(self.each.holds, value))

    def __str__(self):
        return f"{self.length} entries, each {self.each}"


class Number(NamedTuple):
    """A finite number from least to most."""

    least: float
    most: float

    def holds(self, value):
        return type(value) in (int, float) and self.least <= value <= self.most

    def __str__(self):
        return f"a number {self.least:g} to {self.most:g}"


class Text(NamedTuple):
    """Text that a regular expression describes whole."""

    pattern: str

    def holds(self, value):
        return type(value) is str and re.fullmatch(self.pattern, value) is not None

    def __str__(self):
        return f"text like {self.pattern}"


class Choice(NamedTuple):
    """One of some values."""

    values: tuple

    def holds(self, value):
        return any(type(value) is type(one) and value == one for one in self.values)

    def __str__(self):
        return f"one of {', '.join(map(repr, self.values))}"


class Tensor(NamedTuple):
    """A tensor: its name, element type and axes ("c" are the channels), and the range of its elements, all finite.

    `order` is "sorted" where none may be below the one before, "rising" where none may equal it either.
    """

    name: str
    dtype: type
    axes: tuple
    least: float | None = None
    most: float | None = None
    order: str | None = None


def check_field(name, kind, value):
    """A value that is of this kind."""
    if not kind.holds(value):
        raise RdcodecError(f"{name}: expected {kind}, got {shown(value)}")


def check_config(fields, config):
    """The fields of a table, dict of name to kind, from a config. Others are of a later version: left out."""
    if type(config) is not dict:
        raise RdcodecError(f"config: expected an object, got {shown(config)}")
    for name, kind in fields.items():
        if name not in config:
            raise RdcodecError(f"{name}: expected {kind}, but the config lacks it")
        check_field(name, kind, config[name])
    return {name: config[name] for name in fields}


def check_tensors(specs, channels, tensors):
    """Every tensor there, of its type and within its range, and all shapes in agreement. Returns the sizes of the axes."""
    sizes = {"c": channels}
    for spec in specs:
        if spec.name not in tensors:
            raise RdcodecError(f"the checkpoint lacks the tensor {spec.name}")
        tensor = tensors[spec.name]
        expected = tuple(sizes.get(axis, size) for axis, size in zip(spec.axes, tensor.shape, strict=False))
        if tensor.dtype != spec.dtype or tensor.ndim != len(spec.axes) or tensor.shape != expected:
            of = f"{np.dtype(spec.dtype)} {list(spec.axes)}"
            raise RdcodecError(f"{spec.name}: expected {of}, got {tensor.dtype} {list(tensor.shape)}")
        for axis, size in zip(spec.axes, tensor.shape, strict=True):
            least, most = AXES[axis]
            if not least <= size <= most:
                error = LimitError if size > most else RdcodecError
                raise error(f"{spec.name}: expected {least} to {most} {axis}, got {size}")
            sizes[axis] = size
        if spec.least is not None:
            check_range(spec.name, tensor, spec.least, spec.most)
        if spec.order is not None:
            _check_order(spec, tensor)
    return sizes


def check_range(name, array, least, most):
    """Elements within a range, which NaN is not."""
    within = (array >= least) & (array <= most)
    if not within.all():
        at = int(np.argmin(within))
        raise RdcodecError(f"{name}: expected values {least} to {most}, got {array.flat[at]} at position {at}")


def check_count(name, expected, got):
    if got != expected:
        raise RdcodecError(f"{name}: expected {expected} entries, got {got}")


def _check_order(spec, array):
    before, after = array[:-1], array[1:]
    right = after > before if spec.order == "rising" else after >= before
    if not right.all():
        at = int(np.argmin(right)) + 1
        raise RdcodecError(f"{spec.name}: expected {spec.order} values, got {array[at]} after {array[at - 1]} at position {at}")
