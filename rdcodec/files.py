"""Files that are written in one step, and files that are read without being held in memory."""

import errno
import mmap
import os
import secrets
import stat
from contextlib import contextmanager
from pathlib import Path

__all__ = ["check_replaceable", "mapped_file", "replace_file", "replaced_file"]


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
    temporary = path.with_name(f".{secrets.token_hex(8)}")
    with _errors_of(path, temporary), open(temporary, "xb") as file:
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


def check_replaceable(path):
    """Refuse a file that `replaced_file` could not write, by trying to; the file is left as it is.

    Raises
    ------
    OSError
        Its folder is not there or not to be written to, or it is a folder itself.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    temporary = path.with_name(f".{secrets.token_hex(8)}")
    with _errors_of(path, temporary):
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL))
        os.unlink(temporary)


@contextmanager
def _errors_of(path, temporary):
    """What the system says of the temporary file it says of the path that the user knows."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(temporary)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
