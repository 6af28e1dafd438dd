"""Files that are written in one step."""

import os
import tempfile
from pathlib import Path

__all__ = ["replace_file"]


def replace_file(path, data):
    """Write bytes to a file: a reader sees the old ones or the new ones, and after a failure there are the old ones, or none."""
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
