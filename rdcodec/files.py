"""Files that are written in one step, and files that are read without being held in memory."""

import mmap
import os
import tempfile
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
    """Write bytes to a file: a reader sees the old ones or the new ones, and after a failure there are the old ones, or none."""
    with replaced_file(path) as file:
        file.write(data)


@contextmanager
def replaced_file(path):
    """A binary file to write to, which takes the place of the old one when the context ends without an error."""
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
