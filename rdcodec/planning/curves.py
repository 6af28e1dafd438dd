"""Rates and losses of methods at layers, from what an evaluation wrote."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rdcodec.errors import RdcodecError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RatePoint", "read_rows"]


@dataclass(frozen=True)
class RatePoint:
    """A setting of an evaluation.

    Attributes
    ----------
    layer : int
    method : str
        With its variant, if it has one.
    quality : int or None
    channels : int
    bits_per_token, kl : float
        Real bits; nats a token.
    encode_seconds, decode_seconds : float
        A token.
    single : bool
        Whether each token had a frame of its own.
    """

    layer: int
    method: str
    quality: int | None
    channels: int
    bits_per_token: float
    kl: float
    encode_seconds: float
    decode_seconds: float
    single: bool


def read_rows(path: Path) -> list[RatePoint]:
    """The settings of an evaluation.

    Parameters
    ----------
    path : pathlib.Path
        That ``rdcodec eval --json`` wrote.

    Returns
    -------
    list of RatePoint

    Raises
    ------
    FileNotFoundError
        There is no such file.
    RdcodecError
        It is not what `eval` writes: the message names what is missing or wrong.
    """
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
        window, single = _number(run, "window", path), run.get("frame_tokens") == 1
        return [_point(row, window, single, path) for row in run["rows"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RdcodecError(f"{path}: expected what rdcodec eval --json writes, got something else ({error})") from error


def _point(row, window, single, path):
    bits, elements = _number(row, "bits_per_token", path), _number(row, "bits_per_element", path)
    method = f"{row['method']}, {row['variant']}" if row.get("variant") else row["method"]
    quality = row["quality"]
    return RatePoint(
        layer=int(_number(row, "layer", path, least=0)),
        method=str(method),
        quality=None if quality is None else int(quality),
        channels=round(bits / elements),
        bits_per_token=bits,
        kl=_number(row, "kl", path, least=-math.inf),
        encode_seconds=_number(row, "encode_seconds", path, least=0) / window,
        decode_seconds=_number(row, "decode_seconds", path, least=0) / window,
        single=single,
    )


def _number(values, name, path, least=1e-12):
    value = values[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value < math.inf:
        raise RdcodecError(f"{path}: {name}: expected a number{'' if least < 0 else ' above 0'}, got {value!r}")
    return value
