"""What states are read into: arrays of float32 and float16, tensors of these and of bfloat16."""

import sys

import numpy as np

from rdcodec.errors import RdcodecError

__all__ = ["check_buffer", "dtype_name", "empty", "fill", "torch_dtype", "type_name"]

_NUMPY = ("float32", "float16")


def empty(shape, dtype):
    """An array, or a tensor where the dtype is one of torch or NumPy has none of that name.

    Raises
    ------
    RdcodecError
        The dtype is none of float32, float16 and bfloat16.
    """
    name = type_name(dtype)
    if name in _NUMPY and not _is_torch(dtype):
        return np.empty(shape, name)
    return _torch().empty(shape, dtype=torch_dtype(name))


def type_name(dtype):
    """str : of an element type, given by name or as one of NumPy or torch; errors as of `empty`."""
    if _is_torch(dtype):
        name = str(dtype).removeprefix("torch.")
    else:
        name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    if name not in (*_NUMPY, "bfloat16"):
        raise RdcodecError(f"dtype: expected float32, float16 or bfloat16, got {name}")
    return name


def torch_dtype(dtype):
    """That of torch, of a name or of a type of NumPy or torch; errors as of `empty`."""
    return getattr(_torch(), type_name(dtype))


def check_buffer(out, shape):
    """`out`, which must be one that `empty` could have made of that shape, in any order of its elements."""
    held = dtype_name(out)
    if held not in (*_NUMPY, "bfloat16") or tuple(out.shape) != tuple(shape):
        raise RdcodecError(
            f"out: expected float32, float16 or bfloat16 of shape {list(shape)}, got {held} {list(getattr(out, 'shape', ()))}"
        )
    return out


def dtype_name(out):
    """str : of the elements of an array or a tensor."""
    return str(getattr(out, "dtype", type(out).__name__)).removeprefix("torch.")


def fill(out, rows, values):
    """Set rows, a slice or an array of numbers, of an array or a tensor to values of its element type, as `as_dtype` gives them."""
    out[rows] = _torch().from_numpy(values) if isinstance(values, np.ndarray) and not isinstance(out, np.ndarray) else values


def _is_torch(dtype):
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(dtype, torch.dtype)


def _torch():
    try:
        import torch
    except ImportError as error:
        raise ImportError("bfloat16 needs PyTorch: pip install 'rdcodec[hf]'") from error
    return torch
