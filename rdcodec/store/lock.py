"""One writer at a time: a lock on a file of the folder, which the system takes back when its process ends in whatever way."""

import os

from rdcodec.errors import RdcodecError

__all__ = ["Lock"]

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    def _lock(descriptor):
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:

    def _lock(descriptor):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Lock:
    """Held from when it is made to `release`; the file stays.

    Raises
    ------
    RdcodecError
        Another writer holds it.
    OSError
        The file cannot be made or written: the folder is read-only.
    """

    def __init__(self, path):
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(self._descriptor)
        except OSError as error:
            os.close(self._descriptor)
            raise RdcodecError(f"{path.parent}: another writer is adding to this store") from error

    def release(self):
        os.close(self._descriptor)
