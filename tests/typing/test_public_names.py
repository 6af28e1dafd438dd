"""Public names are typed, and described with the shapes that they take and the errors that they raise."""

import inspect
import re
import sys

import pytest
from public_names import callables

ARRAYS = re.compile(r"\b(Array|ArrayLike|States|Tensor)\b")
SHAPE = re.compile(r"\[[a-z][^\]]*\]|\[\]|(the|any) shape")
ERRORS = re.compile(r"\bRaises\n|\b[Ee]rrors as\b|errors\b|an `RdcodecError`")


def parameters(name):
    found = inspect.signature(callables()[name]).parameters.values()
    return [parameter for parameter in found if parameter.name not in ("self", "cls")]


def takes_an_array(parameter):
    annotation = str(parameter.annotation)
    return ARRAYS.search(annotation) and not annotation.startswith("Callable") and parameter.kind is not parameter.VAR_KEYWORD


def description(name):
    """The docstring of a function; a constructor is described by its class."""
    function = callables()[name]
    if name.endswith(".__init__"):
        function = getattr(sys.modules[function.__module__], function.__qualname__.split(".")[0])
    return inspect.getdoc(function)


@pytest.mark.parametrize("name", callables())
def test_annotated(name):
    assert not [parameter.name for parameter in parameters(name) if parameter.annotation is parameter.empty]
    assert inspect.signature(callables()[name]).return_annotation is not inspect.Signature.empty


@pytest.mark.parametrize("name", callables())
def test_described(name):
    text = description(name)
    assert text
    if any(map(takes_an_array, parameters(name))):
        assert SHAPE.search(text), "arrays come in, and nothing is said of their shapes"
        assert ERRORS.search(text), "arrays come in, and nothing is said of what is refused"
