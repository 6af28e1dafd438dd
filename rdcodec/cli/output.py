"""What commands write: files in one step, JSON, progress bars."""

import json
import math
import shutil
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from rdcodec.errors import RdcodecError
from rdcodec.files import check_replaceable, replaced_file
from rdcodec.progress import ProgressLines

__all__ = [
    *(
        "array_file",
        "check_folder",
        "check_writable",
        "console",
        "json_rows",
        "output_file",
        "progress_bar",
        "say",
        "tidy_cache",
        "write_json",
    ),
]

PLAIN_WIDTH = 120  # columns where the output is no terminal


def console(stderr=False):
    terminal = Console(stderr=stderr)
    return terminal if terminal.is_terminal else Console(stderr=stderr, width=PLAIN_WIDTH)


def say(text, stderr=False):
    """Print a line as it is: paths are neither wrapped nor taken for markup."""
    console(stderr).print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress_bar():
    """Yields ``progress(stage, fraction, figures="")``: a bar on stderr if that is a terminal, a line now and then elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    times = (TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[figures]}"))
    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        yield ProgressLines()
        return
    with Progress(*columns, *times, console=terminal, transient=True) as bar:
        tasks = {}

        def progress(stage, fraction, figures=""):
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=1, figures="")
            bar.update(tasks[stage], completed=fraction, figures=figures)

        yield progress


def check_writable(*paths):
    """Refuse, before the work begins, files that could not be written after it; paths may be None.

    Raises
    ------
    OSError
        One is a folder, or its folder does not exist or is not to be written to.
    RdcodecError
        Two are the same.
    """
    given = [path for path in paths if path is not None]
    for path in given:
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder, expected a file to write")
        if not path.parent.is_dir():
            raise FileNotFoundError(f"{path}: the folder {path.parent} does not exist")
        if _is_replaced(path):
            check_replaceable(path)
    if len({path.resolve() for path in given}) < len(given):
        raise RdcodecError(f"expected files that differ, got {', '.join(map(str, given))}")


def check_folder(path):
    """Refuse, before the work begins, a folder to write to that is something else, or that could not be made or written to."""
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{path} is no folder")
    there = next(folder for folder in (path, *path.resolve().parents) if folder.exists())
    try:
        check_replaceable(there / "config.json")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def tidy_cache(cache, out):
    """Remove hidden states that were computed below OUT, once they have served; a cache that was named stays."""
    if cache is None:
        shutil.rmtree(out / "cache", ignore_errors=True)


def _is_replaced(path):
    return not path.exists() or path.is_file()  # a pipe or a device cannot be


@contextmanager
def output_file(path):
    """A binary file to write to, written in one step: after a failure there is the old one, or none."""
    path = Path(path)
    with replaced_file(path) if _is_replaced(path) else open(path, "wb") as file:
        yield file


@contextmanager
def array_file(path, shape, dtype):
    """A .npy file that is written a piece at a time: yields a function that takes the next elements."""
    with output_file(path) as file:
        description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": tuple(shape)}
        np.lib.format.write_array_header_1_0(file, description)
        yield lambda values: file.write(np.ascontiguousarray(values, dtype).data)


def write_json(path, value):
    """`value` as JSON to the file that `--json` named; nothing where it named none. What is not finite, which JSON lacks, becomes null."""
    if path is not None:
        with output_file(path) as file:
            file.write((json.dumps(_finite(value), indent=2, allow_nan=False) + "\n").encode())


def _finite(value):
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextmanager
def json_rows(path, summary, name):
    """As `write_json`, of a summary with a long list `name`: yields a function that appends to the list, which is never in memory."""
    if path is None:
        yield lambda row: None
        return
    with output_file(path) as file:
        file.write(f"{json.dumps(summary, indent=2, allow_nan=False)[:-2]},\n  {json.dumps(name)}: [".encode())
        separator = "\n    "

        def append(row):
            nonlocal separator
            file.write((separator + json.dumps(row, allow_nan=False)).encode())
            separator = ",\n    "

        yield append
        file.write(b"\n  ]\n}\n")
