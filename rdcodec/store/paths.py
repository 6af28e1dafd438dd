"""Where a store is: a local folder, or one that fsspec knows (``s3://``, ``gs://``, ``hf://``, ``memory://``), of which ranges of bytes are read."""

import tempfile
from contextlib import contextmanager
from pathlib import Path

from rdcodec.errors import RdcodecError

__all__ = ["local_copy", "local_path", "open_bytes", "path_of"]


def path_of(path):
    """A path like pathlib's.

    Raises
    ------
    ImportError
        It is none of a local file, and universal-pathlib is not installed.
    """
    if not isinstance(path, str) or "://" not in path:
        return Path(path) if isinstance(path, str) else path
    try:
        from upath import UPath
    except ImportError as error:
        raise ImportError(f"{path}: paths that are not local need universal-pathlib: pip install 'rdcodec[remote]'") from error
    return UPath(path)


def local_path(path):
    """A path that can be written to.

    Raises
    ------
    RdcodecError
        It is not local.
    """
    path = path_of(path)
    if not isinstance(path, Path) or "://" in str(path):
        raise RdcodecError(f"{path}: stores are written to local folders; copy the folder when it is closed")
    return path


def open_bytes(path):
    """A file to read ranges of, each of which is read when it is asked for and not kept."""
    return open(path, "rb", buffering=0) if isinstance(path, Path) else path.open("rb", cache_type="none")


@contextmanager
def local_copy(folder):
    """A folder of files that need to be local for a moment: itself, or a copy."""
    if isinstance(folder, Path):
        yield folder
        return
    with tempfile.TemporaryDirectory() as copy:
        for file in folder.iterdir():
            (Path(copy) / file.name).write_bytes(file.read_bytes())
        yield Path(copy)
