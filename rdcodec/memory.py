"""Memory that was taken in passing."""

import ctypes
import sys

__all__ = ["give_back"]


def give_back():
    """What is free goes back to the system: glibc keeps it, as much as a codec takes, or a sixth of a small model, unless it is asked."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # which other C libraries lack
        if trim is not None:
            trim(0)
