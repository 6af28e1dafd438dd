"""Rows that `rdcodec eval --json` wrote, read again, those of one measuring put together."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from rdcodec.errors import RdcodecError
from rdcodec.evaluation.rows import Row, Rows

if TYPE_CHECKING:
    from rdcodec.types import PathLike

__all__ = ["Run", "read_runs"]

SAME = 1e-3  # relative, of perplexities: other machines and threads round in another way
COLUMNS = {field.name: field for field in fields(Row)}


@dataclass(frozen=True)
class Run:
    """Rows of one model on the same inputs.

    Attributes
    ----------
    model : str
    text : str
        Name of the file.
    inputs : str
        Such as "24 windows of 512 tokens" or "2,000 passages".
    frame_tokens : int or None
        Tokens a frame at most, where they were limited.
    rows : Rows
    """

    model: str
    text: str
    inputs: str
    frame_tokens: int | None
    rows: Rows

    @property
    def title(self) -> str:
        """Model, text and inputs."""
        frames = "" if self.frame_tokens is None else f", {self.frame_tokens} a frame"
        return f"{self.model} on {self.text}, {self.inputs}{frames}"


def read_runs(paths: Sequence[PathLike]) -> list[Run]:
    """Read what `rdcodec eval --json` wrote.

    Rows of one model, text and kind of inputs make one run, whichever files they are in; where a setting is there twice, the last file
    counts, by name within a folder.

    Parameters
    ----------
    paths : list of path
        Files, or folders with files ``*.json``.

    Returns
    -------
    list of Run
        In the order of the files.

    Raises
    ------
    FileNotFoundError
        A path does not exist.
    RdcodecError
        A file is not what `eval` writes, there are none, or texts of one name are different ones.
    """
    found: dict[tuple[str, str, str, int | None], dict] = {}
    for file in (file for path in paths for file in _files(Path(path))):
        key, rows = _read(file)
        found.setdefault(key, {}).update({(row.layer, row.method, row.variant, row.quality): row for row in rows})
    if not found:
        raise RdcodecError(f"{', '.join(map(str, paths))}: expected files that rdcodec eval --json wrote, found none")
    runs = [Run(*key, Rows(rows.values())) for key, rows in found.items()]
    for run in runs:
        _check(run)
    return runs


def _check(run):
    """On the same inputs the uncompressed model loses the same."""
    first = run.rows[0]
    for row in run.rows:
        same = math.isclose(row.base_perplexity, first.base_perplexity, rel_tol=SAME)
        if not same or len(row.window_bits) != len(first.window_bits):
            raise RdcodecError(
                f"{run.title}: expected rows of the same inputs, the uncompressed model has a perplexity of {first.base_perplexity:g} over"
                f" {len(first.window_bits)} inputs and of {row.base_perplexity:g} over {len(row.window_bits)}"
            )


def _files(path):
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


def _read(path):
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
        rows = [Row(**{name: _value(name, value) for name, value in row.items() if name in COLUMNS}) for row in run["rows"]]
        frames = run["frame_tokens"]
        return (str(run["model"]), Path(run["text"]).name, _inputs(run), None if frames is None else int(frames)), rows
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RdcodecError(f"{path}: expected what rdcodec eval --json writes, got something else ({error})") from error


def _inputs(run):
    if "passages" in run:
        return f"{run['passages']:,} passages"
    return f"{run['windows']:,} windows of {run['window']:,} tokens"


def _value(name, value):
    """A value of a column; JSON has null for what is not finite."""
    if isinstance(value, list):
        return [math.nan if each is None else each for each in value]
    column = COLUMNS[name]
    unknown = (value is None and column.default is MISSING and column.type == "float") or (name == "agreement" and value is None)
    return math.nan if unknown else value
