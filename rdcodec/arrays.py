"""Arrays in .npy files, which may be damaged."""

import math
import os

import numpy as np

from rdcodec.errors import RdcodecError
from rdcodec.messages import printable

__all__ = ["ArrayFile", "read_array"]


class ArrayFile:
    """The array of a .npy file, of which a slice is read when it is asked for. Errors as of `read_array`.

    The file is mapped anew for each slice: pages of a map that stays count as memory, up to the whole file.
    """

    def __init__(self, path):
        self._path = path
        array = read_array(path, mapped=True)
        self.shape, self.ndim, self.dtype = array.shape, array.ndim, array.dtype

    def __getitem__(self, key):
        return np.array(read_array(self._path, mapped=True)[key])


def read_array(path, mapped=False):
    """The array in a .npy file, never by unpickling; what its header claims is compared with its size before memory is taken.

    Parameters
    ----------
    path : path
    mapped : bool
        Leave the elements on disk until they are read.

    Raises
    ------
    OSError
        The file cannot be read.
    RdcodecError
        It is no array of numbers, or damaged.
    """
    try:
        with open(path, "rb") as file:
            _check_array(file)
            return np.load(path, mmap_mode="r") if mapped else np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # a header is an expression of Python, which fails in many ways
        raise RdcodecError(f"{path}: expected a .npy file of numbers: {printable(error)}") from error


def _check_array(file):
    """A header whose claims the file has bytes for. The file is at its start again afterwards."""
    if file.read(4) == b"PK\3\4":
        raise ValueError("several arrays (.npz) in place of one")
    file.seek(0)
    version = np.lib.format.read_magic(file)
    headers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in headers:
        raise ValueError(f"version {version[0]}.{version[1]}")
    shape, _, dtype = headers[version](file)
    if dtype.hasobject:
        raise ValueError("Python objects")
    claimed, there = math.prod(shape) * dtype.itemsize, os.fstat(file.fileno()).st_size - file.tell()
    if min(shape, default=0) < 0 or claimed > there:
        raise ValueError(f"the header claims {claimed} bytes of shape {shape}, {there} are there")
    file.seek(0)
