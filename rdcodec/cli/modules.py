"""Codec families of one's own: `--import MODULE`, which every command takes."""

import os
import sys
from functools import wraps
from importlib import import_module
from inspect import Parameter, signature
from typing import Annotated, Optional

import typer

__all__ = ["with_imports"]


def with_imports(command):
    """A command that imports modules before it begins, and before its other options are looked at."""

    @wraps(command)
    def importing(*args, modules=None, **options):
        return command(*args, **options)

    modules = Parameter("modules", Parameter.KEYWORD_ONLY, default=None, annotation=_Modules)
    own = signature(command)
    importing.__signature__ = own.replace(parameters=[*own.parameters.values(), modules])
    importing.__annotations__ = {**command.__annotations__, "modules": _Modules}
    return importing


def _import(names: Optional[list[str]]):
    if names and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    for name in names or []:
        import_module(name)
    return names


_Modules = Annotated[
    Optional[list[str]],
    typer.Option(
        "--import",
        metavar="MODULE",
        help="Import a module with codec families, installed or in this folder; may be repeated.",
        callback=_import,
        is_eager=True,
        show_default=False,
    ),
]
