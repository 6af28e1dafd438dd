"""Hidden states as users hold them, arrays or tensors, and as codecs take them: float32 arrays."""

import sys

import numpy as np

from rdcodec import _core
from rdcodec.errors import RdcodecError

__all__ = ["HOST", "as_dtype", "check_values", "values_of"]


_NAMES = {np.dtype(name): name for name in ("float32", "float16")}  # in native byte order; a dtype's own name takes microseconds


def values_of(h):
    """C-contiguous float32 array of the values of h, a view where that is possible, and the name of h's dtype."""
    torch = sys.modules.get("torch")  # a tensor cannot come from anywhere else: NumPy alone is enough
    if torch is not None and isinstance(h, torch.Tensor):
        if h.dtype is torch.float32:
            try:
                values = h.numpy()  # the usual case at once: what follows takes as long as a small codec
            except (RuntimeError, TypeError):  # on a device, with a gradient, a view that negates
                pass
            else:
                return values if values.flags.c_contiguous else np.ascontiguousarray(values), "float32"
        name = str(h.dtype).removeprefix("torch.")
        if h.dtype not in (torch.float32, torch.float16, torch.bfloat16):
            raise TypeError(f"h: expected a tensor of float32, float16 or bfloat16, got {name}")
        return np.ascontiguousarray(h.to(torch.float32).numpy(force=True)), name
    if not isinstance(h, np.ndarray):
        raise TypeError(f"h: expected a NumPy array or a torch tensor, got {type(h).__name__}")
    name = _NAMES.get(h.dtype)
    if name is None:
        raise TypeError(f"h: expected float32 or float16 in native byte order, got {h.dtype.str} ({h.dtype.name})")
    values = np.ascontiguousarray(h, dtype=np.float32)
    return values if values.flags.aligned else values.copy(), name


def check_values(values, channels, origin=None):
    """Finite values of so many channels. An error counts the index of a value from `origin` on, where they are a part of others."""
    if values.shape[-1] != channels:
        raise RdcodecError(f"h: expected {channels} channels, got shape {values.shape}")
    first = _core.first_not_finite(values)
    if first >= 0:
        index = tuple(int(i) for i in np.unravel_index(first, values.shape))
        origin = (0,) * len(index) if origin is None else origin
        outer = len(origin) - len(index)
        whole = (*origin[:outer], *(i + before for i, before in zip(index, origin[outer:])))
        raise RdcodecError(f"h: expected finite values, got {values[index]} at index {whole}")


def as_dtype(values, dtype):
    if dtype == "float32":
        return values
    if dtype == "float16":
        largest = np.finfo(np.float16).max
        return np.clip(values, -largest, largest).astype(np.float16)
    try:
        import torch
    except ImportError as error:
        raise ImportError("the stream holds bfloat16, which needs PyTorch: pip install 'rdcodec[hf]'") from error
    largest = torch.finfo(torch.bfloat16).max
    return torch.from_numpy(values).clamp(-largest, largest).to(torch.bfloat16)


class Host:
    """Where codecs take states and leave them, unless they were moved to a device: arrays in the processor's memory."""

    values_of = staticmethod(values_of)
    check_values = staticmethod(check_values)
    as_dtype = staticmethod(as_dtype)
    stack = staticmethod(np.stack)

    @staticmethod
    def empty(tokens, channels):
        """Room for decoded values."""
        return np.empty((tokens, channels), np.float32)


HOST = Host()
