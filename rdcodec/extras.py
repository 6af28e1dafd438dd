"""Packages that only some of rdcodec needs."""

import importlib.util

__all__ = ["need"]


def need(extra, *packages):
    """Refuse to go on without packages, naming the extra that brings them, before one of them is missed in the middle of something.

    Raises
    ------
    ImportError
        One is not installed.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise ImportError(f"{package.replace('_', '-')} is not installed: pip install 'rdcodec[{extra}]'")
