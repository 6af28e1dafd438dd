"""Files that are written in one step, and files that are read without being held in memory."""

import mmap
import os
import secrets
import stat
from contextlib import contextmanager
from pathlib import Path

__all__ = ["mapped_file", "replace_file", "replaced_file"]


def mapped_file(path):
    """The bytes of a file as they are on disk, for as long as a view of them lives; an empty file or a pipe is read."""
    with open(path, "rb") as file:
        try:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (ValueError, OSError):
            return file.read()


def replace_file(path, data):
    """Write bytes to a file as `replaced_file` does."""
    with replaced_file(path) as file:
        file.write(data)


@contextmanager
def replaced_file(path):
    """A binary file to write to, which takes the place of the old one when the context ends without an error.

    So a reader sees the old bytes or the new ones, and after a failure there are the old ones, or none. Who may read and write a new
    file is left to the umask; a file that is replaced keeps its mode.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with open(temporary, "xb") as file:
        try:
            if path.exists():
                os.chmod(temporary, stat.S_IMODE(path.stat().st_mode))
            yield file
            file.close()
            os.replace(temporary, path)
        except BaseException:
            file.close()
            os.unlink(temporary)
            raise
