"""One writer at a time: a lock on a file of the folder, which the system takes back when its process ends in whatever way."""

from rdcodec.errors import RdcodecError

__all__ = ["Lock"]

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    def _lock(file):
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:

    def _lock(file):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Lock:
    """Held from when it is made to `release`, or until nobody has it any more; the file stays.

    Raises
    ------
    RdcodecError
        Another writer holds it.
    OSError
        The file cannot be made or written: the folder is read-only.
    """

    def __init__(self, path):
        self._file = open(path, "ab")  # noqa: SIM115 (until it is released)
        try:
            _lock(self._file)
        except OSError as error:
            self._file.close()
            raise RdcodecError(f"{path.parent}: another writer is adding to this store") from error

    def release(self):
        self._file.close()
