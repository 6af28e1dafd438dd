"""rdcodec unpack: tokens of a store to an array in a .npy file."""

from pathlib import Path
from typing import Annotated, Optional

import numpy as np
import typer

from rdcodec.cli.options import Json, StoreDir, Workers
from rdcodec.cli.output import array_file, check_writable, progress_bar, say, write_json
from rdcodec.errors import RdcodecError
from rdcodec.store import Store

__all__ = ["unpack"]

CHUNK_TOKENS = 4096


def unpack(
    store: StoreDir,
    out: Annotated[Path, typer.Option("--out", help="The .npy file to write.", show_default=False)],
    place: Annotated[Optional[str], typer.Option("--place", help="Which of several places.", show_default=False)] = None,
    document: Annotated[Optional[str], typer.Option("--document", help="Only the document of this id.", show_default=False)] = None,
    start: Annotated[int, typer.Option("--start", help="First token.")] = 0,
    stop: Annotated[Optional[int], typer.Option("--stop", help="The token behind the last one.", show_default="all")] = None,
    workers: Workers = 1,
    json: Json = None,
):
    """Decode a store, or a part of it, to the element type that was coded; bfloat16, which .npy lacks, to float32."""
    check_writable(out, json)
    opened = Store.open(store, workers=workers)
    states = _known(opened, store, place)
    if document is not None:
        if document not in opened.documents:
            raise RdcodecError(f"--document: {store} holds none of the id {document!r}")
        start, stop = opened.documents[document].start, opened.documents[document].stop
    stop = len(opened) if stop is None else stop
    if not 0 <= start <= stop <= len(opened):
        raise RdcodecError(f"--start, --stop: expected a range within {len(opened)}, got {start} to {stop}")
    dtype = "float32" if opened.description.dtype == "bfloat16" else opened.description.dtype
    shape = (stop - start, states.codec.channels)
    with array_file(out, shape, np.dtype(dtype)) as write, progress_bar() as progress:
        for number, chunk in enumerate(states.chunks(CHUNK_TOKENS, start, stop, dtype), 1):
            write(chunk)
            progress("unpacking", min(1, number * CHUNK_TOKENS / shape[0]))
    write_json(json, {"array": str(out), "shape": shape, "dtype": dtype, "place": states.name})
    say(f"{out}: {dtype} {list(shape)}")


def _known(opened, store, place):
    if place is None:
        return opened.only
    if place not in opened.places:
        raise RdcodecError(f"--place: {store} has {', '.join(opened.places)}, got {place}")
    return opened[place]
