"""Every public name of rdcodec, and what each can be asked for."""

import importlib
import inspect
from functools import cache

__all__ = ["MODULES", "callables", "names"]

MODULES = (
    "rdcodec",
    "rdcodec.adapters",
    "rdcodec.calibration",
    "rdcodec.codecs",
    "rdcodec.entropy",
    "rdcodec.errors",
    "rdcodec.estimators",
    "rdcodec.evaluation",
    "rdcodec.models",
    "rdcodec.net",
    "rdcodec.planning",
    "rdcodec.serving",
    "rdcodec.splits",
    "rdcodec.store",
    "rdcodec.stream",
    "rdcodec.theory",
    "rdcodec.training",
)


def names():
    """Pairs of a module and a public name of it."""
    return [(module, name) for module in MODULES for name in importlib.import_module(module).__all__]


@cache
def callables():
    """dict of dotted name to function: all public functions, and of public classes constructors, methods and properties, once each."""
    found = {}
    for module, name in names():
        value = getattr(importlib.import_module(module), name)
        if inspect.isclass(value):
            found.update(_methods(value))
        elif inspect.isfunction(inspect.unwrap(value)):
            found[f"{value.__module__}.{name}"] = inspect.unwrap(value)
    return found


def _methods(cls):
    for name, value in vars(cls).items():
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        is_own = getattr(function, "__qualname__", "") == f"{cls.__qualname__}.{name}"  # not a field's default
        is_written = is_own and inspect.isfunction(function) and function.__code__.co_filename != "<string>"  # not by dataclasses
        if is_written and (not name.startswith("_") or name == "__init__"):
            yield f"{cls.__module__}.{cls.__qualname__}.{name}", function
